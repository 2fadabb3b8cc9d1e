"""What several tables of promises begin with."""

from __future__ import annotations

import pytest


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A connected user whose credential is held, and has just expired at the provider."""

    class Acme:
        url = sandbox.provider_url("acme")
        token = sandbox.connect("acme", "user-1")
        auth = driver.auth("acme", context="user-1", xkit=xkit)

    xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    return Acme
