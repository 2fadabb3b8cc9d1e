"""What the tests of policy and policy judging share."""

from __future__ import annotations

from typing import Any

from xkit_auth import (
    Connector,
    Credential,
)
from xkit_auth._connectors.policy import Sending

TOKEN = Credential("token-1")


def acme(**settings: Any) -> Connector:
    return Connector("acme", **{"hosts": ["api.acme.example"], **settings})


def no_view() -> Any:
    raise AssertionError("a template does not look at the request")


# What is sent


SENDING = Sending(TOKEN, [("Authorization", "Bearer token-1"), ("X-Key", "clé")])
