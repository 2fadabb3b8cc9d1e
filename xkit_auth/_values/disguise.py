"""A secret in other words: finding it in a text that may have encoded it, escaped it, spaced it out or turned it round.

A text from outside can say a secret back in many ways. Nothing here looks at the places where a secret is expected;
the whole text is read in every way that is known, and the secret is looked for in each.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from base64 import b32decode, b64decode, b64encode
from collections.abc import Iterable, Iterator
from html import unescape
from urllib.parse import unquote, unquote_plus

_MOST_ROUNDS = 16
_MOST_READINGS = 256
_MOST_CHARACTERS = 1_000_000
_MOST_IN_ALL = 4_000_000
"""Characters of all readings of all texts of one search: about a second of the processor's time."""
_PART = 6
_SHORTEST_ENCODED = 4
_IN_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_IN_BASE32 = re.compile(r"[A-Za-z2-7]{10,}")
_IN_BASE58 = re.compile(r"(?<![0-9A-Za-z])[1-9A-HJ-NP-Za-km-z]{8,300}(?![0-9A-Za-z])")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MOST_IN_BASE58 = 16
_IN_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2}){4,}")
_IN_A_LIST = re.compile(r"(?<![0-9A-Za-z])(?:[0-9]{1,3}[\s,;.+:-]{1,3}){5,}[0-9]{1,3}(?![0-9A-Za-z])")
"""Bytes as JSON has them, and JavaScript's buffers."""
_IN_A_HEXADECIMAL_LIST = re.compile(r"(?:(?:0x)?[0-9A-Fa-f]{2}[\s,;.+:-]{1,3}){5,}(?:0x)?[0-9A-Fa-f]{2}")
_OTHER_THAN_PERCENT = re.compile(r"([?&;#][\w.-]*=)|[=$!~]([0-9A-Fa-f]{2})")
"""The equals sign behind a parameter's name is none."""
_QUOTED_PRINTABLE = re.compile(r"(\?[\w.-]*=)|=([0-9A-Fa-f]{2})")
"""Behind the first parameter's. A secret may look like a further one."""
_SOFT_BREAK = re.compile(r"=[ \t]*\r?\n")
_WORD = re.compile(r"[!-~]{6,}")
_ESCAPE = re.compile(
    r"[\\%]u([0-9a-f]{4})|[\\0]x([0-9a-f]{2})|\\u\{([0-9a-f]{1,5})\}|\\U(000[0-9a-f]{5})|\\([0-3][0-7]{2})|_x([0-9a-f]{4})_",
    re.IGNORECASE,
)
_COMPRESSED = re.compile(rb"[\x08\x18\x28\x38\x48\x58\x68\x78](?s:.)|\x1f\x8b\x08")
"""How zlib, of whatever window, and gzip begin."""
_OTHERWISE_COMPRESSED = re.compile(rb"BZh[1-9]1AY&SY|\xfd7zXZ\0")
"""How bzip2 and xz begin."""
_MOST_BEFORE = 3
_MOST_MEMORY = 32 * 1024 * 1024
_MOST_COMPRESSED = 8
_INVISIBLE = re.compile("[\\s\x00-\x1f\x7f-\x9f\xad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
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
        return not are_all or any(self._are_in(reading.lower()) for reading in readings)

    @abstractmethod
    def _are_in(self, reading: str) -> bool:
        """Whether any of them occurs in a reading, which is in lower case."""


class Whole(Search):
    """All of a secret."""

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._forms = tuple(_in_lower_case(secrets))

    def _are_in(self, reading: str) -> bool:
        return any(form in reading for form in self._forms)


class Parts(Search):
    """Any part of a secret."""

    __slots__ = ("_long", "_short")

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        forms = _in_lower_case(secrets)
        self._short = tuple(form for form in forms if len(form) < _PART)
        self._long = {form[start : start + _PART] for form in forms for start in range(len(form) - _PART + 1)}

    def _are_in(self, reading: str) -> bool:
        ends = range(_PART, len(reading) + 1)
        parts = map(reading.__getitem__, map(slice, range(len(ends)), ends))
        return any(form in reading for form in self._short) or not self._long.isdisjoint(parts)


def _in_lower_case(secrets: Iterable[str]) -> set[str]:
    """The forms of all secrets. Some providers write URLs in lower case, and many a token is the same in both."""
    return {form.lower() for secret in secrets for form in forms_of(secret)}


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

    It is read as it is, percent-decoded, unescaped, in plain letters, without what cannot be seen, out of base64,
    base32 and hexadecimal, and decompressed; then each of these once more for as long as there is something new, and
    all of them without what separates their words.
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
    return _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    in_octal = match[5]
    return chr(int(in_octal, 8) if in_octal else int(match[match.lastindex or 0], 16))


def _in_plain_letters(text: str) -> str:
    """What wide, round and other fancy letters stand for: clients read a host like that."""
    if text.isascii():
        return text
    from unicodedata import normalize  # late: importing xkit_auth must stay cheap

    return normalize("NFKC", text)


def _without_invisible(text: str) -> str:
    """In one piece, as base64 in lines has to be."""
    return _INVISIBLE.sub("", text)


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
    either_way = [each for word in words for each in (word, word[::-1])]
    return _readable(b64decode(_padded(word[start:])) for word in either_way for start in range(4))


_FOR_URLS = str.maketrans("-_", "+/")


def _padded(word: str) -> str:
    """What base64 can be read of: a single letter behind the last four says nothing."""
    whole = word[:-1] if len(word) % 4 == 1 else word
    return whole + "=" * (-len(whole) % 4)


def _out_of_base32(text: str) -> str:
    """The words that its words are base32 of, from all eight places where it may begin."""
    words = [word.upper() for word in _IN_BASE32.findall(text)]
    return _readable(b32decode(_padded_for_base32(word[start:])) for word in words for start in range(8))


def _padded_for_base32(word: str) -> str:
    whole = word[: len(word) - len(word) % 8 + (0, 0, 2, 2, 4, 5, 5, 7)[len(word) % 8]]
    return whole + "=" * (-len(whole) % 8)


def _out_of_hexadecimal(text: str) -> str:
    """The words that its words are hexadecimal of."""
    words = _IN_HEXADECIMAL.findall(text)
    either_way = [each for word in words for each in (word, word[::-1])]
    return _readable(bytes.fromhex(word[start : len(word) - start]) for word in either_way for start in range(2))


def _out_of_base58(text: str) -> str:
    """The words that its words are base58 of, which says where it begins and ends. Long ones take their time."""
    return _readable(map(_from_base58, _IN_BASE58.findall(text)[:_MOST_IN_BASE58]))


def _from_base58(word: str) -> bytes:
    number = 0
    for letter in word:
        number = number * 58 + _BASE58.index(letter)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _out_of_lists(text: str) -> str:
    """The words that its lists of numbers, decimal or hexadecimal, are the bytes of."""
    decimal = [re.findall("[0-9]+", each) for each in _IN_A_LIST.findall(text)]
    lists = [[int(number) % 256 for number in each] for each in decimal]
    hexadecimal = [re.findall("[0-9A-Fa-f]{2}", each) for each in _IN_A_HEXADECIMAL_LIST.findall(text)]
    lists += [[int(number, 16) for number in each] for each in hexadecimal]
    return _readable(map(bytes, lists))


def _out_of_quoted_printable(text: str) -> str:
    return unquote(_QUOTED_PRINTABLE.sub(_with_percent, _SOFT_BREAK.sub("", text)))


def _out_of_other_marks(text: str) -> str:
    """What is meant by whoever takes another mark for the percent sign."""
    return unquote(_OTHER_THAN_PERCENT.sub(_with_percent, text))


def _with_percent(match: re.Match[str]) -> str:
    return match[1] or f"%{match[2]}"


def _readable(raws: Iterable[bytes]) -> str:
    """The words in these, and in what they are compressed of. In UTF-16 every other byte is zero."""
    texts = (each.decode("latin-1").replace("\0", "") for raw in raws for each in (raw, *_decompressed(raw)))
    return " ".join(word for text in texts for word in _WORD.findall(text))


def _decompressed(raw: bytes) -> Iterator[bytes]:
    """What SAML compresses as it is, and others behind a mark. One that never ends is more than is read of a text."""
    import zlib  # late: importing xkit_auth must stay cheap

    found = [match.start() for match in _COMPRESSED.finditer(raw) if _is_marked(match[0])]
    marks = found[:_MOST_COMPRESSED]
    bare = [(start, -zlib.MAX_WBITS) for start in range(_MOST_BEFORE)]
    for start, wbits in (*bare, *((mark, zlib.MAX_WBITS + 32) for mark in marks)):
        try:
            yield zlib.decompressobj(wbits).decompress(raw[start:], _MOST_CHARACTERS + 1)
        except zlib.error:
            continue
    for match in list(_OTHERWISE_COMPRESSED.finditer(raw))[:_MOST_COMPRESSED]:
        yield _otherwise_decompressed(raw[match.start() :])


def _is_marked(mark: bytes) -> bool:
    return len(mark) == 3 or int.from_bytes(mark, "big") % 31 == 0


def _otherwise_decompressed(raw: bytes) -> bytes:
    """What bzip2 or xz has compressed."""
    try:
        if raw.startswith(b"BZh"):
            from bz2 import BZ2Decompressor  # late: few Pythons are built without it, and few need it

            return BZ2Decompressor().decompress(raw, _MOST_CHARACTERS + 1)
        from lzma import FORMAT_XZ, LZMADecompressor

        return LZMADecompressor(FORMAT_XZ, memlimit=_MOST_MEMORY).decompress(raw, _MOST_CHARACTERS + 1)
    except Exception:  # it is not compressed, wants too much memory, or this Python cannot read it
        return b""


_DECODERS = (
    unquote,
    unquote_plus,
    _unquoted_from_latin_1,
    _read_as_utf_8,
    _out_of_html,
    _unescaped,
    _in_plain_letters,
    _without_invisible,
    _out_of_base64,
    _out_of_base32,
    _out_of_hexadecimal,
    _out_of_base58,
    _out_of_lists,
    _out_of_quoted_printable,
    _out_of_other_marks,
)
