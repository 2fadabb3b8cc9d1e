"""How a credential stays at home, which is the origin that it was put on for, with requests.

1. A request that carries a credential gets a subclass of its class (``WATCHING``), which intercepts each assignment to
   ``url`` and each ``copy()``. Its copies get that class, too.
2. requests follows a redirect by copying the request and assigning the copy's ``url``. So the first assignment to the
   ``url`` of a copy counts as a redirect, unless a response to the copy was examined before.
3. A request whose ``url`` is set to another origin loses the credential's headers, URL part and hook at once.
4. If that was a redirect, the request and its later copies are marked as ``Left``. No auth object of ours puts a
   credential on them, unless their owner then assigns a ``url`` of yet another origin.
5. The request itself does this, so it does not matter which code makes a copy, or in which thread. Headers and hooks
   are replaced and not edited, so the request that was copied keeps its own.
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
"""The attribute of a request that holds its ``Carried``.

Headers that a resend has replaced have it as well, with their ``Sending``: a thread that copies them while another one
replaces them still knows which credential it copied.
"""
_IS_FRESH = "_xkit_auth_is_fresh"
"""The attribute of a copy whose URL has not been set yet."""
NO_HOOKS: Final[dict[str, list[Any]]] = {"response": []}
"""The hooks of a request that has none."""
_PLAIN = "_xkit_auth_plain"
"""The attribute of a watching class that holds the class it was made from."""


class Carried:
    """What was put on a request, as far as removing it requires. A pickle keeps no more than this."""

    home: str
    """The URL that the credential was put on for, or its origin, without the credential."""
    is_redirected = False
    """Whether a redirect has led here and no response has arrived. Any later response belongs to a new send."""

    def __init__(self, names: tuple[str, ...], home: str) -> None:
        self._names = names
        self.home = home

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the credential's headers."""
        return self._names

    @property
    def further(self) -> Mapping[str, str]:
        """The connector's additional headers that were put on, with their values."""
        return {}

    def is_ours(self, _value: str) -> bool:
        """Return whether this value of a header in ``names`` was put there; true if that cannot be known."""
        return True

    def bare(self, url: str) -> str:
        """Return the URL without the credential."""
        return url

    def url_elsewhere(self, url: Any) -> Any:
        """Return what ``url`` becomes on the way to another origin: an error to raise if it contains the credential."""
        return url

    def check_target(self, response: Any) -> None:
        """Remove a redirect's target if it contains a credential that is in the request's headers."""
        target = response.headers["location"]
        if any(map(partial(is_said_in, target), _possible_secrets(response.request.headers, self.names))):
            del response.headers["location"]

    def is_at_home_in(self, url: object) -> bool:
        """Return whether this URL is certainly of the origin that the credential was put on for."""
        return _is_same_origin(url, self.home)

    def url_at_home(self, _request: Any, url: str, *, is_redirect: bool) -> str:
        """Return what ``url`` becomes on the way to another URL of the same origin."""
        return url

    def for_copy(self) -> Carried:
        """Return what a copy of the request carries."""
        return self

    def __call__(self, response: Any, **_how: Any) -> Any:
        """Check a redirect's target: the response hook of an unpickled request, which has no ``Xkit`` any more."""
        if response.is_redirect:
            self.check_target(response)
        return response

    def __repr__(self) -> str:
        return f"<xkit-auth: {', '.join(self.names)}>"

    def __deepcopy__(self, _memo: object) -> Carried:
        return self

    def __reduce__(self) -> Any:
        # requests pickles a response together with its request, which still has the header.
        return Carried, (self.names, self.home)


class Left(Carried):
    """The mark of a request that a redirect has led to another origin, in place of what it carried."""

    def __init__(self, before: Carried | None = None) -> None:
        super().__init__((), "")
        self._before = before

    def __call__(self, response: Any, **_how: Any) -> Any:
        """Check a redirect's target, as a response hook: one that contains the credential is still not followed."""
        if self._before is not None and response.is_redirect:
            self._before.check_target(response)
        return response

    def __reduce__(self) -> Any:
        return Left, ()


class _Classes(dict[type[Any], type[Any]]):
    def __missing__(self, plain: type[Any]) -> type[Any]:
        return _watching(plain)


WATCHING: Final = _Classes()
"""The watching class of each request class, made on first use. A watching class is its own."""


def _watching(plain: Any) -> type[Any]:
    class Watching(plain):  # type: ignore[misc]
        _xkit_auth_plain = plain

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "url":
                value = _new_url(self, value)
                if isinstance(value, XkitAuthError):  # raised here, where no variable holds the URL any more
                    raise value
            plain.__setattr__(self, name, value)  # not super(): the request's class may have changed back

        def copy(self) -> Any:
            """Copy the request, as requests does to follow a redirect, and let the copy watch its own URL."""
            carried = carried_by(self)  # read before the headers, since other threads replace the headers first
            copy = super().copy()
            if carried is not None:
                headers = self.headers
                put_headers(copy, headers.copy(), getattr(headers, CARRIED, None))
                watch(copy, carried.for_copy())
                copy.__dict__[_IS_FRESH] = True
            return copy

        def prepare(self, method: Any = None, url: Any = None, headers: Any = None, *more: Any, **named: Any) -> None:
            """Prepare the request anew, without the credential, even if the arguments are its own old values."""
            carried = carried_by(self)
            strip(self)
            if carried is not None:
                headers = headers and _bare_headers(dict(headers.items()), carried)
                url = _bare_url(url, carried)
                if isinstance(url, XkitAuthError):  # raised here, where no variable has the URL any more
                    raise url
            plain.prepare(self, method, url, headers, *more, **named)
            _drop_hooks(self, kept=carried_by(self))

        def prepare_auth(self, *args: Any, **kwargs: Any) -> None:
            """Remove the credential before another auth object is applied.

            On a redirect it stays: a session then applies a login from netrc, which ``Hop`` puts right.
            """
            carried = carried_by(self)
            if carried is not None and not carried.is_redirected:
                take_back(self)
            plain.prepare_auth(self, *args, **kwargs)

        def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
            return _restored, (plain, {**self.__dict__, "headers": self.headers.copy()})

    Watching.__name__, Watching.__qualname__, Watching.__module__ = plain.__name__, plain.__qualname__, plain.__module__
    WATCHING[Watching] = Watching
    return WATCHING.setdefault(plain, Watching)


def _new_url(request: Any, url: Any) -> Any:
    """Return what the new URL of a watched request becomes, or an error to be raised."""
    is_redirect = request.__dict__.pop(_IS_FRESH, False)
    carried = carried_by(request)
    if carried is None:  # made by hand, from the class of a watched request
        return url
    if isinstance(carried, Left):
        if not is_redirect and not _is_same_origin(url, request.url):
            strip(request)  # its owner uses it for a new request
    elif carried.is_at_home_in(url):
        return carried.url_at_home(request, url, is_redirect=is_redirect)
    else:
        strip(request)
        if is_redirect:
            attach(request, Left(carried))
        return carried.url_elsewhere(url)
    return url


def _bare_url(url: Any, carried: Carried) -> Any:
    """Return the URL of a request that is prepared anew, without the credential; or an error to be raised."""
    url = url.decode("latin-1") if isinstance(url, bytes) else str(url)
    return carried.bare(url) if carried.is_at_home_in(url) else carried.url_elsewhere(url)


def _is_same_origin(one: object, other: str) -> bool:
    origin = origin_of(one) if isinstance(one, str) else None
    return origin is not None and origin == origin_of(other)


def _restored(plain: Any, attributes: dict[str, Any]) -> Any:
    request = plain.__new__(plain)
    request.__dict__.update(attributes)
    ensure_watched(request)
    return request


def watch(request: Any, carried: Carried) -> None:
    """Attach ``carried`` to the request, and let it watch its own URL."""
    request.__dict__[CARRIED] = carried
    request.__class__ = WATCHING[type(request)]


def carried_by(request: Any) -> Carried | None:
    """Return what a request carries: a ``Left`` if it has left home, or ``None`` if it has no credential of ours."""
    carried = getattr(request, CARRIED, None)
    return carried if isinstance(carried, Carried) else None


def ensure_watched(request: Any) -> bool:
    """Return whether a request watches its own URL. One that got its ``Carried`` by hand begins to."""
    carried = carried_by(request)
    if carried is not None and CARRIED in vars(request):
        watch(request, carried)
    return carried is not None


def note_sent(request: Any) -> None:
    """Note that a request has been sent: the next assignment to its URL is not a redirect."""
    getattr(request, "__dict__", {}).pop(_IS_FRESH, None)


def attach(request: Any, carried: Any) -> None:
    """Attach ``carried`` to the request and make it the first response hook, in place of an earlier one of ours."""
    if request.hooks == NO_HOOKS:
        request.hooks = {"response": [carried]}
    else:
        request.hooks = {**request.hooks, "response": [carried, *_hooks_of_others(request)]}
    watch(request, carried)


def put_headers(request: Any, headers: Any, sending: Sending | None) -> None:
    """Replace the headers of a request by others, on which ``sending`` was put."""
    if sending is not None:
        with suppress(AttributeError):  # the caller's own mapping
            setattr(headers, CARRIED, sending)
    request.headers = headers


def set_url(request: Any, url: str) -> None:
    """Set the URL of a request, past the check of a watched one."""
    object.__setattr__(request, "url", url)


def strip(request: Any) -> None:
    """Remove everything that was put on a request, including its hooks and its watching class."""
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
    """Return a copy of a request's headers without anything that was put on."""
    bare = without(headers, carried)
    for name, value in carried.further.items():
        if bare.get(name) == value:
            del bare[name]
    return bare


def take_back(request: Any) -> bool:
    """Remove what an earlier auth object of ours put on.

    Returns:
        Whether a credential may be put on: not if a redirect has led the request away from home.
    """
    may_carry = not isinstance(carried_by(request), Left)
    if may_carry:
        strip(request)
    return may_carry


def without(headers: Any, carried: Carried) -> Any:
    """Return a copy of a request's headers without the credential's. Values that other code has put there stay.

    The headers are copied because another thread may be sending the request, and its shallow copies share them.
    """
    kept = headers.copy()
    put_on: Sending | None = getattr(headers, CARRIED, None)
    for what in (carried, put_on or carried):
        names = {name.lower() for name in what.names}
        for name in [name for name in kept if _text(name).lower() in names]:  # a plain dict distinguishes case
            if what.is_ours(_text(kept[name])):
                del kept[name]
    return kept


def _possible_secrets(headers: Any, names: Iterable[str]) -> Iterator[str]:
    """Yield what may be a credential in these headers: each word, and what the base64 of HTTP Basic encodes."""
    for word in " ".join(_text(headers.get(name, "")) for name in names).split():
        yield from filter(_is_long_enough, (word, *_basic_pair(word)))


def _is_long_enough(word: str) -> bool:
    return len(word) >= LONG_ENOUGH


def _basic_pair(word: str) -> list[str]:
    try:
        return b64decode(word, validate=True).decode("latin-1").split(":", 1)
    except ValueError:
        return []


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def redacted(request: Any, names: Iterable[str]) -> Any:
    """Return a copy for an error report: without the credential, with masks in these headers."""
    copy = request.copy()
    present = [name for name in names if name in copy.headers]
    strip(copy)
    for name in present:
        copy.headers[name] = MASK
    return copy


def _drop_hooks(request: Any, kept: Carried | None = None) -> None:
    """Remove all hooks of ours from a request except ``kept``."""
    # All copies of a request share the dictionary, so it is replaced and never edited.
    hooks = request.hooks.get("response", ())
    request.hooks = {
        **request.hooks,
        "response": [each for each in hooks if each is kept or not isinstance(each, Carried)],
    }


def _hooks_of_others(request: Any) -> list[Any]:
    return [hook for hook in request.hooks.get("response", ()) if not isinstance(hook, Carried)]
