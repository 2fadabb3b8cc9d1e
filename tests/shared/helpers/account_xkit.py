"""What the tests of xkit and xkit shared calls and xkit lifetime and xkit processes share."""

from __future__ import annotations

import os
from typing import Any

import pytest

from xkit_auth import (
    Xkit,
    hookimpl,
)


class Recorder:
    """A plugin that notes every event."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @hookimpl
    def xkit_auth_event(self, event: Any) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture
def environment(monkeypatch: Any, keys: Any) -> Any:
    monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", keys["publishable_key"])
    monkeypatch.setenv("XKIT_SECRET_KEY", keys["secret_key"])
    monkeypatch.delenv("XKIT_BASE_URL", raising=False)
    monkeypatch.setattr(Xkit, "_the_default", None)  # other tests may have left theirs, closed
    yield monkeypatch
    if Xkit._the_default is not None:
        Xkit._the_default.close()
    Xkit._the_default = None


def wait_until_queued(xkit: Xkit, number: int) -> None:
    for _ in range(100_000):
        with xkit.broker._here().lock:
            if len(xkit.broker._here().calls._queue) == number:
                return
        os.sched_yield()
    raise AssertionError("nothing was queued")
