"""How a credential stays at home, on requests.

1. A request that gets a credential becomes an object of a class that watches its own ``url``.
2. requests follows a redirect with a copy of the request, whose ``url`` it then sets; copies carry on what they carry.
3. A request whose ``url`` is set to another origin loses all that was put on it, there and then, and is away.
4. What is away stays away, and so do its copies: nothing is put on it again, wherever it goes and whatever is answered.
5. So nobody has to know who makes a copy, or when, or in which thread; and the request that was copied never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from ._origin import origin_of
from ._text import MASK

_CARRIED = "_xkit_auth"
"""Where a request keeps what it carries, in its ``__dict__``, as requests keeps everything."""

_NO_HOOKS: dict[str, list[Any]] = {"response": []}


class Carried:
    """What was put on a request, as far as it takes to take it off again. This is all that remains in a pickle."""

    def __init__(self, names: tuple[str, ...], home: str) -> None:
        self._names = names
        self.home = home

    home: str
    """The URL that the credential was put on for, or the beginning of it, without the credential."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers."""
        return self._names

    def bare(self, url: str) -> str:
        """The URL without what was put into it."""
        return url

    def elsewhere(self, url: Any) -> Any:
        """The request goes on to another origin: what its ``url`` becomes.

        Raises:
            HostNotAllowed: the URL has the credential in it, in whatever form.
        """
        return url

    def is_at_home_in(self, url: object) -> bool:
        """Whether this URL is certainly of the origin that the credential was put on for."""
        origin = origin_of(url) if isinstance(url, str) else None
        return origin is not None and origin == origin_of(self.home)

    def on_the_way(self, _request: Any, url: str) -> str:
        """The request goes on to another URL of its origin: what its ``url`` becomes."""
        return url

    def of_copy(self) -> Carried:
        """What a copy of the request carries."""
        return self

    def __call__(self, response: Any, **_how: Any) -> Any:
        """Called by requests as a hook, if the request has been unpickled: there is nobody left to ask."""
        return response

    def __repr__(self) -> str:
        return f"<xkit-auth: {', '.join(self.names)}>"

    def __copy__(self) -> Carried:
        return self

    def __deepcopy__(self, _memo: object) -> Carried:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # requests pickles a response with its request, which still holds the header.
        return Carried, (self.names, self.home)


AWAY: Final = Carried((), "")
"""In the place of what a request carried that has left its origin."""


@cache
def _watching(plain: type[Any]) -> type[Any]:
    """The class of those requests of a class that carry something."""

    class Watching(plain):  # type: ignore[misc]  # a class that is only known when it runs
        _xkit_auth_plain = plain

        @property
        def url(self) -> Any:
            """The URL, which requests sets on the copy that follows a redirect."""
            return self.__dict__["url"]

        @url.setter
        def url(self, url: Any) -> None:
            carried = carried_by(self)
            if carried is not None and carried is not AWAY:
                if carried.is_at_home_in(url):
                    url = carried.on_the_way(self, url)
                else:
                    take_off(self)
                    self.__dict__[_CARRIED] = AWAY
                    url = carried.elsewhere(url)
            self.__dict__["url"] = url

        def copy(self) -> Any:
            """What requests follows a redirect with, and others send."""
            before: Carried = self.__dict__[_CARRIED]
            copy = super().copy()
            carried: Carried = self.__dict__[_CARRIED]
            for name in {*before.names} - {*carried.names}:  # another thread has put something else on meanwhile
                copy.headers.pop(name, None)
            return _carrying(copy, carried.of_copy())

        def prepare(self, *args: Any, **kwargs: Any) -> None:
            """Made anew, as if nothing had been put on it."""
            let_go(self)
            self.prepare(*args, **kwargs)

        def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
            return _restored, (plain, dict(self.__dict__))

    Watching.__name__, Watching.__qualname__, Watching.__module__ = plain.__name__, plain.__qualname__, plain.__module__
    return Watching


def _restored(plain: type[Any], attributes: dict[str, Any]) -> Any:
    request: Any = object.__new__(plain)
    request.__dict__.update(attributes)
    return _carrying(request, attributes[_CARRIED])


def _carrying(request: Any, carried: Carried) -> Any:
    request.__dict__[_CARRIED] = carried
    if not hasattr(request, "_xkit_auth_plain"):
        plain: Any = type(request)
        request.__class__ = _watching(plain)
    return request


def carried_by(request: Any) -> Carried | None:
    """What a request carries of ours; ``AWAY`` if it has left home; ``None`` if nothing was ever put on it."""
    carried = getattr(request, _CARRIED, None)
    return carried if isinstance(carried, Carried) else None


def hang_on(request: Any, carried: Any) -> None:
    """Let the request carry this, and be its hook, in place of an earlier one of ours."""
    _carrying(request, carried)
    if request.hooks == _NO_HOOKS:  # as nearly always
        request.hooks = {"response": [carried]}
    else:
        request.hooks = {**request.hooks, "response": [carried, *_hooks_of_others(request)]}


def take_off(request: Any) -> None:
    """Take off what was put on a request, by name: what has taken its place meanwhile could be a newer one of ours."""
    carried = carried_by(request)
    if carried is None:
        return
    for name in carried.names:
        request.headers.pop(name, None)
    request.__dict__["url"] = carried.bare(request.url)
    request.hooks = {**request.hooks, "response": _hooks_of_others(request)}


def let_go(request: Any) -> None:
    """Take off what was put on a request, and leave it as if nothing had ever been."""
    if carried_by(request) is not None:
        take_off(request)
        del request.__dict__[_CARRIED]
        request.__class__ = request._xkit_auth_plain


def redacted(request: Any, names: Iterable[str]) -> Any:
    """A copy to be shown, which carries nothing and has masks in the place of these headers."""
    copy = request.copy()
    present = [name for name in names if name in copy.headers]
    let_go(copy)
    for name in present:
        copy.headers[name] = MASK
    return copy


def _hooks_of_others(request: Any) -> list[Any]:
    # The dictionary is shared by all copies of a request, so it is never changed: each gets one of its own.
    return [hook for hook in request.hooks.get("response", ()) if not isinstance(hook, Carried)]
