"""Whose call to Xkit runs when: a few daemon threads, a queue, and the pauses after failures.

The threads belong to one ``Xkit`` and are started when there is work. They are daemons, so that a call that hangs
never keeps a process from ending.

Callers queue their call under the lock, and then, without it, see to it that a thread comes. A signal handler may raise
in between, at any step, or ask for something itself: so each step leaves things as somebody else can go on from there.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from .._values import ConfigurationError, PlatformError, PlatformUnavailable, XkitAuthError
from .pauses import Pauses

_MOST_UNPROVEN = 12
_SILENCE_WORTH_A_PROBE = 4.0
_IDLE_THREAD_LIVES = 10.0
_A_THREAD_COMES_WITHIN = 0.5
A_FREEZE = 3.0
"""Seconds after which it is not certain that this process was running all the time."""


class Call:
    """Something to ask Xkit.

    Attributes:
        key: whom it is about.
        since: when it went out; ``None`` while it waits for its turn.
        thread: which thread makes it.
        mark: what ``Pauses`` gave for it; ``None`` if what came of it says nothing about Xkit.
        is_proven: whether Xkit has answered since it went out.
        is_void: whether its failure counts for nothing, since the process may have been frozen meanwhile.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.since: float | None = None
        self.thread: int | None = None
        self.mark: int | None = None
        self.is_proven = False
        self.is_void = False

    @abstractmethod
    def run(self) -> XkitAuthError | None:
        """Ask. What came of it, if that is an error."""
        ...

    def settle(self) -> None:
        """Called under the lock, in the same breath in which the outcome is noted: nobody asks again in between."""

    def release(self) -> None:
        """Let those go on who wait."""

    def give_up(self, error: PlatformError) -> None:
        """Called instead of the other two if Xkit must not be asked now, or if ``run`` broke."""


class Calls:
    """Runs calls, at most ``most_at_once`` together, and fewer while it is not known that Xkit is there.

    Until an answer has come, only a dozen calls go out: when Xkit is down, a crowd must not find that out one by one.
    While they all wait, one more goes out every few seconds, to find out whether Xkit is back.
    A call that takes longer than ``longest`` seconds, so that nobody waits for it any more, makes way for those in the
    queue and counts as one that failed, unless nobody has looked at the clock for a while: then the process may have
    been frozen, and the call with it.
    """

    def __init__(
        self,
        most_at_once: int,
        lock: threading.RLock,
        longest: float,
        tell_outage: Callable[[bool], None] | None = None,
    ) -> None:
        self._most_at_once = most_at_once
        self._longest = longest
        self._lock = lock
        self._bell: SimpleQueue[None] = SimpleQueue()  # unlike a condition, it may be rung while somebody rings it
        self._queue: deque[Call] = deque()
        self._running: set[Call] = set()
        self._threads: set[int] = set()  # those that have a place
        self._given_up: set[int] = set()  # those that have lost it to others, as their call does not end
        self._coming: deque[float] = deque()  # when the threads were started that are not there yet
        self._starting: set[int] = set()  # threads of callers that are starting one of ours
        self._idle = 0
        self._last_began = 0.0
        self._last_look = 0.0
        self._closed = False
        self._tell_outage = tell_outage
        self._is_outage_told = False
        self.pauses = Pauses()

    # For callers

    def put(self, call: Call) -> None:
        """Queue a call. The lock is held by the caller, who then lets it go and calls ``staff``."""
        self._queue.append(call)
        self._ring(1)

    def staff(self) -> bool:
        """See to it that a thread comes for the queue; not under the lock. Whether there is one, or will be.

        Everybody who waits for a call does this, since whoever has queued it may not have come so far.
        """
        with self._lock:
            now = time.monotonic()
            self._give_up_overdue(now)
            self._ring(len(self._queue))  # whoever has queued it may not have come to that
            if not self._wants_a_thread(now):
                return True
            self._coming.append(now)
        ident = threading.get_ident()
        self._starting.add(ident)
        try:
            threading.Thread(target=self._work, name="xkit-auth", daemon=True).start()
        except BaseException as error:
            with self._lock:
                self._arrived()
            if not isinstance(error, RuntimeError):
                raise
            return bool(self._threads)  # the machine has no more threads to give, or Python is shutting down
        finally:
            self._starting.discard(ident)
        return True

    def look(self) -> None:
        """Look at the clock, as everybody does now and then who waits. The lock is not held."""
        with self._lock:
            self._give_up_overdue(time.monotonic())

    def run_here(self, call: Call) -> None:
        """Make a call that nobody has come for in the thread of the caller, who does not hold the lock.

        What interrupts it is passed on, after those who wait as well have been told.
        """
        with self._lock:
            if call not in self._queue:
                return
            self._begin(call, time.monotonic())
            self._queue.remove(call)
        broken = self._carry_out(call)
        if broken is not None and not isinstance(broken, Exception):
            raise broken

    def close(self) -> list[Call]:
        """Let the threads end after what they are doing. The calls that never ran. The lock is held by the caller."""
        self._closed = True
        left = list(self._queue)
        self._queue.clear()
        self._ring(self._idle)
        return left

    def is_own_thread(self) -> bool:
        """Whether the caller runs inside a call to Xkit, where waiting for another one could wait for ever."""
        ident = threading.get_ident()
        return ident in self._threads or ident in self._given_up

    def is_starting_a_thread(self) -> bool:
        """Whether the caller has interrupted its own thread while that starts one, which it can do once at a time."""
        return threading.get_ident() in self._starting

    def _ring(self, number: int) -> None:
        for _ in range(min(number, self._idle)):
            self._bell.put(None)

    def _wants_a_thread(self, now: float) -> bool:
        while self._coming and now - self._coming[0] > _A_THREAD_COMES_WITHIN:
            self._coming.popleft()  # whoever started it was interrupted
        coming = len(self._coming)
        return len(self._queue) > self._idle + coming and len(self._threads) + coming < self._most_at_once

    def _arrived(self) -> None:
        with suppress(IndexError):  # it was so late that nobody expected it any more
            self._coming.popleft()

    # On a thread of our own

    def _work(self) -> None:
        ident = threading.get_ident()
        with self._lock:
            self._arrived()
            if len(self._threads) >= self._most_at_once:
                return
            self._threads.add(ident)
        while self._makes_one(ident):  # in a frame of its own, so that an idle thread keeps no call alive
            pass

    def _makes_one(self, ident: int) -> bool:
        """Wait for a call and make it. Whether this thread goes on."""
        call, pause = self._next(ident)
        if call is None:
            return False
        if pause is not None:
            self._unbroken(partial(call.give_up, pause))
            return True
        self._carry_out(call)
        return self._has_place(ident)

    def _next(self, ident: int) -> tuple[Call | None, PlatformError | None]:
        """The next call and, if Xkit must not be asked now, the failure to give it instead."""
        idle_since = time.monotonic()
        while True:
            with self._lock:
                now = time.monotonic()
                self._give_up_overdue(now)
                if self._queue:
                    pause = self.pauses.now_for(self._queue[0].key, now)
                    if pause is not None:
                        return self._queue.popleft(), pause
                    if self._may_start(now):
                        call = self._queue.popleft()
                        self._begin(call, now)
                        return call, None
                elif self._closed or now - idle_since >= _IDLE_THREAD_LIVES:
                    self._threads.discard(ident)
                    return None, None
                self._idle += 1
                patience = 0.5 if self._queue else _IDLE_THREAD_LIVES
            with suppress(Empty):
                self._bell.get(timeout=patience)
            with self._lock:
                self._idle -= 1

    def _may_start(self, now: float) -> bool:
        unproven = sum(not call.is_proven for call in self._running)
        is_silent = now - self._last_began >= _SILENCE_WORTH_A_PROBE
        return (unproven < _MOST_UNPROVEN or is_silent) and not self.pauses.probe_is_out(now)

    def _begin(self, call: Call, now: float) -> None:
        call.mark = self.pauses.begins(now)
        call.thread, call.since = threading.get_ident(), now
        self._last_began = now
        self._last_look = max(self._last_look, now)
        self._running.add(call)

    def _give_up_overdue(self, now: float) -> None:
        """For those in the queue, take the places of calls that have no end, as long as those are not too many."""
        may_be_frozen = now - self._last_look > A_FREEZE
        self._last_look = now
        overdue = [call for call in self._running if now - (call.since or now) > self._longest]
        for call in overdue:
            call.is_void = call.is_void or may_be_frozen
        for call in overdue if self._queue else ():
            if len(self._given_up) < self._most_at_once:
                self._give_up(call, now)

    def _give_up(self, call: Call, now: float) -> None:
        if call.thread in self._threads:
            self._given_up.add(call.thread)
            self._threads.discard(call.thread)
        if call.is_void:
            self.pauses.ended()
        else:
            overdue = PlatformUnavailable(
                "Xkit could not be asked: an answer did not end in time",
                hint="Check the network between this machine and Xkit; the provider was not asked.",
            )
            self.pauses.failed(call.key, overdue, now, call.mark)
        self._running.discard(call)
        self._ring(self._idle)

    def _carry_out(self, call: Call) -> BaseException | None:
        """Run a call, and note what came of it. What broke it, if anything did, which says nothing about Xkit."""
        broken: BaseException | None = None
        outcome: XkitAuthError | None = None
        settle, end = call.settle, call.release
        try:
            outcome = call.run()
        except BaseException as error:  # not even a listener's SystemExit may cost us the thread
            broken = error
            failure = PlatformUnavailable(f"Asking Xkit broke off with {type(error).__name__}", hint="Ask again.")
            settle, end = _nothing, partial(call.give_up, failure)
        with self._lock:
            self._unbroken(settle)
            self._running.discard(call)
            if broken is None:
                self._note(call, outcome)
            else:
                self.pauses.ended()
            self._ring(self._idle)
        self._unbroken(end)
        self._unbroken(self._say_if_outage)
        return broken

    def _say_if_outage(self) -> None:
        """Tell that an outage has begun or ended since it was last told; not under the lock."""
        with self._lock:
            begins = self.pauses.is_outage
            is_news, self._is_outage_told = begins is not self._is_outage_told, begins
        if is_news and self._tell_outage is not None:
            self._tell_outage(begins)

    def _unbroken(self, step: Callable[[], object]) -> None:
        # A thread of our own goes on, whatever a listener does; what interrupts a caller's thread is the caller's.
        with suppress(BaseException if self.is_own_thread() else Exception):
            step()

    def _has_place(self, ident: int) -> bool:
        """Whether this thread may go on: if its call was given up meanwhile, others may be in its place."""
        with self._lock:
            self._given_up.discard(ident)
            self._give_up_overdue(time.monotonic())
            if len(self._threads - {ident}) < self._most_at_once:
                self._threads.add(ident)
            return ident in self._threads

    def _note(self, call: Call, outcome: XkitAuthError | None) -> None:
        if isinstance(outcome, PlatformUnavailable) and call.is_void:
            self.pauses.ended()
        elif isinstance(outcome, PlatformError):
            self.pauses.failed(call.key, outcome, time.monotonic(), call.mark)
        elif isinstance(outcome, ConfigurationError):  # of this machine, which never reached Xkit
            self.pauses.ended()
        else:
            self.pauses.answered(call.key)
            for other in self._running:
                other.is_proven = True


def _nothing() -> None:
    pass
