"""``XkitAuth`` for httpx2: pass it as ``auth=`` to a ``Client``, an ``AsyncClient`` or a single request."""

from __future__ import annotations

from ._values import lacking, no_switch

try:
    import httpcore2
    import httpx2
except ModuleNotFoundError as error:
    raise lacking(__name__, "httpx2", error) from None

from ._clients.httpx import Core, HttpxAfterAuth, HttpxAllOf, HttpxAuth, HttpxTransport, Rejoined, Sent, knows_headers
from ._sources import Route

__all__ = ["AfterAuth", "AllOf", "XkitAuth"]

_CORE = Core(httpcore2)


class _Stream(Rejoined, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    pass


class _Sent(Sent):
    _library = httpx2
    _bytes_type = httpx2.ByteStream
    _knows_headers = knows_headers(httpx2.Headers)


class XkitAuth(HttpxAuth, httpx2.Auth):
    """An ``httpx2.Auth`` that puts the credential of an Xkit connection on each request.

    Give it to a ``Client`` or an ``AsyncClient`` as ``auth=``;
    one object serves any number of clients, threads and event loops.
    """

    _adapter = __name__
    _library = httpx2
    _trip_type = _Sent
    _stream_type = _Stream


class AllOf(HttpxAllOf, httpx2.Auth):
    """Several auth objects on one request, each with its whole flow, retries included; the first is the outermost.

    Example:
        >>> import httpx2
        >>> from xkit_auth.httpx2 import AfterAuth, AllOf, XkitAuth
        >>> slack = XkitAuth("slack", context="user-42")
        >>> auth = AllOf(AfterAuth(httpx2.Response.raise_for_status), slack)
    """

    _library = httpx2


class AfterAuth(HttpxAfterAuth, httpx2.Auth):
    """A hook that is called with the final response, after the auth objects inside it have finished.

    A client calls its event hooks before that: one that raises for a 401 prevents a new credential from being fetched.
    Put this first in an ``AllOf``. With an ``AsyncClient`` the hook may be async.
    """

    _library = httpx2


def open_transport(*, route: Route) -> HttpxTransport:
    """Return the transport for calls to Xkit."""
    return HttpxTransport(_CORE, route, socks="httpx2[socks]")


def __getattr__(name: str) -> object:
    raise no_switch(__name__, name)
