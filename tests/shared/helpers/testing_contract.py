"""What the tests of contract and contract answers share."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import (
    Connector,
    Verdict,
    hookimpl,
)
from xkit_auth.testing import Answer, check_connector

REFUSED = Answer(Verdict.REFETCH, status=401)


FINE = Answer(Verdict.ACCEPTED, status=403)


def acme(**settings: Any) -> Connector:
    return Connector(**{"slug": "acme", "hosts": ["api.acme.example"], **settings})


def check(connector: Connector | None = None, **arguments: Any) -> None:
    check_connector(connector or acme(), **{"answers": [REFUSED, FINE], **arguments})


def complaint(connector: Connector | None = None, **arguments: Any) -> str:
    """What is said about a connector that is wrong."""
    with pytest.raises(AssertionError) as caught:
        check(connector, **arguments)
    said = str(caught.value)
    assert said.startswith("acme: ")
    return said.removeprefix("acme: ")


class Brings:
    """A plugin that brings connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> tuple[Connector, ...]:
        return self.connectors
