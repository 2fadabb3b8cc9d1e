"""``XkitAuth`` for httpx: pass it as ``auth=`` to a ``Client``, an ``AsyncClient`` or a single request."""

from __future__ import annotations

from ._values import lacking, no_switch

try:
    import httpcore
    import httpx
except ModuleNotFoundError as error:
    raise lacking(__name__, "httpx", error) from None

from ._clients.httpx import Core, HttpxAfterAuth, HttpxAllOf, HttpxAuth, HttpxTransport, Rejoined, Sent, knows_headers
from ._sources import Route

__all__ = ["AfterAuth", "AllOf", "XkitAuth"]

_CORE = Core(httpcore)


class _Stream(Rejoined, httpx.SyncByteStream, httpx.AsyncByteStream):
    pass


class _Sent(Sent):
    _library = httpx
    _bytes_type = httpx.ByteStream
    _knows_headers = knows_headers(httpx.Headers)


class XkitAuth(HttpxAuth, httpx.Auth):
    """An ``httpx.Auth`` that puts the credential of an Xkit connection on each request.

    Give it to a ``Client`` or an ``AsyncClient`` as ``auth=``;
    one object serves any number of clients, threads and event loops.
    """

    _adapter = __name__
    _library = httpx
    _trip_type = _Sent
    _stream_type = _Stream


class AllOf(HttpxAllOf, httpx.Auth):
    """Several auth objects on one request, each with its whole flow, retries included; the first is the outermost.

    Example:
        >>> import httpx
        >>> from xkit_auth.httpx import AfterAuth, AllOf, XkitAuth
        >>> slack = XkitAuth("slack", context="user-42")
        >>> auth = AllOf(AfterAuth(httpx.Response.raise_for_status), slack)
    """

    _library = httpx


class AfterAuth(HttpxAfterAuth, httpx.Auth):
    """A hook that is called with the final response, after the auth objects inside it have finished.

    A client calls its event hooks before that: one that raises for a 401 prevents a new credential from being fetched.
    Put this first in an ``AllOf``. With an ``AsyncClient`` the hook may be async.
    """

    _library = httpx


def open_transport(*, route: Route) -> HttpxTransport:
    """Return the transport for calls to Xkit."""
    return HttpxTransport(_CORE, route, socks="httpx[socks]")


def __getattr__(name: str) -> object:
    raise no_switch(__name__, name)
