"""What reached the sandbox: frozen records, kept in order, readable from any thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class PlatformCall:
    """One call to the Platform API; ``connector`` and ``context`` are ``None`` on a path that names no connection."""

    method: str
    raw_path: str
    """The path exactly as it was sent, percent signs and all."""
    connector: str | None
    context: str | None
    headers: Mapping[str, str]
    """Lower-case names; the value of ``authorization`` is masked."""
    when: float
    """By the monotonic clock."""
    status: int | None = None
    """``None`` as long as it is unanswered, for ever if the connection was cut."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that reached a provider, with everything that a leak would show up in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Lower-case names; the values of a repeated header are joined with a comma."""
    raw_headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None
    """What was answered; ``None`` if the client went away before its request was complete."""


class Records:
    """Every call and arrival since the last ``clear()``."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: dict[int, PlatformCall] = {}
        self._arrivals: dict[str, list[Arrival]] = {}
        self._next = 0

    @property
    def calls(self) -> list[PlatformCall]:
        with self._changed:
            return list(self._calls.values())

    def arrivals(self, provider: str) -> list[Arrival]:
        with self._changed:
            return list(self._arrivals.get(provider, ()))

    def called(self, call: PlatformCall) -> int:
        """Note a call that has no answer yet, and give the number under which ``answered`` finds it."""
        with self._changed:
            number = self._next
            self._next += 1
            self._calls[number] = call
            self._changed.notify_all()
            return number

    def answered(self, number: int, status: int) -> None:
        with self._changed:
            call = self._calls.get(number)
            if call is not None:  # else cleared in the meantime
                self._calls[number] = replace(call, status=status)

    def arrived(self, provider: str, arrival: Arrival) -> None:
        with self._changed:
            self._arrivals.setdefault(provider, []).append(arrival)

    def wait_for_calls(self, count: int, timeout: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._calls) >= count, timeout):
                raise TimeoutError(f"{len(self._calls)} of {count} calls reached the Platform API in {timeout} s")

    def clear(self) -> None:
        with self._changed:
            self._calls.clear()
            self._arrivals.clear()
