"""How a credential stays at home, on requests.

1. A request that gets a credential becomes an object of a class that watches its own ``url``, and so do its copies.
2. requests follows a redirect with a copy of the request, whose ``url`` is then set for the first time.
3. A request whose ``url`` is set to another origin loses all that was put on it, there and then.
4. If it was such a copy, it has left for good, and its copies with it: nothing of ours is put on it again, by anybody.
5. So nobody has to know who makes a copy, or when, or in which thread; and the request that was copied never changes.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from ..._connectors import LONG_ENOUGH, Sending
from ..._values import MASK, XkitAuthError, is_said_in, origin_of

CARRIED: Final = "_xkit_auth"
"""Where a request keeps what it carries, in its ``__dict__``, as requests keeps everything.

Headers that a resend has put on keep there what that was: whoever copies them while another thread replaces them knows
what was copied.
"""
_IS_FRESH = "_xkit_auth_is_fresh"
"""Kept there, too, by a copy whose URL nobody has set yet."""
NO_HOOKS: Final[dict[str, list[Any]]] = {"response": []}
"""The hooks of a request to which nobody has given any."""
_PLAIN = "_xkit_auth_plain"
"""The class that a watching class was made of."""


class Carried:
    """What was put on a request, as far as it takes to take it off again. This is all that remains in a pickle."""

    home: str
    """The URL that the credential was put on for, or the beginning of it, without the credential."""
    is_on_the_way = False
    """Whether a redirect has led here and there was no answer yet. Any later answer is one to a send of its own."""

    def __init__(self, names: tuple[str, ...], home: str) -> None:
        self._names = names
        self.home = home

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers."""
        return self._names

    @property
    def further(self) -> Mapping[str, str]:
        """The other headers that were put on, with their values."""
        return {}

    def is_ours(self, _value: str) -> bool:
        """Whether what stands under one of the names is what was put there. If nobody can tell, it is."""
        return True

    def bare(self, url: str) -> str:
        """The URL without what was put into it."""
        return url

    def elsewhere(self, url: Any) -> Any:
        """The request goes on to another origin: what its ``url`` becomes; an error to be raised, if it says the
        credential in whatever form.
        """
        return url

    def look_at_target(self, response: Any) -> None:
        """Let a redirect lead nowhere that says the credential back, as far as the request's headers say what it is."""
        said = response.headers["location"]
        if any(map(partial(is_said_in, said), _words_of(response.request.headers, self.names))):
            del response.headers["location"]

    def is_at_home_in(self, url: object) -> bool:
        """Whether this URL is certainly of the origin that the credential was put on for."""
        return _is_same_origin(url, self.home)

    def on_the_way(self, _request: Any, url: str, *, is_redirect: bool) -> str:
        """The request goes on to another URL of its origin: what its ``url`` becomes."""
        return url

    def of_copy(self) -> Carried:
        """What a copy of the request carries."""
        return self

    def __call__(self, response: Any, **_how: Any) -> Any:
        """Called by requests as a hook, if the request has been unpickled: there is nobody left to ask."""
        if response.is_redirect:
            self.look_at_target(response)
        return response

    def __repr__(self) -> str:
        return f"<xkit-auth: {', '.join(self.names)}>"

    def __deepcopy__(self, _memo: object) -> Carried:
        return self

    def __reduce__(self) -> Any:
        # requests pickles a response with its request, which still holds the header.
        return Carried, (self.names, self.home)


class Left(Carried):
    """In the place of what a request carried that a redirect has led to another origin."""

    def __init__(self, before: Carried | None = None) -> None:
        super().__init__((), "")
        self._before = before

    def __call__(self, response: Any, **_how: Any) -> Any:
        """Called by requests for each answer: a redirect that says the credential back is still not followed."""
        if self._before is not None and response.is_redirect:
            self._before.look_at_target(response)
        return response

    def __reduce__(self) -> Any:
        return Left, ()


class _Classes(dict[type[Any], type[Any]]):
    def __missing__(self, plain: type[Any]) -> type[Any]:
        return _watching(plain)


WATCHING: Final = _Classes()
"""The watching class of each class of requests, made when it is first wanted. That of a watching class is itself."""


def _watching(plain: Any) -> type[Any]:
    class Watching(plain):  # type: ignore[misc]
        _xkit_auth_plain = plain

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "url":
                value = _gone_on(self, value)
                if isinstance(value, XkitAuthError):  # raised here, where no variable has the URL any more
                    raise value
            plain.__setattr__(self, name, value)  # it may be of this class no more

        def copy(self) -> Any:
            """What requests follows a redirect with, and others send."""
            carried = carried_by(self)  # before the headers, which are replaced before it
            copy = super().copy()
            if carried is not None:
                headers = self.headers
                put_headers(copy, headers.copy(), getattr(headers, CARRIED, None))
                watch(copy, carried.of_copy())
                copy.__dict__[_IS_FRESH] = True
            return copy

        def prepare(self, method: Any = None, url: Any = None, headers: Any = None, *more: Any, **named: Any) -> None:
            """Made anew, as if nothing had been put on it, nor on what it is made of: often that is what stood here."""
            carried = carried_by(self)
            let_go(self)
            if carried is not None:
                headers = headers and _bare_headers(dict(headers.items()), carried)
                url = _bare_url(url, carried)
                if isinstance(url, XkitAuthError):  # raised here, where no variable has the URL any more
                    raise url
            plain.prepare(self, method, url, headers, *more, **named)
            _drop_hooks(self, kept=carried_by(self))

        def prepare_auth(self, *args: Any, **kwargs: Any) -> None:
            """Another auth object is applied. A session does that on a redirect, too: to what has a login in netrc."""
            carried = carried_by(self)
            if carried is not None and not carried.is_on_the_way:
                take_back(self)
            plain.prepare_auth(self, *args, **kwargs)

        def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
            return _restored, (plain, {**self.__dict__, "headers": self.headers.copy()})

    Watching.__name__, Watching.__qualname__, Watching.__module__ = plain.__name__, plain.__qualname__, plain.__module__
    WATCHING[Watching] = Watching
    return WATCHING.setdefault(plain, Watching)


def _gone_on(request: Any, url: Any) -> Any:
    """A request that watches itself gets another URL: what that becomes, or an error to be raised."""
    is_redirect = request.__dict__.pop(_IS_FRESH, False)
    carried = carried_by(request)
    if carried is None:  # made by hand, of the class of another one
        return url
    if isinstance(carried, Left):
        if not is_redirect and not _is_same_origin(url, request.url):
            let_go(request)  # its owner makes another request of it
    elif carried.is_at_home_in(url):
        return carried.on_the_way(request, url, is_redirect=is_redirect)
    else:
        let_go(request)
        if is_redirect:
            hang_on(request, Left(carried))
        return carried.elsewhere(url)
    return url


def _bare_url(url: Any, carried: Carried) -> Any:
    """The URL that a request is made anew for, without what was put into its own; or an error to be raised."""
    text = url.decode("latin-1") if isinstance(url, bytes) else str(url)
    return carried.bare(text) if carried.is_at_home_in(text) else carried.elsewhere(text)


def _is_same_origin(one: object, other: str) -> bool:
    origin = origin_of(one) if isinstance(one, str) else None
    return origin is not None and origin == origin_of(other)


def _restored(plain: Any, attributes: dict[str, Any]) -> Any:
    request = plain.__new__(plain)
    request.__dict__.update(attributes)
    is_watched(request)
    return request


def watch(request: Any, carried: Carried) -> None:
    """Let the request carry this, and watch its own URL."""
    request.__dict__[CARRIED] = carried
    request.__class__ = WATCHING[type(request)]


def carried_by(request: Any) -> Carried | None:
    """What a request carries of ours; a ``Left`` if it has left home; ``None`` if nothing is known to be on it."""
    carried = getattr(request, CARRIED, None)
    return carried if isinstance(carried, Carried) else None


def is_watched(request: Any) -> bool:
    """Whether a request is known to watch its own URL. One that was given what it carries by hand does from now on."""
    carried = carried_by(request)
    if carried is not None and CARRIED in vars(request):
        watch(request, carried)
    return carried is not None


def is_sent(request: Any) -> None:
    """A request has been sent: if it is a copy, it is none that is about to follow a redirect."""
    getattr(request, "__dict__", {}).pop(_IS_FRESH, None)


def hang_on(request: Any, carried: Any) -> None:
    """Let the request carry this, and be its hook, in place of an earlier one of ours."""
    if request.hooks == NO_HOOKS:
        request.hooks = {"response": [carried]}
    else:
        request.hooks = {**request.hooks, "response": [carried, *_hooks_of_others(request)]}
    watch(request, carried)


def put_headers(request: Any, headers: Any, sending: Sending | None) -> None:
    """Replace the headers of a request by others, which this was put on."""
    if sending is not None:
        with suppress(AttributeError):  # a dictionary of the caller's own
            setattr(headers, CARRIED, sending)
    request.headers = headers


def set_url(request: Any, url: str) -> None:
    """Set the URL of a request without its noticing."""
    object.__setattr__(request, "url", url)


def let_go(request: Any) -> None:
    """Take off what was put on a request, and leave it as if nothing had ever been."""
    carried = carried_by(request)
    if carried is None:
        return
    request.headers = _bare_headers(request.headers, carried)
    set_url(request, carried.bare(request.url))
    _drop_hooks(request)
    for name in (CARRIED, _IS_FRESH):
        request.__dict__.pop(name, None)
    request.__class__ = getattr(request, _PLAIN, type(request))


def _bare_headers(headers: Any, carried: Carried) -> Any:
    """A copy of a request's headers without anything that was put on."""
    bare = without(headers, carried)
    for name, value in carried.further.items():
        if bare.get(name) == value:
            del bare[name]
    return bare


def take_back(request: Any) -> bool:
    """Take off what an earlier auth object of ours put on, before another one is applied.

    Returns:
        Whether something may be put on: not if a redirect has led the request away from home.
    """
    may_carry = not isinstance(carried_by(request), Left)
    if may_carry:
        let_go(request)
    return may_carry


def without(headers: Any, carried: Carried) -> Any:
    """A copy of a request's headers without those that carry the credential. What others have put there instead stays.

    A copy, since another thread may be sending the request, and shallow copies of a request share their headers.
    """
    kept = headers.copy()
    put_on: Sending | None = getattr(headers, CARRIED, None)
    for what in (carried, put_on or carried):
        names = {name.lower() for name in what.names}
        for name in [name for name in kept if _text(name).lower() in names]:  # in a plain dictionary cases differ
            if what.is_ours(_text(kept[name])):
                del kept[name]
    return kept


def _words_of(headers: Any, names: Iterable[str]) -> Iterator[str]:
    """What may be a credential in the headers of these names; of HTTP Basic, what it is the base64 of, too."""
    for word in " ".join(_text(headers.get(name, "")) for name in names).split():
        yield from filter(_is_telling, (word, *_pair_of(word)))


def _is_telling(word: str) -> bool:
    return len(word) >= LONG_ENOUGH


def _pair_of(word: str) -> list[str]:
    try:
        return b64decode(word, validate=True).decode("latin-1").split(":", 1)
    except ValueError:
        return []


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def redacted(request: Any, names: Iterable[str]) -> Any:
    """A copy to be shown, which carries nothing and has masks in the place of these headers."""
    copy = request.copy()
    present = [name for name in names if name in copy.headers]
    let_go(copy)
    for name in present:
        copy.headers[name] = MASK
    return copy


def _drop_hooks(request: Any, kept: Carried | None = None) -> None:
    """Let no hook of ours be on a request, but perhaps this one."""
    # The dictionary is shared by all copies of a request, so it is never changed: each gets one of its own.
    hooks = request.hooks.get("response", ())
    request.hooks = {
        **request.hooks,
        "response": [each for each in hooks if each is kept or not isinstance(each, Carried)],
    }


def _hooks_of_others(request: Any) -> list[Any]:
    return [hook for hook in request.hooks.get("response", ()) if not isinstance(hook, Carried)]
