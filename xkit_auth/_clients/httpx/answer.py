"""Bodies of responses on httpx and httpx2: looking at one without losing it, and letting one go.

Each of these is written once, for threads and for tasks: it yields what has to be waited for as a ``Wait``.
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
    """Something that takes its time: how a thread does it, and how a task does."""

    in_thread: Callable[[], Any]
    in_task: Callable[[], Awaitable[Any]]


Steps: TypeAlias = Generator[Any, Any, _Result]
"""Yields each ``Wait``, and each request that is to be sent, and is sent what came of it."""


def thrown_into(steps: Steps[Any], error: BaseException) -> Any:
    """What is wanted next, after a ``Wait`` that failed; ``None`` if nothing is."""
    try:
        return steps.throw(error)
    except StopIteration:
        return None


class Bodies:
    """Reads the bodies of responses of one library. A stream that is put back is of the class given."""

    def __init__(self, library: ModuleType, stream_type: type[Any]) -> None:
        self._library = library
        self._stream_type = stream_type

    def peek(self, response: Any, policy: Policy) -> Steps[bytes | None]:
        """Look at the body, if the policy wants to, and leave it as if nobody had; ``None`` if it is too large."""
        if not policy.wants_body(response.status_code, response.headers):
            return None
        if response.is_closed:
            return read_before(self._library, response)
        original = response.stream
        chunks, rest = yield self._head_of(original)
        response.stream = self._stream_type(chunks, rest, original)
        return None if rest is not None else self._decoded(response, chunks)

    def set_aside(self, response: Any) -> Steps[None]:
        """End the stream of a response over HTTP/2, before Xkit is asked.

        While it is open, it counts against the server's limit, and the pool leads other requests to its connection,
        which the server may have closed with the refusal.
        """
        if response.is_closed or response.extensions.get("http_version") != b"HTTP/2":
            return
        original = response.stream
        chunks, rest = yield self._head_of(original)
        if rest is None:
            ended = Rejoined((), None, original)
            yield Wait(ended.close, ended.aclose)
        response.stream = self._stream_type(chunks, rest, original)

    def cut(self, response: Any) -> Steps[None]:
        """Give back the connection of a response that is not the caller's, however long its body is."""
        if response.is_closed:
            return
        original = response.stream
        chunks, rest = yield self._head_of(original)
        whole = Rejoined((), rest, original)
        yield Wait(whole.close, whole.aclose)
        # A compressed body that is cut in the middle, or none at all, cannot be read: then nothing is left of it.
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
        encoding = response.headers.get("content-encoding", "identity")
        return decoded(self._library, self._stream_type, chunks, encoding)


def read_before(library: ModuleType, response: Any) -> bytes | None:
    """A body that an event hook, a transport without sockets, or the client on a redirect has read already."""
    try:
        return bytes(response.content)
    except library.ResponseNotRead:
        return None


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
