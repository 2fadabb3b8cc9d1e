"""Below httpx and httpx2: headers that the client would carry to another host on a redirect.

Both clients strip ``Authorization`` when a redirect leaves the origin, and nothing else. A credential in any other
header therefore leaves the client's request as soon as the first hop is on its way, and is put back at the wire, on
each hop to the same origin. The ``trace`` extension of the transport is the place where both can be done.
"""

from __future__ import annotations

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
        if self._active and name.endswith(_STARTED):
            self._move(info["request"])
        return None if self._theirs is None else self._theirs(name, info)

    def _move(self, hop: Any) -> None:
        if hop.method == b"CONNECT":  # to a proxy, which has its own request for the same exchange
            return
        for name, _ in self._headers:
            self._request.headers.pop(name.decode("ascii"), None)
        ours = {name.lower() for name, _ in self._headers}
        kept = [(name, value) for name, value in hop.headers if name.lower() not in ours]
        url = hop.url
        self.carried = _origin(url.scheme, url.host, url.port) == self._origin
        hop.headers = [*kept, *self._headers] if self.carried else kept

    def over(self) -> None:
        """Leave the request as it was found; hops that were made of it carry nothing any more."""
        self._active = False
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
