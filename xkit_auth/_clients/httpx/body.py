"""Bodies on httpx and httpx2: which can be sent twice, and how an answer's is looked at without losing it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from ..._connectors import LARGEST_BODY
from .. import Rewinder, announced_length

_PATIENCE = 5.0
_SLICE = 1024


# Requests


class Replay:
    """Whether a request's body can be sent again, prepared before it is sent the first time.

    Known are a list of bytes, something like a file, and a form of these, as the library itself has wrapped them; bytes
    need none of this. Whatever else there is, such as a stream of the caller's own or one for tasks, may be used up.
    """

    __slots__ = ("_chunks", "_files", "_is_known", "_list", "stream")

    def __init__(self, library: ModuleType, stream: Any, headers: Mapping[str, str]) -> None:
        self.stream = stream
        self._files: list[Rewinder] = []
        self._list: list[bytes] | tuple[bytes, ...] | None = None
        self._chunks: tuple[bytes, ...] = ()
        self._is_known = _is_own(library, stream, "_multipart", "MultipartStream")
        if self._is_known:
            self._files = [_file_of(field) for field in stream.fields if not _is_in_memory(field)]
        elif _is_own(library, stream, "_content", "IteratorByteStream"):
            self._remember(stream._stream, headers)

    def _remember(self, source: Any, headers: Mapping[str, str]) -> None:
        if type(source) in (list, tuple) and all(type(chunk) is bytes for chunk in source):
            self._list, self._chunks, self._is_known = source, tuple(source), True
        elif hasattr(source, "read"):
            self._files, self._is_known = [Rewinder(source, None, announced_length(headers))], True

    def rewind(self) -> bool:
        """Make the body ready to be sent again. Whether that is certain to have worked."""
        if self._list is not None and tuple(self._list) != self._chunks:  # somebody has changed it meanwhile
            return False
        return self._is_known and all(file.is_whole_again() for file in self._files)


def _is_own(library: ModuleType, stream: Any, module: str, name: str) -> bool:
    """Whether a stream is exactly of this class of the library's."""
    kind = type(stream)
    return (kind.__module__, kind.__name__) == (f"{library.__name__}.{module}", name)


def _is_in_memory(field: Any) -> bool:
    return isinstance(getattr(field, "file", b""), (str, bytes))


def _file_of(field: Any) -> Rewinder:
    # The libraries send each file of a form from its beginning.
    length = field.get_length()
    return Rewinder(field.file, 0, None if length is None else length - len(field.render_headers()))


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
