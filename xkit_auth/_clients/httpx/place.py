"""What a request of httpx or httpx2 says about its destination beside its URL: it must not be another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..._connectors import Policy
from ..._values import Credential
from .mark import Mark

_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}

_LOOKED_AT = 32
"""Answers from an origin that are looked at for signs of a cache: clients are mostly made when a process begins."""

_CACHE_SIGNS = ("caching", "hishel_from_cache", "from_cache")
"""The extensions that hishel 2, 1 and 0 put on every answer."""


class Place:
    """An origin as the library says it, worked out once.

    Attributes:
        is_wired: whether a redirect could carry the credential elsewhere in the client's own request: in any header but
            ``Authorization``, and in that one, too, if the client takes a redirect from http to https for an upgrade;
            or whether a redirect may be a refusal, which is to be known before the client follows it.
        ordinary_below: below this status there is nothing to do about an answer, once the first ones were looked at.
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

    def is_first_in(self, headers: Any) -> bool:
        """Whether it is certain at a glance that the Host header is that of this place."""
        rows: Any = headers._list if self._knows_headers else ()
        return bool(rows) and rows[0] == self._host

    def put_plain(self, credential: Credential, headers: Any) -> bool:
        """The same as the policy's, and faster than the library's own way to set a header that is not there yet."""
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
        """Look at one of the first answers from here. Whether a cache of the client's has to do with it."""
        self._unseen -= 1
        if self._unseen <= 0:
            self.ordinary_below = self._ordinary_below
        return any(name in response.extensions for name in _CACHE_SIGNS)

    def other_named_by(self, request: Any, earlier: Mark | None) -> str | None:
        """What it is that names another place, if anything does; ``earlier`` is what an earlier send has left."""
        host = self._host[2]
        if earlier is not None and request.headers.get("host") == earlier.url.netloc.decode("ascii"):
            request.headers["Host"] = host.decode("ascii")  # the library's own, for the URL that it had then
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
    """Whether the library keeps its headers, which are its own affair, as they were kept when this was written."""
    headers = headers_type({"A": "1"})
    headers["X-Name"] = "Value"
    return getattr(headers, "_list", None) == [(b"A", b"a", b"1"), (b"X-Name", b"x-name", b"Value")]


def is_from_cache(response: Any) -> bool:
    """Whether an answer was not the provider's to this request, but comes out of a cache of the client's."""
    extensions = response.extensions
    status = extensions.get("caching")  # of hishel 2, which has all in one
    signs = status if isinstance(status, Mapping) else extensions
    return bool(signs.get("from_cache") or signs.get("hishel_from_cache"))
