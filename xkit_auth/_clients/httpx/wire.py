"""Putting a credential on below httpx and httpx2, where no redirect carries it along and no log shows it.

When a redirect leaves the origin, both clients strip ``Authorization`` and nothing else. So a credential in any other
header is removed from the client's request as soon as the first hop is sent. The ``Wire`` puts it on each hop to the
same origin, until the chain leaves that. A credential in the URL is handled in the same way, before the client logs the
URL. The ``Wire`` is the ``trace`` extension, which the transport calls with each of its own requests and responses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from ..._connectors import Sending
from ..._values import origin_of, says_it
from .mark import Carried, decoded_value, origin_of_parts, origin_of_url, patience_of

_STARTED = ".send_request_headers.started"
_RESPONSE_ARRIVED = ".receive_response_headers.complete"
_NOT_SENT = "http2.send_request_headers.failed"


class Wire:
    """The ``trace`` extension of one request: puts the credential on each hop, then calls the caller's own trace."""

    _is_active = True
    _is_taken_off = False
    _has_left = False
    _hop: Any = None
    is_sent_again = False
    """Whether this is a resend, to a server that may have closed its connection with the rejection."""
    carried: bool | None = None
    """Whether the last hop was sent with the credential; ``None`` if the transport does not call its trace."""
    withheld: tuple[tuple[bytes, bytes], ...] = ()
    """The ``Location`` headers of a rejection, hidden from the client until that is handled."""

    def __init__(self, request: Any, carried: Carried) -> None:
        extensions = request.extensions
        theirs = extensions.get("trace")
        self._request = request
        self._carried: Any = carried
        self._theirs: Any = theirs._theirs if isinstance(theirs, Wire) else theirs
        self._before = extensions
        self._during: Any = {**extensions, "trace": self}
        request.extensions = self._during

    def __call__(self, name: str, info: dict[str, Any]) -> Any:
        """Handle an event of the transport; an async transport awaits the result."""
        if self._handle(name, info):
            self._carried.fetch_early(patience_of(self._request))
            self._withhold(info["return_value"])
        return None if self._theirs is None else self._theirs(name, info)

    def _handle(self, name: str, info: dict[str, Any]) -> bool:
        """Handle an event, and return whether it is a redirect that rejects the credential."""
        if name.endswith(_STARTED):
            self._move(info["request"])
        elif name.endswith(_RESPONSE_ARRIVED):
            self._check_target(info["return_value"])
            return self._is_refused_by(info["return_value"])
        elif name == _NOT_SENT and self.is_sent_again:
            self.is_sent_again = False
            _try_another_connection(info["exception"])
        return False

    def keep(self, carried: Carried) -> None:
        """Keep this for the hops of this send, whatever the request carries later."""
        self._carried = carried

    # Requests

    def _move(self, hop: Any) -> None:
        if hop.method == b"CONNECT":  # to a proxy: the request through it has its own event
            return
        self._hop = hop
        is_at_home = origin_of_parts(hop.url.scheme, hop.url.host, hop.url.port) == origin_of_url(self._carried.url)
        self._has_left = self._has_left or not is_at_home
        if self._is_active:
            self.carried = not self._has_left
            self.take_off()
            sending = self._carried.sending
            self._strip(hop, sending.hidden)
            if self.carried:
                _put_on(hop, sending)
        elif self._has_left:
            # The request is used for another send, or the caller follows a redirect by hand: nothing is put on, and
            # what it carries does not reach another origin.
            self._strip(hop, ())

    def _strip(self, hop: Any, hidden: tuple[str, ...]) -> None:
        """Remove the headers of these names from a hop, and everything of ours if the chain has left."""
        names = {name.lower().encode("ascii") for name in hidden}
        hop.headers = [
            (name, value)
            for name, value in hop.headers
            if name.lower() not in names and not (self._has_left and self._carried.is_ours(name, value))
        ]
        if self._has_left:
            hop.url.target = self._carried.bare_value(hop.url.target)

    # Responses

    def _check_target(self, response: tuple[Any, ...]) -> None:
        """Remove the credential from a redirect's target, which the client would log and follow."""
        headers = response[-1]
        at = [index for index, (name, _) in enumerate(headers) if name.lower() == b"location"]
        if not at:
            return
        for index in at:
            name, value = headers[index]
            headers[index] = name, self._carried.bare_value(value)
        target = ", ".join(decoded_value(headers[index][1]) for index in at)  # as the client joins several
        if self._carried.is_said_in(target):
            for index in reversed(at):
                del headers[index]  # no redirect any more: the caller gets this response
        elif _is_redirect(response) and not self._is_at_home(target):
            self._has_left = True  # the next hop may use a transport that does not call this trace

    def _is_refused_by(self, response: tuple[Any, ...]) -> bool:
        if not (self._is_active and self.carried and _is_redirect(response)):
            return False
        return bool(self._carried.is_refused_by(_status_of(response), response[-1], self._hop))

    def _withhold(self, response: tuple[Any, ...]) -> None:
        """Keep a rejection from being followed as a redirect, if there is something to do with it."""
        headers = response[-1]
        if self._carried.needs_handling(self._hop.stream):
            self.withheld = tuple([each for each in headers if each[0].lower() == b"location"])
            headers[:] = [each for each in headers if each[0].lower() != b"location"]
            self._has_left = False  # since it is not followed

    def _is_at_home(self, target: str) -> bool:
        home = str(self._carried.url)
        try:
            return origin_of(urljoin(home, target)) == origin_of(home)
        except ValueError:
            return False

    # Cleaning up

    def take_off(self) -> None:
        """Remove the credential from the client's request, once: the hops have it."""
        if self._is_taken_off:
            return
        self._is_taken_off = True
        for name in self._carried.sending.hidden:
            try:
                del self._request.headers[name]
            except KeyError:  # another thread was faster
                pass
        self._carried.clear_url(self._request)

    def detach(self) -> None:
        """Remove this from the request; later hops get no credential.

        If the transport does not call its trace, the header is still on the request, as ``Authorization`` always is.
        """
        self._is_active = False
        if not self._is_taken_off:
            self._carried.clear_url(self._request)
        if self._request.extensions is self._during and self._before.get("trace") is self._theirs:
            self._request.extensions = self._before
        else:
            self.remove_from(self._request)
        self._hop = None
        self._during = None  # it refers back to this object, a cycle for the garbage collector

    def remove_from(self, request: Any) -> None:
        """Remove this from the extensions of the request, or of one that was made from it."""
        extensions = request.extensions
        if extensions.get("trace") is self:
            rest = {name: value for name, value in extensions.items() if name != "trace"}
            request.extensions = rest if self._theirs is None else {**rest, "trace": self._theirs}

    def on_redirect(self, request: Any, url: Any, headers: Any) -> Any:
        """Return the client's headers for a redirect of ``request`` to ``url``, without ours at another origin.

        Raises:
            HostNotAllowed: the URL is of another origin, and contains the credential.
        """
        self._has_left = self._has_left or origin_of_url(url) != origin_of_url(request.url)
        if not self._has_left:
            return headers
        if self._carried.is_said_in(str(url)):
            raise says_it(self._carried.policy.slug, getattr(self._carried, "context", None))
        return self._carried.taken_off(headers)

    def __repr__(self) -> str:
        return "Wire()"


def without_hidden(redirected: Callable[..., Any], _client: object, args: tuple[Any, ...], kwargs: Any) -> Any:
    """Remove our headers from those of a redirect. ``bind`` wraps this around the client's method that makes them.

    It is for transports that do not call their trace: there, the header is still on the request.
    """
    headers = redirected(*args, **kwargs)
    wire = args[0].extensions.get("trace")
    return wire.on_redirect(args[0], args[1], headers) if isinstance(wire, Wire) else headers


class AsyncWire(Wire):
    """A ``Wire`` for an async transport, which awaits its trace."""

    async def __call__(self, name: str, info: dict[str, Any]) -> None:
        """Handle an event of the transport, which awaits this."""
        if self._handle(name, info):
            await self._carried.afetch_early(patience_of(self._request))
            self._withhold(info["return_value"])
        if self._theirs is not None:
            await self._theirs(name, info)


def _try_another_connection(error: Exception) -> None:
    """Let the pool use another connection if the one of the rejection is closed.

    Over HTTP/2 a server may close it with the rejection, and the pool does not notice while it has other streams. The
    caller would get a ``WriteError`` instead of a response. Nothing of the request has been sent.
    """
    core: Any = sys.modules.get(type(error).__module__.partition(".")[0])
    if type(error).__name__ == "WriteError" and hasattr(core, "ConnectionNotAvailable"):
        raise core.ConnectionNotAvailable


def _put_on(hop: Any, sending: Sending) -> None:
    hop.headers = [*hop.headers, *sending.split()[1].encoded()]
    if sending.in_url is not None:
        hop.url.target = sending.in_url.put_in(hop.url.target.decode("ascii")).encode("ascii")


def _is_redirect(response: tuple[Any, ...]) -> bool:
    return 300 <= _status_of(response) < 400


def _status_of(response: tuple[Any, ...]) -> int:
    return next(part for part in response if isinstance(part, int))
