"""What is wrong with Xkit at the moment: outages, delays, held answers and answers written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from .._values import LockOfProcess

How: TypeAlias = Literal["500", "502", "503", "429", "hang", "garbage", "reset"]


class Gate:
    """Shut until any thread opens it; coroutines wait in front of it. It never shuts again."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()

    @property
    def is_open(self) -> bool:
        return self._opened.done()

    def open(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    async def wait(self, *, or_until: Gate | None = None, timeout: float | None = None) -> None:
        """Return once this gate or the other one is open, or after ``timeout`` seconds."""
        # wait() and not wait_for(): a waiter that gives up must not cancel the futures for all the others.
        gates = [asyncio.wrap_future(gate._opened) for gate in (self, or_until) if gate is not None]
        await asyncio.wait(gates, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)


@dataclass
class Outage:
    """Xkit answers like this for so many calls, or until told otherwise."""

    how: How
    retry_after: str | None
    times: int | None
    ends: Gate = field(default_factory=Gate)


@dataclass
class Canned:
    """An answer written by hand; ``None`` as connector or context means any."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    connector: str | None
    context: str | None
    times: int | None

    def covers(self, connector: str | None, context: str | None) -> bool:
        return self.connector in (None, connector) and self.context in (None, context)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will go wrong with one call, settled when it arrives."""

    outage: Outage | None
    canned: Canned | None
    holds: tuple[Gate, ...]
    delay: float


class Faults:
    """Everything that keeps Xkit from answering at once and properly."""

    def __init__(self) -> None:
        self._lock = LockOfProcess()
        self._outage: Outage | None = None
        self._canned: list[Canned] = []
        self._holds: list[Gate] = []
        self._delay = 0.0
        self.closing = Gate()

    def down(self, how: How, times: int | None, retry_after: float | str | None) -> None:
        if how not in get_args(How):
            raise ValueError(f"how is one of {', '.join(map(repr, get_args(How)))}, as a text; not {how!r}")
        checked_times(times)
        self.end_outage()
        with self._lock:
            self._outage = Outage(how, None if retry_after is None else str(retry_after), times)

    def end_outage(self) -> None:
        with self._lock:
            outage, self._outage = self._outage, None
        if outage is not None:
            outage.ends.open()

    def can(self, canned: Canned) -> None:
        with self._lock:
            self._canned.insert(0, canned)

    def slow_down(self, seconds: float) -> None:
        with self._lock:
            self._delay = seconds

    def up(self) -> None:
        self.end_outage()
        with self._lock:
            self._canned.clear()
            self._delay = 0.0

    def hold(self) -> Gate:
        gate = Gate()
        with self._lock:
            self._holds.append(gate)
        return gate

    def release(self, gate: Gate) -> None:
        with self._lock:
            self._holds.remove(gate)
        gate.open()

    def plan(self, connector: str | None, context: str | None) -> Plan:
        """Settle what happens to the call that has just arrived; what is limited to so many calls is used up here."""
        with self._lock:
            holds = tuple(self._holds)
            if self._outage is not None and use_up(self._outage):
                return Plan(self._outage, None, holds, self._delay)
            for canned in self._canned:
                if canned.covers(connector, context) and use_up(canned):
                    return Plan(None, canned, holds, self._delay)
            return Plan(None, None, holds, self._delay)

    def close(self) -> None:
        """Let every call that waits for anything go on to its end."""
        self.closing.open()
        self.end_outage()


def checked_times(times: object) -> None:
    """Look at how often a fault is to happen.

    Raises:
        ValueError: it is no such number.
    """
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError(f"times is a number of calls, 1 at least, or None for until up(); not {times!r}")


def use_up(fault: Outage | Canned) -> bool:
    """Take one of the calls that a fault is good for; false if none is left."""
    if fault.times is None:
        return True
    fault.times -= 1
    return fault.times >= 0
