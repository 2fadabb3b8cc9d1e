"""A secret in other words: finding it in a text that may have encoded it, escaped it, spaced it out or turned it round.

A text from outside can say a secret back in many ways. Nothing here looks at the places where a secret is expected;
the whole text is read in every way that is known, and the secret is looked for in each.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from html import unescape
from urllib.parse import unquote, unquote_plus

_MOST_ROUNDS = 16
_MOST_READINGS = 64
_MOST_CHARACTERS = 1_000_000
_MOST_IN_ALL = 4_000_000
"""Characters of all readings of all texts of one search: about a second of the processor's time."""
_PART = 6
_SHORTEST_ENCODED = 4
_IN_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_IN_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2}){4,}")
_WORD = re.compile(r"[!-~]{6,}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_NO_CHARACTER = re.compile(r"&#0*[0-9]{8,};?")
_BETWEEN = re.compile(r"[\s\W_]+")


def is_said_in(text: str, *secrets: str) -> bool:
    """Whether all of one of the ``secrets`` occurs in ``text``, in any form of it and in any reading of the text.

    A text that can be read on and on is taken to say it.

    Example:
        >>> is_said_in("/login?next=%252Fbot123%253AABC", "123:ABC")
        True
    """
    return Whole(secrets).are_said_in(text)


def is_partly_said_in(text: str, secrets: Iterable[str]) -> bool:
    """Whether any six characters in a row of a secret (all of it, if it is shorter) occur, in any form and reading.

    It takes time in proportion to the text and to the secrets, not to their product.
    """
    return Parts(secrets).are_said_in(text)


class Search:
    """Secrets that are looked for in texts. What that costs is bounded: when it is used up, each text says them."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_IN_ALL

    def are_said_in(self, text: str) -> bool:
        """Whether any of them occurs, in any reading of the text. One that can be read on and on is taken to say it."""
        if len(text) > self._left:
            return True
        readings, are_all = readings_of(text)
        self._left -= sum(map(len, readings))
        return not are_all or any(map(self._are_in, readings))

    @abstractmethod
    def _are_in(self, reading: str) -> bool: ...


class Whole(Search):
    """All of a secret."""

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._forms = tuple({form for secret in secrets for form in forms_of(secret)})

    def _are_in(self, reading: str) -> bool:
        return any(form in reading for form in self._forms)


class Parts(Search):
    """Any part of a secret."""

    __slots__ = ("_long", "_short")

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        forms = {form for secret in secrets for form in forms_of(secret)}
        self._short = tuple(form for form in forms if len(form) < _PART)
        self._long = {form[start : start + _PART] for form in forms for start in range(len(form) - _PART + 1)}

    def _are_in(self, reading: str) -> bool:
        ends = range(_PART, len(reading) + 1)
        parts = map(reading.__getitem__, map(slice, range(len(ends)), ends))
        return any(form in reading for form in self._short) or not self._long.isdisjoint(parts)


def forms_of(secret: str) -> tuple[str, ...]:
    """What a secret may look like: as it is, turned round, without what separates its words, hexadecimal, base64."""
    return tuple(dict.fromkeys(form for form in _forms(secret) if form))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield secret[::-1]
    if len(secret) < _SHORTEST_ENCODED:
        return  # its encoded form is so short that it would be found everywhere
    squeezed = _BETWEEN.sub("", secret)
    if len(squeezed) >= _PART:
        yield squeezed
        yield squeezed[::-1]
    for raw in {secret.encode("utf-8", "surrogatepass"), secret.encode("latin-1", "replace")}:
        yield raw.hex()
        yield raw.hex().upper()
        for before in range(3):  # base64 depends on how many bytes stand before
            encoded = b64encode(b"\0" * before + raw).decode()
            inner = encoded[before + bool(before) : len(encoded) - (4 if encoded.endswith("=") else 0)]
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def readings_of(text: str) -> tuple[tuple[str, ...], bool]:
    """What a text may mean, and whether that is all.

    It is read as it is, percent-decoded, unescaped, out of base64 and out of hexadecimal, then each of these once more
    for as long as there is something new, and all of them without what separates their words.
    """
    found = dict.fromkeys([text])
    newest = [text]
    for _ in range(_MOST_ROUNDS):
        decoded = dict.fromkeys(decode(each) for each in newest for decode in _DECODERS)
        newest = [each for each in decoded if each and each not in found]
        if not newest or len(found) + len(newest) > _MOST_READINGS or sum(map(len, newest)) > _MOST_CHARACTERS:
            break
        found.update(dict.fromkeys(newest))
    squeezed = (_BETWEEN.sub("", each) for each in tuple(found))
    found.update(dict.fromkeys(each for each in squeezed if each))
    return tuple(found), not newest


def _out_of_html(text: str) -> str:
    """What its references stand for. ``html.unescape`` raises for a number that is too long for Python."""
    return unescape(_NO_CHARACTER.sub("\ufffd", text))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)


def _unquoted_from_latin_1(text: str) -> str:
    return unquote(text, "latin-1")


def _read_as_utf_8(text: str) -> str:
    """What came as UTF-8 and was read as latin-1, which is how clients read headers."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _out_of_base64(text: str) -> str:
    """The words that its words are base64 of. Where in a word it begins is not known, so all four places are tried."""
    words = [word.translate(_FOR_URLS) for word in _IN_BASE64.findall(text)]
    return _readable(b64decode(_padded(word[start:])) for word in words for start in range(4))


_FOR_URLS = str.maketrans("-_", "+/")


def _padded(word: str) -> str:
    """What base64 can be read of: a single letter behind the last four says nothing."""
    whole = word[:-1] if len(word) % 4 == 1 else word
    return whole + "=" * (-len(whole) % 4)


def _out_of_hexadecimal(text: str) -> str:
    """The words that its words are hexadecimal of."""
    words = _IN_HEXADECIMAL.findall(text)
    return _readable(bytes.fromhex(word[start : len(word) - start]) for word in words for start in range(2))


def _readable(raws: Iterable[bytes]) -> str:
    return " ".join(word for raw in raws for word in _WORD.findall(raw.decode("latin-1")))


_DECODERS = (
    unquote,
    unquote_plus,
    _unquoted_from_latin_1,
    _read_as_utf_8,
    _out_of_html,
    _unescaped,
    _out_of_base64,
    _out_of_hexadecimal,
)
