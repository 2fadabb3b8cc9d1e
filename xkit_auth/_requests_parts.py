"""What the adapter for requests needs to know about requests: bodies, views, and how to let an answer go."""

from __future__ import annotations

import time
from typing import Any

from urllib3.exceptions import HTTPError

from ._directory import Directory
from ._model import RequestView
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


def host_named_in(headers: Any) -> str | bytes | None:
    """The caller's own ``Host``, if there is one."""
    try:
        named = headers._store.get("host")  # at a third of what the front door costs
    except AttributeError:  # another class of headers, of niquests or the caller's own
        host: str | bytes | None = headers.get("Host")
        return host
    return None if named is None else named[1]


def look_for_conflict(directory: Directory, response: Any) -> None:
    """Look once at what the session sends with, and warn of what would switch a part of us off."""
    adapter = getattr(response, "connection", None)
    retries = getattr(adapter, "max_retries", None)
    if 401 in (getattr(retries, "status_forcelist", None) or ()):
        directory.warn_once(
            "The session's urllib3.Retry repeats requests that were answered with 401, with the same credential, and"
            " raises RetryError before a new one can be fetched. Take 401 out of its status_forcelist."
        )
    if hasattr(response, "from_cache") or hasattr(adapter, "controller"):
        directory.warn_once(
            "The session keeps answers in a cache. If it serves more than one user, one may be given another's answer:"
            " give each user a cache of their own, or let the cache tell them apart. See 'Serve many users with one"
            " session' in the documentation of xkit-auth."
        )
