"""The destinations that a request of httpx or httpx2 names besides its URL: they must be the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..._connectors import Policy
from ..._values import Credential
from .mark import Mark

_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}

_LOOKED_AT = 32
"""How many responses of an origin are examined for signs of a cache: most clients are made when a process starts."""

_CACHE_SIGNS = ("caching", "hishel_from_cache", "from_cache")
"""The extensions that hishel 2, 1 and 0 put on every response."""


class Place:
    """An origin in the library's terms, worked out once.

    Attributes:
        is_wired: whether requests need a ``Wire``, because the client itself would carry the credential to another
            origin on a redirect, or because a redirect may be a rejection, which must be known before it is followed.
            The client carries every header but ``Authorization``, and that one, too, from http to https.
        ordinary_below: a response below this status needs nothing; 0 until the first responses were examined.
    """

    __slots__ = (
        "_host",
        "_knows_headers",
        "_name",
        "_ordinary_below",
        "_policy",
        "_unseen",
        "is_wired",
        "ordinary_below",
    )

    def __init__(self, url: Any, policy: Policy, ordinary_below: int, *, knows_headers: bool) -> None:
        #: The first header of every request that the libraries make themselves, as they keep it.
        self._host = (b"Host", b"host", url.netloc)
        is_upgraded = url.scheme == "http" and url.port is None
        self.is_wired = policy.hides_plain or policy.judges_redirects or is_upgraded
        self.ordinary_below = 0
        self._ordinary_below = ordinary_below
        self._unseen = _LOOKED_AT
        self._policy = policy
        self._knows_headers = knows_headers
        name = (policy.plain_name or "").encode("ascii")
        self._name = (name, name.lower()) if name and knows_headers else None

    def host_is_first_in(self, headers: Any) -> bool:
        """Return whether the first header is this origin's Host, as the library sets it: a quick check."""
        rows: Any = headers._list if self._knows_headers else ()
        return bool(rows) and rows[0] == self._host

    def put_plain(self, credential: Credential, headers: Any) -> bool:
        """Put the credential on like ``Policy.put_plain``, but faster than the library adds a header."""
        if self._name is None:
            return self._policy.put_plain(credential, headers)
        name, lower = self._name
        rows = headers._list
        for row in rows:
            if row[1] == lower:
                return self._policy.put_plain(credential, headers)
        if credential.is_plain:
            rows.append((name, lower, self._policy.plain_text(credential).encode("ascii")))
        return credential.is_plain

    def shares_a_cache(self, response: Any) -> bool:
        """Examine one of the first responses, and return whether a cache of the client has marked it."""
        self._unseen -= 1
        if self._unseen <= 0:
            self.ordinary_below = self._ordinary_below
        return any(name in response.extensions for name in _CACHE_SIGNS)

    def other_named_by(self, request: Any, earlier: Mark | None) -> str | None:
        """Return what names another destination, or ``None``; ``earlier`` is the mark of an earlier send."""
        host = self._host[2]
        if earlier is not None and request.headers.get("host") == earlier.url.netloc.decode("ascii"):
            request.headers["Host"] = host.decode("ascii")  # set by the library, for the request's URL at that time
        names = _names_of(request.url)
        if any(value.lower() not in names for value in request.headers.get_list("host")):
            return "The Host header"
        sni = request.extensions.get("sni_hostname")
        if sni and _text(sni).lower() != request.url.raw_host.decode("ascii").lower():
            return 'The extension "sni_hostname"'
        target = _text(request.extensions.get("target", "/"))
        if not target.startswith("/") and target != "*":
            return 'The extension "target"'
        return None


def _names_of(url: Any) -> tuple[str, str]:
    name = url.netloc.decode("ascii").lower()
    return name, name if url.port is not None else f"{name}:{_DEFAULT_PORTS[url.scheme]}"


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def knows_headers(headers_type: Callable[..., Any]) -> bool:
    """Return whether the library's private list of headers has the form that this package knows."""
    headers = headers_type({"A": "1"})
    headers["X-Name"] = "Value"
    return getattr(headers, "_list", None) == [(b"A", b"a", b"1"), (b"X-Name", b"x-name", b"Value")]


def is_from_cache(response: Any) -> bool:
    """Return whether a response comes from a cache of the client, and not from the provider."""
    extensions = response.extensions
    status = extensions.get("caching")  # hishel 2 has one mapping for all
    signs = status if isinstance(status, Mapping) else extensions
    return bool(signs.get("from_cache") or signs.get("hishel_from_cache"))
