"""``XkitAuth`` for httpx: pass it as ``auth=`` to a ``Client``, an ``AsyncClient`` or a single request."""

from __future__ import annotations

import httpx

from ._httpx import HttpxAuth
from ._httpx_body import Rejoined
from ._httpx_transport import HttpxTransport

__all__ = ["XkitAuth"]


class _Stream(Rejoined, httpx.SyncByteStream, httpx.AsyncByteStream):
    pass


class XkitAuth(HttpxAuth, httpx.Auth):
    """An ``httpx.Auth`` that puts the credential of an Xkit connection on each request.

    Give it to a ``Client`` or an ``AsyncClient`` as ``auth=``;
    one object serves any number of clients, threads and event loops.
    """

    _adapter = __name__
    _library = httpx
    _stream_type = _Stream


def open_transport(*, is_direct: bool) -> HttpxTransport:
    """A client for calls to Xkit; ``is_direct`` if no proxy may come in between."""
    return HttpxTransport(httpx, is_direct=is_direct)
