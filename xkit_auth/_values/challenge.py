"""``WWW-Authenticate``, read: what a provider wants, as schemes with parameters (RFC 9110, section 11.6.1).

Reading is lenient, since providers are: values that should be quoted and are not, missing commas, quotes that never
end. What makes no sense is passed over, and the rest is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_LONGEST_READ = 16 * 1024

_SEPARATORS = re.compile(r"[\s,]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)', re.DOTALL)
_BARE = re.compile(r"[^\s,\"]*")
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|\Z))")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Challenge(NamedTuple):
    """One of the ways in which a provider wants to be asked.

    Attributes:
        scheme: such as ``"bearer"``, in lower case; empty if there are parameters without one.
        params: its parameters by their names in lower case, such as ``{"error": "invalid_token"}``.
    """

    scheme: str
    params: Mapping[str, str]


def challenges_in(header: str) -> tuple[Challenge, ...]:
    """The challenges of a ``WWW-Authenticate`` header, or of several that a client has joined with commas.

    Example:
        >>> said = 'Basic realm="a", Bearer error="invalid_token"'
        >>> challenges_in(said)[1]
        Challenge(scheme='bearer', params={'error': 'invalid_token'})
    """
    header = header[:_LONGEST_READ]
    found: list[Challenge] = []
    params: dict[str, str] = {}
    at = _end_of(_SEPARATORS, header, 0)
    is_next = True  # whether a comma, or the beginning, stands before what is read now
    while at < len(header):
        token = _TOKEN.match(header, at)
        equals = _EQUALS.match(header, token.end()) if token else None
        if token is None:
            at += 1
        elif equals is not None:
            value, at = _value(header, equals.end())
            if not found:
                found.append(Challenge("", params))
            params.setdefault(token[0].lower(), value)  # a parameter must not come twice; the first counts
        elif is_next:
            params = {}
            found.append(Challenge(token[0].lower(), params))
            at = _end_of(_TOKEN68, header, token.end())
        else:
            at = token.end()  # a word of a value that should have been quoted
        end = _end_of(_SEPARATORS, header, at)
        is_next, at = "," in header[at:end], end
    return tuple(found)


def _value(header: str, at: int) -> tuple[str, int]:
    quoted = _QUOTED.match(header, at)
    if quoted is not None:
        return _ESCAPED.sub(r"\1", quoted[1]), quoted.end()
    end = _end_of(_BARE, header, at)
    return header[at:end], end


def _end_of(pattern: re.Pattern[str], header: str, at: int) -> int:
    match = pattern.match(header, at)
    return at if match is None else match.end()
