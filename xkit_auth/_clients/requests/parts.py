"""What the adapter for requests needs to know about requests: bodies, views, and how to let an answer go."""

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
    """Make the body ready to be sent again: bytes can be, a file from where it stood if that is certain to work."""
    if request.body is None or isinstance(request.body, (bytes, str)):
        return True
    position = getattr(request, "_body_position", None)
    if not isinstance(position, int):
        return False
    return Rewinder(request.body, position, announced_length(request.headers)).is_whole_again()


def target_of(response: Any) -> str:
    """Where a redirect leads, resolved as requests is about to resolve it; nowhere, if that cannot be read."""
    try:
        target = str(SessionRedirectMixin().get_redirect_target(response))
        if target.startswith("//"):
            target = f"{urlparse(response.url).scheme}:{target}"
        quoted = requote_uri(urlparse(target).geturl())
        return quoted if urlparse(target).netloc else urljoin(response.url, quoted)
    except ValueError:  # a Location that is not UTF-8, or not a URL
        return ""


def is_from_cache(response: Any) -> bool:
    """Whether requests-cache or CacheControl says that it had kept this answer: one to another request."""
    return getattr(response, "from_cache", False) is True


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
    head, until = bytearray(), time.monotonic() + _PATIENCE
    with suppress(
        Exception
    ):  # whatever a network breaks off with, or a stand-in for it: what has come is what there is
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
        # A chunk is what is there, not what would be a full one: whoever sends a byte now and then is not waited for.
        read = partial(getattr(raw, "read1", raw.read), _CHUNK, decode_content=True)
    elif hasattr(raw, "stream"):  # as requests itself reads what is like that
        yield from raw.stream(_CHUNK, decode_content=True)
        return
    else:  # requests takes any file for its raw
        read = partial(raw.read, _CHUNK)
    yield from iter(read, b"")


def view_of(request: Any, without: Carried | None) -> RequestView:
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
        return next((value for name, value in headers.items() if name.lower() == "host"), None)
    return None if named is None else named[1]


def look_for_conflict(directory: Directory, response: Any) -> None:
    """Look at what the session sends with, and warn once of what would switch a part of us off, or mix users up."""
    adapter = getattr(response, "connection", None)
    retries = getattr(adapter, "max_retries", None)
    if 401 in (getattr(retries, "status_forcelist", None) or ()):
        directory.warn_once(
            "The session's urllib3.Retry repeats requests that were answered with 401, with the same credential, and"
            " raises RetryError before a new one can be fetched. Take 401 out of its status_forcelist."
        )
    # An adapter of CacheControl has a controller. requests-cache wraps the session, and shows in what it had kept.
    if is_from_cache(response) or hasattr(adapter, "controller"):
        directory.warn_once(
            "The session keeps answers in a cache (requests-cache or CacheControl). On one session for several users it"
            " gives one user's answer to another, unless it keeps each user's apart: see \"Shared caches\" in"
            " xkit-auth's guide to serving many users."
        )
