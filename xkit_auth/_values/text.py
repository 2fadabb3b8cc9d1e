"""Rules about text: what may be sent in a header, what may be shown, and what must be masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from .disguise import Parts

MASK = "[redacted]"

_T = TypeVar("_T")

_LONGEST_SHOWN = 200
_LONGEST_LOOKED_AT = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}")
_MOST_DIGITS_IN_A_NAME = 3
_PLACEHOLDERS = frozenset(("null", "none", "nil", "undefined", "nan", "placeholder", "changeme", "n/a", "masked"))
_MASKED_OUT = re.compile(r"(?:\*{3,}|x{3,}|\.{3,}|•+)", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9+/_=.\-~]{6,}")
_KNOWN_PREFIX = re.compile(
    r"(?:xox[a-z]|xapp)-|gh[opsur]_|github_pat_|glpat-|[sr]k_(?:live|test)_|ya29\.|eyJ|AKIA|SG\.|\d+\.apps\."
)
_LOGIN = re.compile(r":[^\s/@]+@")
_SHORTEST_KEY = 16
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def plain(text: str) -> str:
    """The text that a ``str`` holds. A subclass, such as an enum, may print, compare and hash as something else."""
    return str.__str__(text)


def plain_if_text(value: _T) -> _T:
    """The same, for what may be something else; that is left as it is."""
    return plain(value) if isinstance(value, str) else value  # type: ignore[return-value]


def a_kind_of(value: object) -> str:
    """What something is, for an error about what it is not: the name of its type, never its text."""
    return "None" if value is None else type(value).__name__


def why_not_sendable(text: str) -> str | None:
    """Why ``text`` cannot be part of a header, or ``None`` if it can. The reason never quotes the text."""
    if not text:
        return "it is empty"
    if _CONTROL.search(text):
        return "it contains a control character or a line break"
    if text != text.strip():
        return "it begins or ends with a space"
    if not text.isascii() and any(ord(character) > 0xFF for character in text):
        return "it contains a character outside latin-1"
    return None


def why_not_a_credential(text: str) -> str | None:
    """Why ``text`` cannot be a credential, or ``None`` if it can. The reason never quotes the text."""
    if "REDACTED" in text.upper() or text.lower() in _PLACEHOLDERS or _MASKED_OUT.fullmatch(text):
        return "it is a placeholder, not a credential"
    return why_not_sendable(text)


def percent_encoded(text: str) -> str:
    """``text`` as one segment of a URL: whatever has a meaning in a URL is encoded."""
    from urllib.parse import quote  # imported late: importing xkit_auth must stay cheap

    return quote(text, safe="")


def is_header_name(text: str) -> bool:
    """Whether ``text`` is a token as RFC 9110 section 5.1 wants a header's name."""
    return _HEADER_NAME.fullmatch(text) is not None


def is_plain_name(text: str) -> bool:
    """Whether ``text`` is a name as a field has one, and not a token that was put in the place of one."""
    is_name = _PLAIN_NAME.fullmatch(text) is not None and sum(map(str.isdigit, text)) <= _MOST_DIGITS_IN_A_NAME
    return is_name and not looks_secret(text)


def shown(text: object, secrets: Iterable[str] | Parts = ()) -> str:
    """``text`` from outside as it may appear in an error: one line, short, and free of ``secrets``.

    A text that holds any part of a secret, in whatever disguise, is dropped whole: what is left of it could still help
    to guess.
    """
    head = str(plain_if_text(text))[:_LONGEST_LOOKED_AT]
    if (secrets if isinstance(secrets, Parts) else Parts(secrets)).are_said_in(head):
        return MASK
    line = _UNPRINTABLE.sub(" ", head).strip()
    return line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 1] + "…"


def told(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The class of an exception from outside, and its text, if it has one that may be shown."""
    try:
        text = str(error)
    except Exception:  # its text is made by code from outside
        text = ""
    kind = type(error).__name__
    return f"{kind}: {shown(text, secrets)}" if text else kind


def quoted(text: object) -> str:
    """What an application has written, as an error may quote it: not if it is what a key looks like, or has a login.

    Other than with ``looks_secret``, a long name with dots and dashes is one.
    """
    written = str(plain_if_text(text))
    has_prefix = any(map(_KNOWN_PREFIX.match, _WORD.findall(written)))
    is_key = _LOGIN.search(written) or has_prefix or any(map(_is_mixed, _RUN.findall(written)))
    return MASK if is_key else repr(plain_if_text(text))


def is_like_a_key(text: str) -> bool:
    """Whether a text certainly is what a key or a token looks like, and no name."""
    return len(text) >= _SHORTEST_KEY and _KNOWN_PREFIX.match(text) is not None


def looks_secret(text: str) -> bool:
    """Whether a text from outside holds what looks like a token: a known prefix, or a long word of letters and digits.

    A UUID by itself is an id, not a secret.
    """
    if len(text) > _LONGEST_LOOKED_AT:
        return True
    words = [] if _UUID.fullmatch(text) else _WORD.findall(text)
    return any(_KNOWN_PREFIX.match(word) or (len(word) >= 20 and _is_mixed(word)) for word in words)


def _is_mixed(word: str) -> bool:
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))
