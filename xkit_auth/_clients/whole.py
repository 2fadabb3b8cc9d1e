"""Whether the body of a request is certainly whole again after it was sent: the one place that knows.

Whatever is like a file is believed as far as it can be tried. A body that would arrive short, or empty, is worse than a
refusal: the provider would say 200 to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from inspect import iscoroutine
from typing import Any


class Rewinder:
    """A body, or a part of one, that is read from something like a file.

    Args:
        source: what is like a file. Nothing is called but ``seekable``, ``tell``, ``seek`` and ``read``.
        start: where it stood before it was sent for the first time; ``None`` for where it stands now.
        length: how much of it is announced to the server; ``None`` if nothing is.
    """

    __slots__ = ("_length", "_source", "_start")

    def __init__(self, source: Any, start: int | None, length: int | None) -> None:
        self._source = source
        self._start = _position(source) if start is None else start
        self._length = length

    def is_whole_again(self) -> bool:
        """Bring it back to where it stood. Whether it is certain that all of it will be sent from there."""
        try:
            return self._start is not None and self._goes_back(self._start)
        except Exception:  # whatever a file of somebody else's raises, it is not certain
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
    """How long a request's headers say that its body is; ``None`` if they do not."""
    said = headers.get("content-length")
    text = said.decode("latin-1") if isinstance(said, bytes) else said
    return None if "transfer-encoding" in headers or text is None or not text.isdecimal() else int(text)


def _position(source: Any) -> int | None:
    try:
        position = _plain(source.tell()) if _can_seek(source) else None
    except Exception:
        return None
    return position if _is_position(position) else None


def _can_seek(source: Any) -> bool:
    seekable = getattr(source, "seekable", None)  # not all that can seek say so: mmap did not before Python 3.13
    return seekable is None or _plain(seekable()) is True


def _stands_at(source: Any, position: int) -> bool:
    moved = _plain(source.seek(position))
    return moved in (None, position) and bool(_plain(source.tell()) == position)


def _is_position(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _plain(value: Any) -> Any:
    """What a method returned, and nothing if that is something to wait for, as files of anyio and aiofiles give."""
    if iscoroutine(value):
        value.close()  # or Python would complain that nobody has awaited it
        raise TypeError("a file for tasks")
    return value
