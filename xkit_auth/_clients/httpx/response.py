"""Bodies of responses with httpx and httpx2: reading one without consuming it, and releasing a connection.

Each operation is one generator for both clients. It yields whatever has to be waited for as a ``Wait``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ..._connectors import LARGEST_BODY, Policy

_PATIENCE = 5.0
_SLICE = 1024

_Result = TypeVar("_Result")


class Wait(NamedTuple):
    """An operation that takes time: the call for ``Client``, and the call that ``AsyncClient`` awaits."""

    in_thread: Callable[[], Any]
    in_task: Callable[[], Awaitable[Any]]


Steps: TypeAlias = Generator[Any, Any, _Result]
"""A generator that yields each ``Wait`` and each request to be sent, and gets its outcome."""


def thrown_into(steps: Steps[Any], error: BaseException) -> Any:
    """Throw in the error of a ``Wait`` that failed. Return what is yielded next, or ``None`` at the end."""
    try:
        return steps.throw(error)
    except StopIteration:
        return None


class Bodies:
    """Reads the bodies of one library's responses. It replaces a stream by one of ``stream_type``."""

    def __init__(self, library: ModuleType, stream_type: type[Any]) -> None:
        self._library = library
        self._stream_type = stream_type

    def peek(self, response: Any, policy: Policy) -> Steps[bytes | None]:
        """Read the body for the policy, if it wants to, and put it back; ``None`` if it is too large."""
        if not policy.wants_body(response.status_code, response.headers):
            return None
        if response.is_closed:
            return read_before(self._library, response)
        original = response.stream
        chunks, rest = yield self._head_of(original)
        response.stream = self._stream_type(chunks, rest, original)
        return None if rest is not None else self._decoded(response, chunks)

    def end_stream(self, response: Any) -> Steps[None]:
        """End the stream of a response over HTTP/2, before Xkit is asked.

        An open stream counts against the server's limit. It also lets the pool give its connection to other requests,
        although the server may have closed that with the rejection.
        """
        if response.is_closed or response.extensions.get("http_version") != b"HTTP/2":
            return
        original = response.stream
        chunks, rest = yield self._head_of(original)
        if rest is None:
            ended = Rejoined((), None, original)
            yield Wait(ended.close, ended.aclose)
        response.stream = self._stream_type(chunks, rest, original)

    def truncate(self, response: Any) -> Steps[None]:
        """Release the connection of a response that the caller does not get, however long its body is."""
        if response.is_closed:
            return
        original = response.stream
        chunks, rest = yield self._head_of(original)
        whole = Rejoined((), rest, original)
        yield Wait(whole.close, whole.aclose)
        # A compressed body that is cut off, or is not valid, cannot be decoded: then nothing of it is kept.
        is_readable = "content-encoding" not in response.headers or (
            rest is None and self._decoded(response, chunks) is not None
        )
        response.stream = self._library.ByteStream(b"".join(chunks) if is_readable else b"")
        if whole.elapsed is not None:
            response.elapsed = whole.elapsed
        yield Wait(response.read, response.aread)

    def _head_of(self, stream: Any) -> Wait:
        error = self._library.RequestError
        return Wait(lambda: read_head(stream, error), lambda: aread_head(stream, error))

    def _decoded(self, response: Any, chunks: list[bytes]) -> bytes | None:
        """Return a complete raw body decompressed, or ``None`` if it is not valid or too large."""
        raw = b"".join(chunks)
        slices = [raw[start : start + _SLICE] for start in range(0, len(raw), _SLICE)]
        headers = {"content-encoding": response.headers.get("content-encoding", "identity")}
        copy = self._library.Response(200, headers=headers, stream=self._stream_type(slices))
        body = bytearray()
        try:
            for part in copy.iter_bytes():
                body += part
                if len(body) > LARGEST_BODY:
                    return None
        except self._library.DecodingError:
            return None
        return bytes(body)


def read_before(library: ModuleType, response: Any) -> bytes | None:
    """Return a body that an event hook, a mock transport, or the client on a redirect has read; else ``None``."""
    try:
        return bytes(response.content)
    except library.ResponseNotRead:
        return None


class Rejoined:
    """A stream whose beginning has been read: yields that again, then the rest."""

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
        """The elapsed time, which httpx2 reads from its stream."""
        return getattr(self._original, "elapsed", None)


class Head:
    """The first chunks of a body: up to 64 KiB, and as many as arrive within a few seconds."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self._size = 0
        self._until = time.monotonic() + _PATIENCE

    def add(self, chunk: bytes) -> bool:
        """Add a chunk, and return whether that is enough."""
        self.chunks.append(chunk)
        self._size += len(chunk)
        return self._size > LARGEST_BODY or time.monotonic() > self._until


def read_head(stream: Any, breaks_with: type[Exception]) -> tuple[list[bytes], Any]:
    """Return the beginning of a stream, and the rest, if any. If the stream breaks off, the rest raises its error."""
    head, chunks = Head(), iter(stream)
    try:
        for chunk in chunks:
            if head.add(chunk):
                return head.chunks, chunks
    except breaks_with as error:
        return head.chunks, _Break(error)
    return head.chunks, None


async def aread_head(stream: Any, breaks_with: type[Exception]) -> tuple[list[bytes], Any]:
    """Return the same for an async stream."""
    head, chunks = Head(), stream.__aiter__()
    try:
        async for chunk in chunks:
            if head.add(chunk):
                return head.chunks, chunks
    except breaks_with as error:
        return head.chunks, _Break(error)
    return head.chunks, None


class _Break:
    """The rest of a stream that broke off: raises the error when it is read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        raise self._error

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise self._error
