"""What the adapter for requests needs to know about requests: bodies, redirects, and how to let an answer go."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any
from urllib.parse import urljoin, urlparse

from requests.sessions import SessionRedirectMixin
from requests.structures import CaseInsensitiveDict
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError

from ._model import RequestView
from ._origin import origin_of
from ._policy import LARGEST_BODY, Sending

_PATIENCE = 5.0
_CHUNK = 8 * 1024


def rewound(request: Any) -> bool:
    """Make the body ready to be sent again: bytes can be, a file can be from where it stood, a generator cannot."""
    if request.body is None or isinstance(request.body, (bytes, str)):
        return True
    position = getattr(request, "_body_position", None)
    if not isinstance(position, int):
        return False
    try:
        request.body.seek(position)
    except (AttributeError, OSError, ValueError):  # ValueError: somebody has closed the file
        return False
    return True


def stays_at_origin(request: Any, response: Any) -> bool:
    """Whether a redirect certainly leads to the same origin, resolved as requests is about to resolve it."""
    try:
        target = str(SessionRedirectMixin().get_redirect_target(response))
        if target.startswith("//"):
            target = f"{urlparse(response.url).scheme}:{target}"
        quoted = requote_uri(urlparse(target).geturl())
        target = quoted if urlparse(target).netloc else urljoin(response.url, quoted)
    except ValueError:  # a Location that is not UTF-8, or not a URL
        return False
    origin = origin_of(target)
    return origin is not None and origin == origin_of(str(request.url))


def cut(response: Any) -> None:
    """Keep the first 64 KiB of an answer that is not the caller's, and give back its connection."""
    if not response._content_consumed:
        head, is_whole = _head_of(response.raw)
        if not is_whole:
            # Closed before requests believes it has been read: what is left unread must not go back into the pool.
            response.raw.close()
        response._content = head
        response._content_consumed = True
    if response.raw is not None:
        response.close()


def _head_of(raw: Any) -> tuple[bytes, bool]:
    """The head of a body, and whether that is all of it."""
    if raw is None:
        return b"", True
    # requests takes any file for its raw; only urllib3's knows about encodings.
    options = {"decode_content": True} if hasattr(raw, "stream") else {}
    read = raw.read1 if options and hasattr(raw, "read1") else raw.read
    head, until = bytearray(), time.monotonic() + _PATIENCE
    try:
        while len(head) <= LARGEST_BODY and time.monotonic() < until:
            chunk = read(_CHUNK, **options)
            if not chunk:
                return bytes(head), True
            head += chunk
    except (HTTPError, OSError, ValueError):
        pass  # what has come is what there is
    return bytes(head[:LARGEST_BODY]), False


# Redirects
#
# requests follows a redirect with a copy of the request, which it makes in the same thread after the hooks have
# returned. The credential is left out of copies that are made there until the next answer comes; it is not taken off
# the request, for its owner may send that again, even from another thread at the same time.

_converting = threading.Lock()


class WithholdingHeaders(CaseInsensitiveDict[Any]):
    """A request's headers, whose copies lack what ``withhold`` has named for the thread that makes them.

    Only the copies that urllib3 makes are always whole: those are sent, and the request is one that may carry it.
    """

    def __init__(self, headers: Any = None) -> None:
        super().__init__(headers)
        self.withheld: dict[int, tuple[str, ...]] = {}

    def copy(self) -> CaseInsensitiveDict[Any]:
        """The headers for another request."""
        copy = CaseInsensitiveDict[Any](self.items())
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith("urllib3."):
            for name in self.withheld.get(threading.get_ident(), ()):
                copy.pop(name, None)
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return CaseInsensitiveDict, (dict(self.items()),)


def withhold(request: Any, names: tuple[str, ...]) -> None:
    """Leave these headers out of the copies of the request that this thread makes."""
    with _converting:
        if not isinstance(request.headers, WithholdingHeaders):
            request.headers = WithholdingHeaders(request.headers)
        request.headers.withheld[threading.get_ident()] = names


def stop_withholding(request: Any) -> None:
    """Let this thread make whole copies of the request again."""
    if isinstance(request.headers, WithholdingHeaders):
        request.headers.withheld.pop(threading.get_ident(), None)


def view_of(request: Any, without: Sending | None) -> RequestView:
    """A request as hooks see it, without what carries our credential."""
    ours = {name.lower() for name in without.names} if without else ()
    headers = {name: _text(value) for name, value in request.headers.items() if name.lower() not in ours}
    body = request.body.encode() if isinstance(request.body, str) else request.body
    known = body if isinstance(body, bytes) else None
    return RequestView(
        method=str(request.method),
        url=without.bare(str(request.url)) if without else str(request.url),
        headers=headers,
        body=b"" if body is None else known,
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
