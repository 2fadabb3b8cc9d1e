"""Where a credential may go: the one place that reads origins and compares them.

An origin is scheme, host and effective port. A WebSocket begins as a request of HTTP: wss is https here, ws is http.
Reading is strict on purpose. What two parsers could read in two ways (user info, a backslash, a trailing dot, letters
outside ASCII) is not read at all, and what is not read is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .text import MASK, quoted

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_HOST = rf"(?:{_NAME}|\[[0-9a-f:.]{{2,45}}\])"
_URL = re.compile(rf"(https?|wss?)://({_HOST})(?::([0-9]{{1,5}}))?(?=[/?#]|\Z)", re.IGNORECASE | re.ASCII)
_ENTRY = re.compile(rf"(\*\.)?({_HOST})(?::([0-9]{{1,5}}))?", re.IGNORECASE | re.ASCII)
_URL_OR_PATH = re.compile(rf"(?:https?://)?({_HOST}(?::[0-9]{{1,5}})?)(?=/|\Z)", re.IGNORECASE | re.ASCII)
_LOOPBACK = re.compile(r"localhost|\[::1\]|127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})){3}")
_DEFAULT_PORT = {"http": 80, "https": 443}
_AS_HTTP = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Origin(NamedTuple):
    """Scheme, host in lower case (an IPv6 address in brackets), and the port that is really used."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by name: ``localhost``, ``127.0.0.0/8`` or ``[::1]``."""
        return _LOOPBACK.fullmatch(self.host) is not None

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORT[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def origin_of(url: str) -> Origin | None:
    """The origin of an absolute URL of http, https, ws or wss; ``None`` if it cannot be read with certainty."""
    match = _URL.match(url)
    if match is None:
        return None
    scheme, host = _AS_HTTP[match[1].lower()], match[2].lower()
    port = int(match[3]) if match[3] else _DEFAULT_PORT[scheme]
    return Origin(scheme, host, port) if 0 < port < 65536 else None


def is_named_by(url: str, host: str | bytes) -> bool:
    """Whether a ``Host`` header names the host and the port of this URL, as RFC 9110 section 7.2 has it."""
    origin = origin_of(url)
    if origin is None:
        return False  # what cannot be read is named by nobody
    text = host.decode("latin-1") if isinstance(host, bytes) else host
    names = [f"{origin.host}:{origin.port}"]
    if origin.port == _DEFAULT_PORT[origin.scheme]:
        names.append(origin.host)
    return text.lower() in names


def _perhaps(entry: str) -> str:
    """The host that an entry may mean, which is a URL; to go behind a text."""
    match = _URL_OR_PATH.match(entry)
    return f", as in {quoted(match[1])}" if match and quoted(entry) != MASK else ""


class Hosts:
    """The hosts that may receive a connector's credential.

    Each entry is ``host[:port]`` in ASCII, port 443 if none is given. ``*.`` in front stands for exactly one label.

    Raises:
        ValueError: an entry is not of that form; the text names the entry and the reason.
    """

    __slots__ = ("_exact", "_named_with_port", "_one_label_below", "entries")

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(entries)
        self._exact: set[tuple[str, int]] = set()
        self._one_label_below: set[tuple[str, int]] = set()
        self._named_with_port: set[tuple[str, int]] = set()
        for entry in self.entries:
            self._add(entry)

    def _add(self, entry: str) -> None:
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise ValueError(
                f"{quoted(entry)} is not a host: write host or host:port in ASCII (punycode), without scheme and path,"
                " with *. in front for one label"
                f"{_perhaps(entry)}"
            )
        wildcard, host, port = match[1], match[2].lower(), int(match[3] or 443)
        if not 0 < port < 65536:
            raise ValueError(f"{quoted(entry)} names a port that does not exist")
        if wildcard and "." not in host:
            raise ValueError(f"{quoted(entry)} would allow a whole top-level domain")
        (self._one_label_below if wildcard else self._exact).add((host, port))
        if match[3] and not wildcard:
            self._named_with_port.add((host, port))

    def allow(self, origin: Origin, *, http_to_loopback: bool) -> bool:
        """Whether ``origin`` is one of these hosts, over https, or over http to a loopback port that is named."""
        place = (origin.host, origin.port)
        if origin.scheme == "http":
            return http_to_loopback and origin.is_loopback and place in self._named_with_port
        return place in self._exact or (origin.host.partition(".")[2], origin.port) in self._one_label_below

    @property
    def include_loopback(self) -> bool:
        """Whether one of these is this machine by name."""
        return any(_LOOPBACK.fullmatch(host) for host, _ in self._exact)

    def __repr__(self) -> str:
        return f"Hosts({', '.join(self.entries)})"
