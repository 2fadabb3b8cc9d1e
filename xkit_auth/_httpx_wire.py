"""Below httpx and httpx2: headers that the client would carry to another host on a redirect.

Both clients strip ``Authorization`` when a redirect leaves the origin, and nothing else. A credential in any other
header therefore leaves the client's request as soon as the first hop is on its way, and is put back at the wire, on
each hop to the same origin. The ``trace`` extension of the transport is the place where both can be done.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ._policy import Sending

_STARTED = ".send_request_headers.started"
_DEFAULT_PORTS = {b"http": 80, b"https": 443}


class Wire:
    """The ``trace`` extension of one request: moves the credential's headers, then calls the caller's own trace."""

    def __init__(self, request: Any, sending: Sending) -> None:
        self._request = request
        self._headers = sending.encoded()
        self._origin = _origin(request.url.raw_scheme, request.url.raw_host, request.url.port)
        theirs: Any = request.extensions.get("trace")
        self._theirs: Any = theirs._theirs if isinstance(theirs, Wire) else theirs
        self._active = True
        self.carried: bool | None = None
        request.extensions = {**request.extensions, "trace": self}

    def __call__(self, name: str, info: dict[str, Any]) -> Any:
        """Called by the transport; for an async one, what is returned is awaited."""
        if name.endswith(_STARTED):
            self._move(info["request"])
        return None if self._theirs is None else self._theirs(name, info)

    def _move(self, hop: Any) -> None:
        if hop.method == b"CONNECT":  # to a proxy, which has its own request for the same exchange
            return
        ours = {name.lower() for name, _ in self._headers}
        kept = [(name, value) for name, value in hop.headers if name.lower() not in ours]
        is_at_home = _origin(hop.url.scheme, hop.url.host, hop.url.port) == self._origin
        if not self._active:
            # The request was sent again meanwhile, or its owner follows a redirect by hand: nothing is added to what
            # it carries, and still none of it reaches a stranger.
            hop.headers = hop.headers if is_at_home else kept
            return
        self._take_off()
        self.carried = is_at_home
        hop.headers = [*kept, *self._headers] if is_at_home else kept

    def _take_off(self) -> None:
        for name, _ in self._headers:
            with suppress(KeyError):  # pop looks first and takes then, and another thread may be faster
                self._request.headers.pop(name.decode("ascii"), None)

    def over(self) -> None:
        """Leave the request as it was found; hops that were made of it get nothing any more."""
        self._active = False
        self._take_off()
        extensions = dict(self._request.extensions)
        if extensions.get("trace") is self:
            del extensions["trace"]
            if self._theirs is not None:
                extensions["trace"] = self._theirs
            self._request.extensions = extensions

    def __repr__(self) -> str:
        return "Wire()"


class AsyncWire(Wire):
    """The same for an async transport, which awaits its trace."""

    async def __call__(self, name: str, info: dict[str, Any]) -> None:
        """Called and awaited by the transport."""
        theirs = super().__call__(name, info)
        if theirs is not None:
            await theirs


def _origin(scheme: bytes, host: bytes, port: int | None) -> tuple[bytes, bytes, int | None]:
    return scheme, host.lower(), port or _DEFAULT_PORTS.get(scheme)
