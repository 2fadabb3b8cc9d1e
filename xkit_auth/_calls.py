"""Whose call to Xkit runs when: a few daemon threads, a queue, and the pauses after failures.

The threads belong to one ``Xkit`` and are started when there is work. They are daemons, so that a call that hangs
never keeps a process from ending.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial

from ._errors import PlatformError, PlatformUnavailable
from ._pauses import Pauses

_MOST_UNPROVEN = 12
_SILENCE_WORTH_A_PROBE = 4.0
_IDLE_THREAD_LIVES = 10.0


def _nothing() -> None:
    pass


def _unbroken(step: Callable[[], object]) -> None:
    with suppress(BaseException):  # the thread goes on, whatever a listener does
        step()


class Call:
    """Something to ask Xkit.

    ``run`` asks, and returns the failure if Xkit could not be asked. ``settle`` is then called under the lock, in the
    same breath in which the failure is noted, so that nobody who asks again slips through in between; ``release`` lets
    those go on who wait. ``give_up`` is called instead if Xkit must not be asked now, or if ``run`` broke.
    """

    __slots__ = ("give_up", "key", "proven", "release", "run", "settle")

    def __init__(
        self,
        key: Hashable,
        run: Callable[[], PlatformError | None],
        give_up: Callable[[PlatformError], None],
        release: Callable[[], None] = _nothing,
        settle: Callable[[], None] = _nothing,
    ) -> None:
        self.key = key
        self.run = run
        self.give_up = give_up
        self.release = release
        self.settle = settle
        self.proven = False


class Calls:
    """Runs calls, at most ``most_at_once`` together, and fewer while it is not known that Xkit is there.

    Until an answer has come, only a dozen calls go out: when Xkit is down, a crowd must not find that out one by one.
    While they all wait, one more goes out every few seconds, to find out whether Xkit is back.
    A call that takes longer than ``longest`` seconds, so that nobody waits for it any more, makes way for those in the
    queue and counts as one that failed.
    """

    def __init__(self, most_at_once: int, lock: threading.Lock, longest: float) -> None:
        self._most_at_once = most_at_once
        self._longest = longest
        self._changed = threading.Condition(lock)
        self._queue: deque[Call] = deque()
        self._running: dict[Call, float] = {}
        self._threads = 0
        self._given_up = 0
        self._last_began = 0.0
        self._idents: set[int] = set()
        self._idle = 0
        self._closed = False
        self.pauses = Pauses()

    def start(self, call: Call) -> None:
        """Queue a call. The lock is held by the caller.

        Raises:
            RuntimeError: no thread can be started, so nobody will ever come to it.
        """
        self._queue.append(call)
        self._changed.notify()
        self._give_up_overdue(time.monotonic())
        if self._idle < len(self._queue) and self._threads < self._most_at_once:
            self._threads += 1
            try:
                threading.Thread(target=self._work, name="xkit-auth", daemon=True).start()
            except RuntimeError:  # the machine has no more threads to give, or Python is shutting down
                self._threads -= 1
                if self._threads == 0:
                    self._queue.remove(call)
                    raise

    def close(self) -> list[Call]:
        """Let the threads end after what they are doing. The calls that never ran. The lock is held by the caller."""
        self._closed = True
        left = list(self._queue)
        self._queue.clear()
        self._changed.notify_all()
        return left

    def is_own_thread(self) -> bool:
        """Whether the caller runs inside a call to Xkit, where waiting for another one could wait for ever."""
        return threading.get_ident() in self._idents

    def _work(self) -> None:
        self._idents.add(threading.get_ident())
        while True:
            with self._changed:
                call, pause = self._next()
            if call is None:
                return
            if pause is not None:
                _unbroken(partial(call.give_up, pause))
            elif not self._carry_out(call):
                return

    def _next(self) -> tuple[Call | None, PlatformError | None]:
        """The next call and, if Xkit must not be asked now, the failure to give it instead."""
        idle_since = time.monotonic()
        while True:
            now = time.monotonic()
            self._give_up_overdue(now)
            if self._queue:
                pause = self.pauses.now_for(self._queue[0].key, now)
                if pause is not None:
                    return self._queue.popleft(), pause
                if self._may_start(now):
                    call = self._queue.popleft()
                    self.pauses.begins(now)
                    self._running[call] = self._last_began = now
                    return call, None
            elif self._closed or now - idle_since >= _IDLE_THREAD_LIVES:
                self._threads -= 1
                self._idents.discard(threading.get_ident())
                return None, None
            self._idle += 1
            self._changed.wait(0.5 if self._queue else _IDLE_THREAD_LIVES)
            self._idle -= 1

    def _may_start(self, now: float) -> bool:
        unproven = sum(not call.proven for call in self._running)
        is_silent = now - self._last_began >= _SILENCE_WORTH_A_PROBE
        return (unproven < _MOST_UNPROVEN or is_silent) and not self.pauses.probe_is_out(now)

    def _give_up_overdue(self, now: float) -> None:
        """For those in the queue, take the places of calls that have no end, as long as those are not too many."""
        if not self._queue:
            return
        for call in [call for call, since in self._running.items() if now - since > self._longest]:
            if self._given_up < self._most_at_once:
                del self._running[call]
                self._threads -= 1
                self._given_up += 1
                overdue = PlatformUnavailable("Xkit could not be asked: an answer did not end in time")
                self.pauses.failed(call.key, overdue, now)
                self._changed.notify_all()

    def _carry_out(self, call: Call) -> bool:
        """Run a call. Whether its thread still has a place: if the call was given up meanwhile, others may be there."""
        settle, end = call.settle, call.release
        try:
            failure = call.run()
        except BaseException as error:  # not even a listener's SystemExit may cost us the thread
            what = f"Asking Xkit broke off with {type(error).__name__}"
            failure = PlatformUnavailable(what, hint="Please report this.")
            settle, end = _nothing, partial(call.give_up, failure)
        with self._changed:
            _unbroken(settle)
            was_given_up = self._running.pop(call, None) is None
            self._note(call, failure)
            has_place = self._comes_back() if was_given_up else True
        _unbroken(end)
        return has_place

    def _comes_back(self) -> bool:
        self._given_up -= 1
        self._give_up_overdue(time.monotonic())
        if self._threads < self._most_at_once:
            self._threads += 1
            return True
        self._idents.discard(threading.get_ident())
        return False

    def _note(self, call: Call, failure: PlatformError | None) -> None:
        if failure is None:
            self.pauses.answered(call.key)
            for other in self._running:
                other.proven = True
        else:
            self.pauses.failed(call.key, failure, time.monotonic())
        self._changed.notify_all()
