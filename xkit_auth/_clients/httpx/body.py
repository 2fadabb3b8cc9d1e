"""Bodies of requests with httpx and httpx2: which ones can be sent again."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from .. import Rewinder, announced_length


class Replay:
    """A request's body that may have to be sent again, examined before it is sent the first time.

    A list of bytes, a file-like object and a form can be sent again, if the library itself has wrapped them. Anything
    else, such as the caller's own stream or an async one, may be used up. A body of bytes needs no ``Replay``.
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
        """Rewind the body, and return whether all of it is certain to be sent again."""
        if self._list is not None and tuple(self._list) != self._chunks:  # changed since the first send
            return False
        return self._is_known and all(file.is_whole_again() for file in self._files)


def _is_own(library: ModuleType, stream: Any, module: str, name: str) -> bool:
    """Return whether a stream is exactly of this class of the library."""
    kind = type(stream)
    return (kind.__module__, kind.__name__) == (f"{library.__name__}.{module}", name)


def _is_in_memory(field: Any) -> bool:
    return isinstance(getattr(field, "file", b""), (str, bytes))


def _file_of(field: Any) -> Rewinder:
    # The libraries send each file of a form from its beginning.
    length = field.get_length()
    return Rewinder(field.file, 0, None if length is None else length - len(field.render_headers()))
