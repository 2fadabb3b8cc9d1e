"""A credential that goes into the URL: before the path, or into the query. It can be taken out again.

Everything here works on texts, absolute URLs as well as what stands in an HTTP request line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_plus


class InUrl(NamedTuple):
    """What is put into a URL, percent-encoded.

    Attributes:
        prefix: what goes before the path, such as ``/bot123:ABC``, or nothing.
        pairs: query parameters, as ``name=value``; they take the place of others of the same name.
        names: the names of these parameters, decoded.
    """

    prefix: str
    pairs: tuple[str, ...]
    names: frozenset[str]

    def put_in(self, url: str) -> str:
        """The URL with all of this in it, once."""
        parts = _Parts.of(self.taken_out_of(url))
        pieces = [*([] if parts.query is None else [parts.query]), *self.pairs]
        return parts._replace(path=self.prefix + parts.path, query="&".join(pieces) if pieces else None).url()

    def taken_out_of(self, url: str) -> str:
        """The URL without any of this in it."""
        parts = _Parts.of(url)
        path = parts.path.removeprefix(self.prefix) if self._is_before(parts.path) else parts.path
        pieces = [] if parts.query is None else parts.query.split("&")
        kept = [piece for piece in pieces if unquote_plus(piece.partition("=")[0]) not in self.names]
        return parts._replace(path=path, query="&".join(kept) if kept else None).url()

    def is_in(self, url: str) -> bool:
        """Whether the URL has all of this in it."""
        parts = _Parts.of(url)
        return self._is_before(parts.path) and set(self.pairs) <= set((parts.query or "").split("&"))

    def _is_before(self, path: str) -> bool:
        return path.startswith(self.prefix) and path[len(self.prefix) :][:1] in ("", "/")

    def __repr__(self) -> str:
        return "InUrl()"


class _Parts(NamedTuple):
    origin: str
    path: str
    query: str | None
    fragment: str | None

    @classmethod
    def of(cls, url: str) -> _Parts:
        head, hash_mark, fragment = url.partition("#")
        place, question_mark, query = head.partition("?")
        end = 0 if place.startswith("/") else place.find("/", place.find("://") + 3)
        end = len(place) if end < 0 else end
        return cls(place[:end], place[end:], query if question_mark else None, fragment if hash_mark else None)

    def url(self) -> str:
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.origin}{self.path}{query}" + ("" if self.fragment is None else f"#{self.fragment}")


def path_of(url: str) -> str:
    """The path of an absolute URL, as it is written there."""
    return _Parts.of(url).path


def in_url(prefix: str, query: Mapping[str, str]) -> InUrl:
    """The parameters of ``query``, not yet encoded, and a prefix that is."""
    pairs = tuple(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    return InUrl(prefix, pairs, frozenset(query))


def in_path(text: str) -> str:
    """A text as part of a path, where a colon may stay as it is."""
    return quote(text, safe=":")
