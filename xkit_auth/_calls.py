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
    """

    def __init__(self, most_at_once: int, lock: threading.Lock) -> None:
        self._most_at_once = most_at_once
        self._changed = threading.Condition(lock)
        self._queue: deque[Call] = deque()
        self._running: set[Call] = set()
        self._threads = 0
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
            else:
                self._carry_out(call)

    def _next(self) -> tuple[Call | None, PlatformError | None]:
        """The next call and, if Xkit must not be asked now, the failure to give it instead."""
        idle_since = time.monotonic()
        while True:
            now = time.monotonic()
            if self._queue:
                pause = self.pauses.now_for(self._queue[0].key, now)
                if pause is not None:
                    return self._queue.popleft(), pause
                if self._may_start(now):
                    call = self._queue.popleft()
                    self.pauses.begins(now)
                    self._running.add(call)
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
        return unproven < _MOST_UNPROVEN and not self.pauses.probe_is_out(now)

    def _carry_out(self, call: Call) -> None:
        settle, end = call.settle, call.release
        try:
            failure = call.run()
        except BaseException as error:  # not even a listener's SystemExit may cost us the thread
            what = f"Asking Xkit broke off with {type(error).__name__}"
            failure = PlatformUnavailable(what, hint="Please report this.")
            settle, end = _nothing, partial(call.give_up, failure)
        with self._changed:
            _unbroken(settle)
            self._note(call, failure)
        _unbroken(end)

    def _note(self, call: Call, failure: PlatformError | None) -> None:
        self._running.discard(call)
        if failure is None:
            self.pauses.answered(call.key)
            for other in self._running:
                other.proven = True
        else:
            self.pauses.failed(call.key, failure, time.monotonic())
        self._changed.notify_all()
