"""Helpers for requests and responses of requests: bodies, redirect targets, views, and releasing a connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlparse

from requests.sessions import SessionRedirectMixin
from requests.utils import requote_uri
from urllib3 import HTTPResponse

from ..._account import Directory
from ..._connectors import LARGEST_BODY
from ..._values import RequestView
from .. import Rewinder, announced_length
from .home import Carried

_PATIENCE = 5.0
_CHUNK = 8 * 1024


def rewound(request: Any) -> bool:
    """Rewind the body for a resend, and return whether all of it is certain to be sent again."""
    if request.body is None or isinstance(request.body, (bytes, str)):
        return True
    position = getattr(request, "_body_position", None)
    if not isinstance(position, int):
        return False
    return Rewinder(request.body, position, announced_length(request.headers)).is_whole_again()


def target_of(response: Any) -> str:
    """Return a redirect's URL, resolved as requests resolves it, or an empty string if it cannot be read."""
    try:
        target = str(SessionRedirectMixin().get_redirect_target(response))
        if target.startswith("//"):
            target = f"{urlparse(response.url).scheme}:{target}"
        quoted = requote_uri(urlparse(target).geturl())
        return quoted if urlparse(target).netloc else urljoin(response.url, quoted)
    except ValueError:  # a Location that is not UTF-8, or not a URL
        return ""


def is_from_cache(response: Any) -> bool:
    """Return whether requests-cache or CacheControl has stored this response, which is to an earlier request."""
    return getattr(response, "from_cache", False) is True


def truncate(response: Any) -> None:
    """Keep the first 64 KiB of a response that the caller does not get, and release its connection."""
    if not response._content_consumed:
        head, is_whole = _head_of(response.raw)
        if not is_whole:
            # Closed here, while the body is unread: such a connection must not go back into the pool.
            response.raw.close()
        response._content = head
        response._content_consumed = True
    if response.raw is not None:
        response.close()


def _head_of(raw: Any) -> tuple[bytes, bool]:
    """Return the beginning of a body, and whether that is all of it."""
    head, until = bytearray(), time.monotonic() + _PATIENCE
    with suppress(Exception):  # the network, or a test double of it, may raise anything: keep what has arrived
        for chunk in _chunks_of(raw):
            head += chunk
            if len(head) > LARGEST_BODY or time.monotonic() >= until:
                break
        else:
            return bytes(head), True
    return bytes(head[:LARGEST_BODY]), False


def _chunks_of(raw: Any) -> Iterator[bytes]:
    if raw is None:
        return
    if isinstance(raw, HTTPResponse):
        # read1() returns the bytes that are there, so a server that sends one at a time cannot hold us up.
        read = partial(getattr(raw, "read1", raw.read), _CHUNK, decode_content=True)
    elif hasattr(raw, "stream"):  # as requests itself reads these
        yield from raw.stream(_CHUNK, decode_content=True)
        return
    else:  # requests accepts any file as raw
        read = partial(raw.read, _CHUNK)
    yield from iter(read, b"")


def view_of(request: Any, without: Carried | None) -> RequestView:
    """Return a request as plugins see it, without the credential."""
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
    """Return the caller's own ``Host`` header, or ``None``."""
    try:
        named = headers._store.get("host")  # a third of the time of headers.get()
    except AttributeError:  # another mapping, of niquests or the caller's own
        return next((value for name, value in headers.items() if name.lower() == "host"), None)
    return None if named is None else named[1]


def look_for_conflict(directory: Directory, response: Any) -> None:
    """Warn once of a session's retries or cache that would defeat a refetch, or mix users up."""
    adapter = getattr(response, "connection", None)
    retries = getattr(adapter, "max_retries", None)
    if 401 in (getattr(retries, "status_forcelist", None) or ()):
        directory.warn_once(
            "The session's urllib3.Retry repeats requests that got a 401 response, with the same credential, and"
            " raises RetryError before a new one can be fetched. Take 401 out of its status_forcelist."
        )
    # CacheControl's adapter has a controller. requests-cache wraps the session, and marks the responses it has stored.
    if is_from_cache(response) or hasattr(adapter, "controller"):
        directory.warn_once(
            "The session keeps responses in a cache (requests-cache or CacheControl). On one session for several users"
            " it gives one user's response to another, unless it keeps each user's apart: see \"Shared caches\" in"
            " xkit-auth's guide to serving many users."
        )
