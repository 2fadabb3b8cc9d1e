"""Bodies on httpx and httpx2: which can be sent twice, and how an answer's is looked at without losing it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from types import ModuleType
from typing import Any

from ._policy import LARGEST_BODY

_PATIENCE = 5.0
_SLICE = 1024


# Requests


class Replay:
    """Whether a request's body can be sent again, found out before it is sent the first time.

    httpx rewinds the files of a multipart form by itself. A file given as ``content`` goes back to the position that it
    had, not to its beginning. Whatever else is not certainly the same the second time is not sent again.
    """

    __slots__ = ("_always", "_file", "_position", "stream")

    def __init__(self, library: ModuleType, stream: Any) -> None:
        self.stream = stream
        self._file: Any = None
        self._position = 0
        self._always = isinstance(stream, library.ByteStream) or _is_rewindable_form(stream)
        if self._always:
            return
        source: Any = getattr(stream, "_stream", None)
        if isinstance(source, (list, tuple)):
            self._always = True
        elif _can_seek(source) and hasattr(source, "read") and not hasattr(source, "aread"):
            try:
                self._position = source.tell()
                self._file = source
            except (OSError, ValueError):
                pass

    def rewind(self) -> bool:
        """Make the body ready to be sent again. Whether that is possible."""
        if self._always:
            return True
        if self._file is None:
            return False
        try:
            self._file.seek(self._position)
        except (OSError, ValueError):  # ValueError: somebody has closed the file
            return False
        return True


def _can_seek(source: Any) -> bool:
    try:
        return bool(source.seekable())
    except (AttributeError, OSError, ValueError):
        return False


def _is_rewindable_form(stream: Any) -> bool:
    fields = getattr(stream, "fields", None)
    if not isinstance(fields, list):
        return False
    files = [field.file for field in fields if hasattr(field, "file")]
    return all(isinstance(file, (str, bytes)) or _can_seek(file) for file in files)


# Answers


class Rejoined:
    """A stream whose head has been read: gives the head once more, then the rest."""

    def __init__(self, head: Sequence[bytes], rest: Any = None, original: Any = None) -> None:
        self._head = head
        self._rest = rest
        self._original = original

    def __iter__(self) -> Iterator[bytes]:
        yield from self._head
        if self._rest is not None:
            yield from self._rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._head:
            yield chunk
        if self._rest is not None:
            async for chunk in self._rest:
                yield chunk

    def close(self) -> None:
        """Close the connection's stream."""
        if self._original is not None:
            self._original.close()

    async def aclose(self) -> None:
        """Close the connection's stream."""
        if hasattr(self._rest, "aclose"):
            await self._rest.aclose()
        await self._original.aclose()

    @property
    def elapsed(self) -> Any:
        """What httpx2 asks its own stream for."""
        return getattr(self._original, "elapsed", None)


class Head:
    """The first chunks of a body, up to 64 KiB and for a few seconds, so that neither flood nor trickle is endless."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self._size = 0
        self._until = time.monotonic() + _PATIENCE

    def add(self, chunk: bytes) -> bool:
        """Take one more chunk. Whether that is enough."""
        self.chunks.append(chunk)
        self._size += len(chunk)
        return self._size > LARGEST_BODY or time.monotonic() > self._until


def read_head(stream: Any, breaks_with: type[Exception]) -> tuple[list[bytes], Any]:
    """The head of a stream, and the rest if it goes on; a rest that raises, if the stream breaks off before that."""
    head, chunks = Head(), iter(stream)
    try:
        for chunk in chunks:
            if head.add(chunk):
                return head.chunks, chunks
    except breaks_with as error:
        return head.chunks, _Break(error)
    return head.chunks, None


async def aread_head(stream: Any, breaks_with: type[Exception]) -> tuple[list[bytes], Any]:
    """The same for a task."""
    head, chunks = Head(), stream.__aiter__()
    try:
        async for chunk in chunks:
            if head.add(chunk):
                return head.chunks, chunks
    except breaks_with as error:
        return head.chunks, _Break(error)
    return head.chunks, None


class _Break:
    """The rest of a stream that broke off: whoever reads that far gets the error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        raise self._error

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise self._error


def decoded(library: ModuleType, stream_type: type[Any], chunks: Sequence[bytes], encoding: str) -> bytes | None:
    """A whole raw body without its compression; ``None`` if it cannot be read, or grows too large."""
    raw = b"".join(chunks)
    slices = [raw[start : start + _SLICE] for start in range(0, len(raw), _SLICE)]
    copy = library.Response(200, headers={"content-encoding": encoding}, stream=stream_type(slices))
    body = bytearray()
    try:
        for part in copy.iter_bytes():
            body += part
            if len(body) > LARGEST_BODY:
                return None
    except library.DecodingError:
        return None
    return bytes(body)
