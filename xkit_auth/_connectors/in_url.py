"""A credential that goes into the URL: before the path, or into the query. It can be taken out again.

Everything here works on texts, absolute URLs as well as what stands in an HTTP request line.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, unquote_plus


class InUrl:
    """What is put into a URL. It is not shown, and is no tuple: tools that walk tracebacks look into those.

    Attributes:
        prefix: what goes before the path, percent-encoded, such as ``/bot123:ABC``, or nothing.
        pairs: names and values of query parameters, not encoded; they take the place of others of the same name.
    """

    __slots__ = ("pairs", "prefix")

    def __init__(self, prefix: str, pairs: tuple[tuple[str, str], ...]) -> None:
        self.prefix = prefix
        self.pairs = pairs

    def put_in(self, url: str) -> str:
        """The URL with all of this in it, once."""
        parts = _Parts(self.taken_out_of(url))
        names = {name for name, _ in self.pairs}
        encoded = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self.pairs]
        kept = [piece for piece in parts.pieces if _decoded(piece)[0] not in names]
        return parts.url(self.prefix + parts.path, [*kept, *encoded])

    def taken_out_of(self, url: str) -> str:
        """The URL without exactly this in it, wherever it has got to and however it is encoded."""
        parts = _Parts(url)
        kept = [piece for piece in parts.pieces if _decoded(piece) not in self.pairs]
        return parts.url(self._taken_out_of_path(parts.path), kept)

    def _taken_out_of_path(self, path: str) -> str:
        for prefix in filter(None, (self.prefix, unquote(self.prefix))):
            at = path.find(prefix)
            while at >= 0:
                end = at + len(prefix)
                if path[end : end + 1] in ("", "/"):
                    return path[:at] + path[end:]
                at = path.find(prefix, at + 1)
        return path

    def is_in(self, url: str) -> bool:
        """Whether the URL has all of this in it."""
        parts = _Parts(url)
        is_before = parts.path.startswith(self.prefix) and parts.path[len(self.prefix) :][:1] in ("", "/")
        return is_before and set(self.pairs) <= set(map(_decoded, parts.pieces))

    def __repr__(self) -> str:
        return "InUrl()"


class _Parts:
    __slots__ = ("fragment", "origin", "path", "query")

    def __init__(self, url: str) -> None:
        head, hash_mark, fragment = url.partition("#")
        place, question_mark, query = head.partition("?")
        end = 0 if place.startswith("/") else place.find("/", place.find("://") + 3)
        end = len(place) if end < 0 else end
        self.origin = place[:end]
        self.path = place[end:]
        self.query = query if question_mark else None
        self.fragment = fragment if hash_mark else None

    @property
    def pieces(self) -> list[str]:
        """What the query consists of."""
        return [] if self.query is None else self.query.split("&")

    def url(self, path: str, pieces: list[str]) -> str:
        """The URL with this path and these pieces."""
        query = f"?{'&'.join(pieces)}" if pieces else ""
        return f"{self.origin}{path}{query}" + ("" if self.fragment is None else f"#{self.fragment}")


def _decoded(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    return unquote_plus(name), unquote_plus(value)


def path_of(url: str) -> str:
    """The path of an absolute URL, as it is written there."""
    return _Parts(url).path


def in_url(prefix: str, query: Mapping[str, str]) -> InUrl:
    """The parameters of ``query``, not yet encoded, and a prefix that is."""
    return InUrl(prefix, tuple(query.items()))


def in_path(text: str) -> str:
    """A text as part of a path, where a colon may stay as it is."""
    return quote(text, safe=":")
