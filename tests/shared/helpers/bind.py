"""What the tests of bind and bind methods share."""

from __future__ import annotations

import inspect

import pytest


@pytest.fixture
def acme(sandbox):
    """The origin of a provider to which a user is connected."""
    sandbox.connect("acme", "user-1", credential="first-token")
    return sandbox.provider_url("acme")


def client_of(send):
    """The client behind a driver's ``send``."""
    around = inspect.getclosurevars(send).nonlocals
    return around.get("session") or around["client"]


def tokens_at(sandbox, slug="acme"):
    return [each.headers.get("authorization") for each in sandbox.arrivals(slug)]
