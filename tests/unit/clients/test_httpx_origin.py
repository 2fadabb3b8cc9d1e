"""The name under which an origin is remembered on httpx and httpx2."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from xkit_auth._clients.httpx.auth import _origin_key

PARTS = {"scheme": "https", "userinfo": "", "host": "api.acme.example", "port": None}


def parsed(**other: Any) -> Any:
    return SimpleNamespace(_uri_reference=SimpleNamespace(**{**PARTS, **other}))


def plain(**other: Any) -> Any:
    """A URL that keeps what it has parsed to itself."""
    parts = {**PARTS, **other}
    return SimpleNamespace(**parts, raw_host=parts["host"].encode())


def test_whatever_makes_another_origin_makes_another_key():
    for url in (parsed, plain):
        keys = {_origin_key(url(**{name: other})) for name, other in PARTS.items()}
        assert len(keys) == 1
        others = {"scheme": "http", "userinfo": "user", "host": "evil.example", "port": 8443}
        keys |= {_origin_key(url(**{name: other})) for name, other in others.items()}
        assert len(keys) == 5
