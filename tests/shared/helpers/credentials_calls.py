"""What the tests of calls and calls that end share."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from xkit_auth import PlatformUnavailable
from xkit_auth._credentials.calls import Call, Calls

PATIENCE = 20.0


DOWN = PlatformUnavailable("down")


class Made(Call):
    """A call that does what a test says."""

    def __init__(self, key: Any, run: Any, give_up: Any) -> None:
        super().__init__(key)
        self._run, self._given_up = run, give_up

    def run(self) -> Any:
        return self._run()

    def give_up(self, error: Any) -> None:
        self._given_up(error)


class Field:
    """Calls, and what became of them."""

    def __init__(self, most_at_once: int, longest: float) -> None:
        self.lock = threading.RLock()
        self.calls = Calls(most_at_once, self.lock, longest)
        self.began: queue.Queue[Any] = queue.Queue()
        self.given_up: queue.Queue[Any] = queue.Queue()
        self.own: list[bool] = []
        self._let_go: dict[Any, queue.Queue[Any]] = {}

    def made(self, key: Any) -> Made:
        release = self._let_go[key] = queue.Queue()

        def run() -> Any:
            self.own.append(self.calls.is_own_thread())
            self.began.put(key)
            return release.get(timeout=PATIENCE)

        return Made(key, run, lambda error: self.given_up.put((key, error)))

    def put(self, call: Call) -> None:
        with self.lock:
            self.calls.put(call)

    def start(self, key: Any) -> None:
        self.put(self.made(key))
        self.calls.staff()

    def end(self, key: Any, failure: Any = None) -> None:
        self._let_go.pop(key).put(failure)

    def next_began(self) -> Any:
        return self.began.get(timeout=PATIENCE)

    def waiting(self) -> int:
        """How many calls are queued once every thread has come to rest."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with self.lock:
                if self.calls._idle + len(self.calls._running) == len(self.calls._threads) + len(self.calls._coming):
                    return len(self.calls._queue)
        raise AssertionError("the threads do not come to rest")

    def rest(self) -> None:
        """Wait until every thread has nothing to do."""
        until = time.monotonic() + PATIENCE
        while self.calls._idle < len(self.calls._threads):
            assert time.monotonic() < until

    def close(self) -> list[Call]:
        with self.lock:
            left = self.calls.close()
        for key in list(self._let_go):
            self.end(key)
        return left


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "xkit-auth"]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("xkit_auth._credentials.calls._SILENCE_WORTH_A_PROBE", 1000)  # however long this machine takes
    before = set(threads())
    fields: list[Field] = []

    def field(most_at_once: int, longest: float = 1000) -> Field:
        fields.append(Field(most_at_once, longest))
        return fields[-1]

    yield field
    for each in fields:
        each.close()
    for thread in set(threads()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def outage(field: Field) -> None:
    """Keys failed, and the pause that followed is over."""
    now = time.monotonic() - 100.0
    with field.lock:
        for key in ("w", "x", "y", "z"):
            field.calls.pauses.failed(key, DOWN, now, field.calls.pauses.begins(now))
