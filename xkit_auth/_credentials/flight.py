"""One call, many waiters: threads, asyncio tasks and trio tasks wait for the same call to end.

Nothing here belongs to a loop or a thread. A waiter that gives up, or is cancelled, takes only itself away.

No lock is ever held here, since a signal handler or a finaliser may run between any two steps, and wait as well. Who
waits first puts down how to be woken, and then looks whether it has ended; who ends it first says so, and then wakes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

_Result = TypeVar("_Result")


class _Room(Protocol):
    """Where async waiters of one event loop wait."""

    def wake(self, sleepers: list[Callable[[], object]]) -> None:
        """Run the sleepers' alarms in the loop, from any thread, with one knock for all of them."""


class Flight(Generic[_Result]):
    """A call under way. It ends exactly once, with ``result`` or with ``error``."""

    def __init__(self) -> None:
        self.result: _Result | None = None
        self.error: Exception | None = None
        #: Whether it has ended.
        self.ended = False
        self._alarms: list[Callable[[], object]] = []
        self._rooms: dict[Any, tuple[_Room, list[Callable[[], object]]]] = {}

    def land(self, result: _Result) -> None:
        """End with a result."""
        self._end(result, None)

    def crash(self, error: Exception) -> None:
        """End with an error, which every waiter shares."""
        self._end(None, error)

    def _end(self, result: _Result | None, error: Exception | None) -> None:
        if self.ended:
            return
        self.result, self.error = result, error
        self.ended = True
        for alarm in list(self._alarms):
            alarm()
        for room, sleepers in list(self._rooms.values()):
            room.wake(sleepers)

    def wait(self, timeout: float) -> bool:
        """Block this thread until it ends, for ``timeout`` seconds at most. Whether it has ended."""
        if self.ended:
            return True
        gate = threading.Lock()
        gate.acquire()
        alarm = gate.release
        self._alarms.append(alarm)
        try:
            return self.ended or gate.acquire(timeout=max(timeout, 0.0))
        finally:
            self._alarms.remove(alarm)

    async def wait_async(self, timeout: float) -> bool:
        """Wait in an asyncio or trio task until it ends, for ``timeout`` seconds at most. Whether it has ended."""
        wait = _wait_asyncio if _in_asyncio() else _wait_trio
        return self.ended or await wait(self, max(timeout, 0.0))

    def _enter(self, loop: object, room: _Room, alarm: Callable[[], object]) -> bool:
        self._rooms.setdefault(loop, (room, []))[1].append(alarm)
        return not self.ended

    def _leave(self, loop: object, alarm: Callable[[], object]) -> None:
        self._rooms[loop][1].remove(alarm)


def _in_asyncio() -> bool:
    # asyncio is imported here and not above: importing xkit_auth must stay cheap. A task of trio that runs as a guest
    # on an asyncio loop is not a task of asyncio.
    import asyncio

    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False


async def _wait_asyncio(flight: Flight[Any], timeout: float) -> bool:
    import asyncio

    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def alarm() -> None:
        if not future.done():
            future.set_result(None)

    may_wait = flight._enter(loop, _AsyncioRoom(loop), alarm)
    try:
        if may_wait:
            await asyncio.wait((future,), timeout=timeout)
    finally:
        flight._leave(loop, alarm)
    return flight.ended


class _AsyncioRoom:
    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def wake(self, sleepers: list[Callable[[], object]]) -> None:
        try:
            self._loop.call_soon_threadsafe(_ring_all, sleepers)
        except RuntimeError:
            pass  # the loop is closed, and with it everyone who waited there


async def _wait_trio(flight: Flight[Any], timeout: float) -> bool:
    import trio

    token = trio.lowlevel.current_trio_token()
    event = trio.Event()
    alarm = event.set
    may_wait = flight._enter(token, _TrioRoom(token), alarm)
    try:
        if may_wait:
            with trio.move_on_after(timeout):
                await event.wait()
    finally:
        flight._leave(token, alarm)
    return flight.ended


class _TrioRoom:
    def __init__(self, token: Any) -> None:
        self._token = token

    def wake(self, sleepers: list[Callable[[], object]]) -> None:
        import trio

        try:
            self._token.run_sync_soon(_ring_all, sleepers)
        except trio.RunFinishedError:
            pass  # the same: nobody waits there any more


def _ring_all(sleepers: list[Callable[[], object]]) -> None:
    for alarm in sleepers:
        alarm()
