"""What the tests of cache and cache hints share."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import Credential
from xkit_auth._credentials.cache import Cache

KEY = ("slack", "user-42")


OTHER = ("slack", "user-43")


OLD = Credential("token-old")


NEW = Credential("token-new")


@pytest.fixture
def make(clock: Any) -> Any:
    def cache(*, jitter: float = 0.0, **settings: Any) -> Cache:
        limits = {"max_age": 300.0, "max_stale": 3600.0, "max_entries": 100, **settings}
        return Cache(**limits, monotonic=clock.monotonic, wall=clock.wall, jitter=lambda: jitter)

    return cache


@pytest.fixture
def cache(make: Any) -> Cache:
    return make()


def fresh(cache: Cache, key: tuple[str, str] = KEY) -> Credential | None:
    return cache.fresh(cache.table(key[0]), key[1])
