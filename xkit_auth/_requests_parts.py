"""What the adapter for requests needs to know about requests: bodies, redirects, and how to let an answer go."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urljoin, urlparse

from requests.sessions import SessionRedirectMixin
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError

from ._model import RequestView
from ._origin import origin_of
from ._policy import LARGEST_BODY

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
        target = SessionRedirectMixin().get_redirect_target(response)
        if target is None:
            return False
        if target.startswith("//"):
            target = f"{urlparse(response.url).scheme}:{target}"
        quoted = requote_uri(urlparse(target).geturl())
        target = quoted if urlparse(target).netloc else urljoin(response.url, quoted)
    except ValueError:  # a Location that is not UTF-8, or not a URL
        return False
    origin = origin_of(target)
    return origin is not None and origin == origin_of(str(request.url))


def small_json(response: Any) -> Any:
    """The JSON in an answer that requests is about to read anyway, or ``None`` if it is none or a large one."""
    try:
        return response.json() if len(response.content) <= LARGEST_BODY else None
    except (ValueError, RecursionError):
        return None


def cut(response: Any) -> None:
    """Keep the first 64 KiB of an answer that is not the caller's, and give back its connection."""
    if not response._content_consumed:
        response._content = _head_of(response.raw)
        response._content_consumed = True
    response.close()


def _head_of(raw: Any) -> bytes:
    head, until = bytearray(), time.monotonic() + _PATIENCE
    try:
        read = getattr(raw, "read1", None) or raw.read
        while len(head) <= LARGEST_BODY and time.monotonic() < until:
            chunk = read(_CHUNK, decode_content=True)
            if not chunk:
                break
            head += chunk
    except (HTTPError, OSError, ValueError, TypeError, AttributeError):
        pass  # what has come is what there is; another adapter's raw may know less than urllib3's
    return bytes(head[:LARGEST_BODY])


def view_of(request: Any, without: tuple[str, ...]) -> RequestView:
    """A request as hooks see it, without the headers that carry our credential."""
    ours = {name.lower() for name in without}
    headers = {name: _text(value) for name, value in request.headers.items() if name.lower() not in ours}
    body = request.body.encode() if isinstance(request.body, str) else request.body
    known = body if isinstance(body, bytes) else None
    return RequestView(
        method=str(request.method), url=str(request.url), headers=headers, body=b"" if body is None else known
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
