"""What the tests of crowds and hooks and crowds share."""

from __future__ import annotations

import pytest

PATIENCE = 20
"""Seconds after which a test that waits for something fails. Nothing is ever slow enough to need it."""


@pytest.fixture
def acme(sandbox, driver, xkit):
    """Two connected users of a plain Bearer connector."""
    for user in ("ann", "bob"):
        sandbox.connect("acme", user)

    class Acme:
        url = sandbox.provider_url("acme")
        auth = driver.auth("acme", context="ann", xkit=xkit)
        auth_of_bob = driver.auth("acme", context="bob", xkit=xkit)

    return Acme


def beside(driver, loop=None):
    """A driver of the same library in plain threads, or on some loop."""
    return type(driver)(driver.library, loop)


def client(driver, **options):
    return driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False, **options)


def run(driver, function):
    """Run an async function on the driver's loop."""
    import anyio

    return anyio.run(function, backend=driver.loop)
