"""Below httpx and httpx2: what the client would carry to another host on a redirect, or show in its log.

Both clients strip ``Authorization`` when a redirect leaves the origin, and nothing else. A credential in any other
header therefore leaves the client's request as soon as the first hop is on its way, and is put back at the wire, on
each hop to the same origin. One in the URL leaves it in the same way, before the client logs the URL. The ``trace``
extension of the transport is the place where all this can be done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ._policy import Sending

_STARTED = ".send_request_headers.started"
_ANSWERED = ".receive_response_headers.complete"
_DEFAULT_PORTS = {b"http": 80, b"https": 443}


class Carrier(Protocol):
    """A request that carries a credential."""

    @property
    def sending(self) -> Sending:
        """The headers of the credential that it carries now."""
        ...


class Wire:
    """The ``trace`` extension of one request: moves the credential's headers, then calls the caller's own trace."""

    _is_active = True
    _is_taken_off = False
    _remembered: Sending | None = None
    carried: bool | None = None
    """Whether the last hop went out with the credential; ``None`` if the transport does not say."""

    def __init__(self, request: Any, carrier: Carrier) -> None:
        extensions = request.extensions
        theirs = extensions.get("trace")
        self._request = request
        self._home = request.url  # an event hook may send the request elsewhere
        self._carrier = carrier
        self._theirs: Any = theirs._theirs if isinstance(theirs, Wire) else theirs
        self._before = extensions
        self._during: Any = {**extensions, "trace": self}
        request.extensions = self._during

    @property
    def _sending(self) -> Sending:
        return self._remembered or self._carrier.sending

    def remember(self, sending: Sending) -> None:
        """Stay with these headers, whatever the request is going to carry."""
        self._remembered = sending

    def __call__(self, name: str, info: dict[str, Any]) -> Any:
        """Called by the transport; for an async one, what is returned is awaited."""
        if name.endswith(_STARTED):
            self._move(info["request"])
        elif name.endswith(_ANSWERED) and self._is_active and self._sending.in_url is not None:
            self._clear_target(info["return_value"][-1])
        return None if self._theirs is None else self._theirs(name, info)

    def _move(self, hop: Any) -> None:
        if hop.method == b"CONNECT":  # to a proxy, which has its own request for the same exchange
            return
        hidden = self._sending.split()[1].encoded()
        ours = {name.lower() for name, _ in hidden}
        kept = [(name, value) for name, value in hop.headers if name.lower() not in ours]
        is_at_home = _origin(hop.url.scheme, hop.url.host, hop.url.port) == _origin_of(self._home)
        if not self._is_active:
            # The request was sent again meanwhile, or its owner follows a redirect by hand: nothing is added to what
            # it carries, and still none of it reaches a stranger.
            if not is_at_home:
                hop.headers = kept
                self._place(hop, is_at_home=False)
            return
        self.carried = is_at_home
        self.take_off()
        hop.headers = [*kept, *hidden] if is_at_home else kept
        self._place(hop, is_at_home=is_at_home)

    def _place(self, hop: Any, *, is_at_home: bool) -> None:
        in_url = self._sending.in_url
        if in_url is not None:
            target = hop.url.target.decode("ascii")
            hop.url.target = (in_url.put_in(target) if is_at_home else in_url.taken_out_of(target)).encode("ascii")

    def _clear_target(self, headers: list[tuple[bytes, bytes]]) -> None:
        """A redirect that says the URL back: the client would log it, and follow it elsewhere."""
        for index, (name, value) in enumerate(headers):
            if name.lower() == b"location":
                headers[index] = name, self._sending.bare(value.decode("latin-1")).encode("latin-1")

    def take_off(self) -> None:
        """Leave nothing on the client's request: on its way it does not need it, and afterwards nobody does."""
        if self._is_taken_off:
            return
        self._is_taken_off = True
        for name in self._sending.hidden:
            try:
                del self._request.headers[name]
            except KeyError:  # another thread was faster
                pass
        self._clear_url()

    def _clear_url(self) -> None:
        sending, url = self._sending, self._request.url
        if sending.in_url is not None:
            self._request.url = type(url)(sending.bare(str(url)))

    def over(self) -> None:
        """Leave no trace; hops that were made of the request get nothing any more.

        On a transport that does not call its trace the header is still on the request, as ``Authorization`` always is.
        """
        self._is_active = False
        if not self._is_taken_off:
            self._clear_url()
        extensions = self._request.extensions
        if extensions is self._during and self._before.get("trace") is self._theirs:
            self._request.extensions = self._before
        elif extensions.get("trace") is self:
            rest = {name: value for name, value in extensions.items() if name != "trace"}
            self._request.extensions = rest if self._theirs is None else {**rest, "trace": self._theirs}
        self._during = None  # it leads back here, which would leave the two of them to the garbage collector

    def __repr__(self) -> str:
        return "Wire()"


def without_hidden(redirected: Callable[..., Any], _client: object, args: tuple[Any, ...], kwargs: Any) -> Any:
    """Wrapped by ``bind`` around the method that makes a redirect's headers: leave out those that are ours.

    For transports that do not call their trace, on which such a header is still on the request.
    """
    headers = redirected(*args, **kwargs)
    request, url = args[0], args[1]
    wire = request.extensions.get("trace")
    if isinstance(wire, Wire) and _origin_of(url) != _origin_of(request.url):
        for name in wire._sending.hidden:
            headers.pop(name, None)
    return headers


class AsyncWire(Wire):
    """The same for an async transport, which awaits its trace."""

    async def __call__(self, name: str, info: dict[str, Any]) -> None:
        """Called and awaited by the transport."""
        theirs = super().__call__(name, info)
        if theirs is not None:
            await theirs


def _origin_of(url: Any) -> tuple[bytes, bytes, int | None]:
    return _origin(url.raw_scheme, url.raw_host, url.port)


def _origin(scheme: bytes, host: bytes, port: int | None) -> tuple[bytes, bytes, int | None]:
    return scheme, host.lower(), port or _DEFAULT_PORTS.get(scheme)
