"""What of ours is on a request of httpx or httpx2. The request object knows it for as long as it lives.

A credential stays at home because of three things:

* A request that is sent again first loses what an earlier send has put on it, before anything else is decided. For that
  the request object, and each that the client makes of it, has an attribute that leads to a ``Mark``.
* ``wire.py`` puts whatever is not in ``Authorization``, which is all that the clients strip on a redirect
  elsewhere, on each hop at home, below the client, so that no redirect can take it along.
* Once a chain of redirects has left the origin, none of its requests gets a credential any more: not from the wire, not
  by a resend, and not if its owner follows it by hand.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ..._connectors import Policy, Sending

MARK = "_xkit_auth"
"""The attribute of a request object. It pickles with that."""

HAS_LEFT = "xkit_auth_has_left"
"""An extension of such a request, too: a client gives those to the next request, which lacks our attribute."""

_DEFAULT_PORTS = {b"http": 80, b"https": 443}
_AS_HTTP = {b"ws": b"http", b"wss": b"https"}

Origin = tuple[bytes, bytes, int | None]


class Mark:
    """What is remembered on a request object.

    Attributes:
        url: where the request went, without anything of ours in it.
    """

    __slots__ = ()
    url: Any
    has_left = False
    """Whether the request belongs to a chain of redirects that has left the origin."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The headers that were put on."""

    @abstractmethod
    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Whether a header is one that was put on."""

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

    def __reduce__(self) -> Any:
        return (Left if self.has_left else Named), (self.url, self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.names)})"


class Named(Mark):
    """All that a pickle tells: which headers they were."""

    __slots__ = ("_names", "url")

    def __init__(self, url: Any, names: tuple[str, ...] = ()) -> None:
        self.url = url
        self._names = names

    @property
    def names(self) -> tuple[str, ...]:
        """The headers that were put on."""
        return self._names

    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Whether a header has the name of one that was put on."""
        return name.lower().decode("latin-1") in {ours.lower() for ours in self._names}


class Left(Named):
    """A redirect elsewhere has led to the request."""

    __slots__ = ()
    has_left = True


def mark_as_left(request: Any) -> None:
    """Let neither a request nor those that a client makes of it for a redirect get a credential any more."""
    request._xkit_auth = Left(request.url)
    request.extensions = {**request.extensions, HAS_LEFT: True}


class Carried(Mark):
    """A credential that was put on."""

    __slots__ = ()
    policy: Any
    sending: Any
    refused: Any
    """What was put on before, in the same send, and was refused; ``None`` if nothing was."""

    @property
    def names(self) -> tuple[str, ...]:
        """The headers that carry it."""
        names: tuple[str, ...] = self.sending.names
        return names

    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Whether a header is one that was put on, with the value that it had then."""
        return any(name.lower() == ours.lower() and value == what for ours, what in self._encoded())

    def _encoded(self) -> list[tuple[bytes, bytes]]:
        extra = [(name.encode("ascii"), value.encode("latin-1")) for name, value, _ in self.policy.extra]
        return [*self.sending.encoded(), *extra]

    def bare(self, url: str) -> str:
        """A URL without what was put into it."""
        bare: str = self.sending.bare(url)
        return bare

    def is_said_in(self, text: str) -> bool:
        """Whether a text says the credential back, or the one that was refused before it, in whatever encoding."""
        return any(each.is_said_in(text) for each in (self.sending, self.refused) if each is not None)

    def is_refused_by(self, _status: int, _headers: Any, _hop: Any) -> bool:
        """Whether a redirect refuses it, and something is still to be done about that."""
        return False

    def clear_url(self, request: Any) -> None:
        """Leave nothing of this in the request's URL."""
        if self.policy.writes_url:
            request.url = type(request.url)(self.bare(str(request.url)))

    def bare_value(self, value: bytes) -> bytes:
        """A header's value, without it if that is a URL."""
        text = text_of(value)
        bare = self.bare(text)
        return value if bare == text else bare.encode()


class CarriedThen(Carried):
    """The same for one request of several, which goes on to carry this."""

    __slots__ = ("policy", "refused", "sending", "url")

    def __init__(self, policy: Policy, sending: Sending, url: Any, refused: Sending | None = None) -> None:
        self.policy = policy
        self.sending = sending
        self.url = url
        self.refused = refused


_NOTHING = Named(None)


def origin_of_url(url: Any) -> Origin:
    """The origin of a URL of httpx."""
    return origin_of_parts(url.raw_scheme, url.raw_host, url.port)


def origin_of_parts(scheme: bytes, host: bytes, port: int | None) -> Origin:
    """An origin, comparable with others. A WebSocket's is that of the HTTP that it begins with."""
    scheme = _AS_HTTP.get(scheme, scheme)
    return scheme, host.lower(), port or _DEFAULT_PORTS.get(scheme)


def patience_of(request: Any) -> float | None:
    """Seconds that the caller of this request waits for an answer; ``None`` if that is not said."""
    timeout = request.extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, dict) else None
    return max(float(seconds), 0.0) if isinstance(seconds, (int, float)) else None


def text_of(value: bytes) -> str:
    """A header's value, as the clients read it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class Aftermath:
    """Beside other auth objects, which send again what they like: once a chain has left, nothing of ours goes along."""

    def __init__(self) -> None:
        self._has_left = False
        self._bare: list[Any] = []

    def __call__(self, sent: Any, response: Any, wanted: Any) -> Any:
        """What is ``wanted`` after the answer to ``sent``, without the credential if the chain has left."""
        self._has_left = self._has_left or has_left(sent, response)
        mark: Mark = getattr(wanted, MARK, _NOTHING)
        if self._has_left and wanted is not None and not mark.has_left:
            mark.take_off(wanted)
            mark_as_left(wanted)
            self._bare.append(wanted)
        return wanted

    def __enter__(self) -> Aftermath:
        return self

    def __exit__(self, *_how: object) -> None:
        for request in self._bare:  # which are their owners' again
            request._xkit_auth = Named(request.url)
            request.extensions = {name: value for name, value in request.extensions.items() if name != HAS_LEFT}


def chain_of(sent: Any, response: Any) -> list[Any]:
    """The requests of a chain of redirects, from the one that was sent to the one that was answered."""
    hops = [each.request for each in (*response.history, response)]
    begins = [index for index, hop in enumerate(hops) if hop is sent]
    return hops[begins[-1] :] if begins else hops


def answers_of_chain(sent: Any, response: Any) -> list[Any]:
    """The answers to these."""
    return [*response.history, response][-len(chain_of(sent, response)) :]


def has_left(sent: Any, response: Any) -> bool:
    """Whether a chain of redirects has been at another origin than it began at."""
    return len({origin_of_url(hop.url) for hop in (sent, *chain_of(sent, response))}) > 1
