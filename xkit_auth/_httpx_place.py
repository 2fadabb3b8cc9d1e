"""What a request of httpx or httpx2 says about its destination beside its URL: it must not be another one."""

from __future__ import annotations

from typing import Any

from ._httpx_mark import Mark
from ._policy import Policy

_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Place:
    """An origin as the library says it, worked out once.

    Attributes:
        host: the first header of every request that the libraries make themselves, as they keep it.
        is_wired: whether a redirect could carry the credential elsewhere in the client's own request: in any header but
            ``Authorization``, and in that one, too, if the client takes a redirect from http to https for an upgrade.
    """

    __slots__ = ("host", "is_wired")

    def __init__(self, url: Any, policy: Policy) -> None:
        self.host = (b"Host", b"host", url.netloc)
        self.is_wired = policy.hides_plain or (url.scheme == "http" and url.port is None)

    def other_named_by(self, request: Any, earlier: Mark | None) -> str | None:
        """What it is that names another place, if anything does; ``earlier`` is what an earlier send has left."""
        host = self.host[2]
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
