"""What the library has put on a request of httpx or httpx2, remembered on the request object itself.

Home is the origin that the credential was put on for. A credential stays there because of three rules:

* A request that is sent again first loses what an earlier send put on it. For that, the request and each request that
  the client makes from it have an attribute that holds a ``Mark``.
* On a redirect to another origin, the clients strip only ``Authorization``. A credential anywhere else is put on each
  hop at home by ``wire.py``, below the client, so that no redirect can carry it along.
* Once a chain of redirects has left its origin, none of its later requests gets a credential: not from the wire, not on
  a resend, and not if the caller sends ``response.next_request``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ..._connectors import Policy, Sending

MARK = "_xkit_auth"
"""The attribute of a request that holds its ``Mark``. It is pickled with the request."""

HAS_LEFT = "xkit_auth_has_left"
"""An extension of a request that has left: a client copies extensions to the next request, but not attributes."""

_DEFAULT_PORTS = {b"http": 80, b"https": 443}
_AS_HTTP = {b"ws": b"http", b"wss": b"https"}

Origin = tuple[bytes, bytes, int | None]


class Mark:
    """What is remembered on a request object.

    Attributes:
        url: the URL of the request, without the credential.
    """

    __slots__ = ()
    url: Any
    has_left = False
    """Whether the request belongs to a chain of redirects that has left the origin."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the headers that were put on."""

    @abstractmethod
    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Return whether a header is one that was put on."""

    def take_off(self, request: Any) -> None:
        """Remove what was put on a request. Values that the caller has put in its place stay."""
        request.headers = self.taken_off(request.headers)
        self.clear_url(request)

    def taken_off(self, headers: Any) -> Any:
        """Return headers without those that were put on."""
        kept = [each for each in headers.raw if not self.is_ours(*each)]
        return headers if len(kept) == len(headers.raw) else type(headers)(kept)

    def clear_url(self, request: Any) -> None:
        """Remove the credential from the request's URL."""

    def __reduce__(self) -> Any:
        return (Left if self.has_left else Named), (self.url, self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.names)})"


class Named(Mark):
    """A mark that knows only the names of the headers, as after unpickling."""

    __slots__ = ("_names", "url")

    def __init__(self, url: Any, names: tuple[str, ...] = ()) -> None:
        self.url = url
        self._names = names

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers that were put on."""
        return self._names

    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Return whether a header has the name of one that was put on."""
        return name.lower().decode("latin-1") in {ours.lower() for ours in self._names}


class Left(Named):
    """The mark of a request that a redirect has led to another origin."""

    __slots__ = ()
    has_left = True


def mark_as_left(request: Any) -> None:
    """Keep any credential off a request, and off those that the client makes from it for a redirect."""
    request._xkit_auth = Left(request.url)
    request.extensions = {**request.extensions, HAS_LEFT: True}


class Carried(Mark):
    """The mark of a request with a credential."""

    __slots__ = ()
    policy: Any
    sending: Any
    refused: Any
    """The headers that were rejected earlier in the same send, or ``None``."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the credential's headers."""
        names: tuple[str, ...] = self.sending.names
        return names

    def is_ours(self, name: bytes, value: bytes) -> bool:
        """Return whether a header is one that was put on, with the same value."""
        return any(name.lower() == ours.lower() and value == what for ours, what in self._encoded())

    def _encoded(self) -> list[tuple[bytes, bytes]]:
        extra = [(name.encode("ascii"), value.encode("latin-1")) for name, value, _ in self.policy.extra]
        return [*self.sending.encoded(), *extra]

    def bare(self, url: str) -> str:
        """Return a URL without the credential."""
        bare: str = self.sending.bare(url)
        return bare

    def is_said_in(self, url: str) -> bool:
        """Return whether a URL contains the credential, or the one that was rejected before it, in any encoding."""
        return any(each.is_said_in(url) for each in (self.sending, self.refused) if each is not None)

    def is_refused_by(self, _status: int, _headers: Any, _hop: Any) -> bool:
        """Return whether a redirect rejects the credential, and that has not been handled."""
        return False

    def clear_url(self, request: Any) -> None:
        """Remove the credential from the request's URL."""
        if self.policy.writes_url:
            request.url = type(request.url)(self.bare(str(request.url)))

    def bare_value(self, value: bytes) -> bytes:
        """Return a URL in a header without the credential."""
        url = decoded_value(value)
        bare = self.bare(url)
        return value if bare == url else bare.encode()


class CarriedThen(Carried):
    """The mark of one request of a send, with the credential that it carried."""

    __slots__ = ("policy", "refused", "sending", "url")

    def __init__(self, policy: Policy, sending: Sending, url: Any, refused: Sending | None = None) -> None:
        self.policy = policy
        self.sending = sending
        self.url = url
        self.refused = refused


_NOTHING = Named(None)


def origin_of_url(url: Any) -> Origin:
    """Return the origin of a URL of httpx."""
    return origin_of_parts(url.raw_scheme, url.raw_host, url.port)


def origin_of_parts(scheme: bytes, host: bytes, port: int | None) -> Origin:
    """Return a comparable origin. The origin of a WebSocket is that of its HTTP handshake."""
    scheme = _AS_HTTP.get(scheme, scheme)
    return scheme, host.lower(), port or _DEFAULT_PORTS.get(scheme)


def patience_of(request: Any) -> float | None:
    """Return the request's read timeout in seconds, or ``None``."""
    timeout = request.extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, dict) else None
    return max(float(seconds), 0.0) if isinstance(seconds, (int, float)) else None


def decoded_value(value: bytes) -> str:
    """Return a header's value as a string, decoded as the clients do it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class OriginGuard:
    """Keeps the credential off what the other auth objects of an ``AllOf`` send after a chain has left home."""

    def __init__(self) -> None:
        self._has_left = False
        self._bare: list[Any] = []

    def __call__(self, sent: Any, response: Any, wanted: Any) -> Any:
        """Return ``wanted``, the next request after the response to ``sent``; without the credential after leaving."""
        self._has_left = self._has_left or has_left(sent, response)
        mark: Mark = getattr(wanted, MARK, _NOTHING)
        if self._has_left and wanted is not None and not mark.has_left:
            mark.take_off(wanted)
            mark_as_left(wanted)
            self._bare.append(wanted)
        return wanted

    def __enter__(self) -> OriginGuard:
        return self

    def __exit__(self, *_how: object) -> None:
        for request in self._bare:  # their owners may send them again
            request._xkit_auth = Named(request.url)
            request.extensions = {name: value for name, value in request.extensions.items() if name != HAS_LEFT}


def chain_of(sent: Any, response: Any) -> list[Any]:
    """Return the requests of a chain of redirects, from the one that was sent to that of the last response."""
    hops = [each.request for each in (*response.history, response)]
    begins = [index for index, hop in enumerate(hops) if hop is sent]
    return hops[begins[-1] :] if begins else hops


def responses_of_chain(sent: Any, response: Any) -> list[Any]:
    """Return the responses to the requests of ``chain_of``."""
    return [*response.history, response][-len(chain_of(sent, response)) :]


def has_left(sent: Any, response: Any) -> bool:
    """Return whether a chain of redirects has been at another origin than its first one."""
    return len({origin_of_url(hop.url) for hop in (sent, *chain_of(sent, response))}) > 1
