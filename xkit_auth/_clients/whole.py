"""Rewinding the body of a request, so that it can be sent again as a whole.

What a file-like object claims is tested before it is trusted. A body that arrives short or empty is worse than a
rejection, since the provider would accept it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from inspect import iscoroutine
from typing import Any


class Rewinder:
    """A body, or a part of one, that is read from a file-like object.

    Args:
        source: the file-like object. Only ``seekable``, ``tell``, ``seek`` and ``read`` are called.
        start: its position before it was sent for the first time; ``None`` for its current position.
        length: the length that is announced to the server, if any.
    """

    __slots__ = ("_length", "_source", "_start")

    def __init__(self, source: Any, start: int | None, length: int | None) -> None:
        self._source = source
        self._start = _position(source) if start is None else start
        self._length = length

    def is_whole_again(self) -> bool:
        """Seek back to the start, and return whether all of the body is certain to be sent from there."""
        try:
            return self._start is not None and self._goes_back(self._start)
        except Exception:  # a file-like object may raise anything
            return False

    def _goes_back(self, start: int) -> bool:
        source = self._source
        if getattr(source, "closed", False) is True or not _can_seek(source):
            return False
        stopped = _plain(source.tell())
        if not _is_position(stopped) or stopped < start or not _stands_at(source, start):
            return False
        first = _plain(source.read(1))
        if not isinstance(first, (bytes, str)):
            return False
        if not first:
            return self._length == 0 and stopped == start
        after = _plain(source.tell())
        if not (_is_position(after) and (after > start if isinstance(first, str) else after == start + 1)):
            return False
        return self._is_as_long_as_announced(start) and _stands_at(source, start)

    def _is_as_long_as_announced(self, start: int) -> bool:
        if self._length is None:
            return True
        _plain(self._source.seek(0, os.SEEK_END))
        return bool(_plain(self._source.tell()) == start + self._length)


def announced_length(headers: Mapping[str, Any]) -> int | None:
    """Return the length of the body according to the request's headers, or ``None``."""
    length = headers.get("content-length")
    length = length.decode("latin-1") if isinstance(length, bytes) else length
    return None if "transfer-encoding" in headers or length is None or not length.isdecimal() else int(length)


def _position(source: Any) -> int | None:
    try:
        position = _plain(source.tell()) if _can_seek(source) else None
    except Exception:
        return None
    return position if _is_position(position) else None


def _can_seek(source: Any) -> bool:
    seekable = getattr(source, "seekable", None)  # mmap had none before Python 3.13
    return seekable is None or _plain(seekable()) is True


def _stands_at(source: Any, position: int) -> bool:
    moved = _plain(source.seek(position))
    return moved in (None, position) and bool(_plain(source.tell()) == position)


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _plain(value: Any) -> Any:
    """Return the value, or raise if it is a coroutine, which the async files of anyio and aiofiles return."""
    if iscoroutine(value):
        value.close()  # prevents the warning that it was never awaited
        raise TypeError("an async file")
    return value
