"""A running sandbox, and a client that reaches it whatever proxy the environment names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from xkit_auth.testing import Sandbox

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    import httpx

    with httpx.Client(timeout=10, trust_env=False) as client:
        yield client
