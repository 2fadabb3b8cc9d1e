"""What of ours is on a request of httpx or httpx2. The request object knows it for as long as it lives.

A credential stays at home because of four things, of which the first two are done here:

* A request that carries one is *guarded*: as soon as its ``url`` is set to another origin, by whomever, it comes off.
* A request that is sent again first loses what an earlier send has put on it, before anything else is decided.
* ``_httpx_wire.py`` puts whatever is not in ``Authorization``, which is all that the clients strip on a redirect
  elsewhere, on each hop at home, below the client, so that no redirect can take it along.
* Once a chain of redirects has left the origin, none of its requests gets a credential any more: not from the wire, not
  by a resend, and not if its owner follows it by hand.
"""

from __future__ import annotations

from typing import Any

from ._model import Credential
from ._policy import Policy, Sending

_MARK = "_xkit_auth"
_DEFAULT_PORTS = {b"http": 80, b"https": 443}

Origin = tuple[bytes, bytes, int | None]


class Mark:
    """What is remembered on a request object that was pickled, or that a redirect elsewhere has led to.

    Attributes:
        url: where the request went, without anything of ours in it.
        has_left: whether the request belongs to a chain of redirects that has left the origin.
    """

    __slots__ = ("_names", "has_left", "url")

    def __init__(self, url: Any, names: tuple[str, ...] = (), *, has_left: bool = False) -> None:
        self.url = url
        self._names = names
        self.has_left = has_left

    @property
    def names(self) -> tuple[str, ...]:
        """The headers that were put on."""
        return self._names

    def is_ours(self, name: bytes, value: bytes) -> bool:  # noqa: ARG002 - all that a pickle tells is the name
        """Whether a header is one that was put on."""
        return name.lower().decode("latin-1") in {ours.lower() for ours in self.names}

    def bare(self, url: str) -> str:
        """A URL without what was put into it."""
        return url

    def take_off(self, request: Any) -> None:
        """Leave nothing of this on the request. What the caller has put in its place is the caller's."""
        request.headers = self.taken_off(request.headers)
        self.clear_url(request)

    def taken_off(self, headers: Any) -> Any:
        """Headers without those that were put on."""
        kept = [each for each in headers.raw if not self.is_ours(*each)]
        return headers if len(kept) == len(headers.raw) else type(headers)(kept)

    def clear_url(self, request: Any) -> None:
        """Leave nothing of this in the request's URL."""
        url = str(request.url)
        bare = self.bare(url)
        if bare != url:
            request.url = type(request.url)(bare)

    def __reduce__(self) -> Any:
        return _unpickled_mark, (self.url, self.names, self.has_left)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.names)})"


class Carried(Mark):
    """What is remembered of a credential that was put on a request."""

    __slots__ = ("_written", "credential", "policy")

    def __init__(
        self, policy: Policy, credential: Credential, url: Any, written: Sending | None = None, *, has_left: bool = False
    ) -> None:
        self.policy = policy
        self.credential = credential
        self.url = url
        self.has_left = has_left
        self._written = written

    @property
    def sending(self) -> Sending:
        """What carries it. That of ``put_plain`` is written down when somebody wants to know."""
        if self._written is None:
            self._written = self.policy.plain(self.credential)
        return self._written

    @property
    def names(self) -> tuple[str, ...]:
        """The headers that carry it."""
        return self.sending.names

    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Whether a header is one that was put on, with the value that it had then."""
        return any(name.lower() == ours.lower() and value == what for ours, what in self._encoded())

    def _encoded(self) -> list[tuple[bytes, bytes]]:
        extra = [(name.encode("ascii"), value.encode("latin-1")) for name, value, _ in self.policy.extra]
        return [*self.sending.encoded(), *extra]

    def bare(self, url: str) -> str:
        """A URL without what was put into it."""
        return self.sending.bare(url)

    def bare_value(self, value: bytes) -> bytes:
        """A header's value, without it if that is a URL."""
        text = text_of(value)
        bare = self.bare(text)
        return value if bare == text else bare.encode()

    def on_hop(self, url: Any, *, has_left: bool) -> Carried:
        """The same for a request that the client has made of this one, to follow a redirect."""
        return Carried(self.policy, self.credential, url, self._written, has_left=has_left)


def mark_of(request: Any) -> Mark | None:
    """What is known of an earlier send of this request object."""
    mark: Mark | None = request.__dict__.get(_MARK)
    return mark


def put_mark(request: Any, mark: Mark) -> None:
    """Remember it on the request object, and guard that."""
    request.__dict__[_MARK] = mark
    kind = type(request)
    request.__class__ = _GUARDED.get(kind) or _guarded(kind)


def origin_of_url(url: Any) -> Origin:
    """The origin of a URL of httpx."""
    return origin_of_parts(url.raw_scheme, url.raw_host, url.port)


def origin_of_parts(scheme: bytes, host: bytes, port: int | None) -> Origin:
    """An origin, comparable with others."""
    return scheme, host.lower(), port or _DEFAULT_PORTS.get(scheme)


def text_of(value: bytes) -> str:
    """A header's value, as the clients read it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class _Guard:
    """Beside the class of a request: takes off what it carries when it is made to go elsewhere."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        mark = mark_of(self) if name == "url" else None
        if mark is not None and origin_of_url(value) != origin_of_url(mark.url):
            mark.take_off(self)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        # The guard's class is made in each process anew, so the request pickles as one of the class that it had.
        return _unpickled_request, (type(self).__mro__[1], self.__getstate__())


_GUARDED: dict[type[Any], type[Any]] = {}


def _guarded(kind: type[Any]) -> type[Any]:
    named = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    made = type(kind.__name__, (kind, _Guard), named)  # the other way round, the layout would differ
    _GUARDED[kind] = _GUARDED[made] = made
    return made


def _unpickled_mark(url: Any, names: tuple[str, ...], has_left: bool) -> Mark:  # noqa: FBT001 - as __reduce__ gives it
    return Mark(url, names, has_left=has_left)


def _unpickled_request(kind: type[Any], state: Any) -> Any:
    request = kind.__new__(kind)
    request.__setstate__(state)
    mark = mark_of(request)
    assert mark is not None
    put_mark(request, mark)
    return request
