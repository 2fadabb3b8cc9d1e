"""Whose call runs when. The calls of these tests wait until the test lets them go."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from xkit_auth import ConfigurationError, PlatformRateLimited, PlatformUnavailable
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


def test_no_thread_is_started_before_there_is_work(make):
    assert len(make(4).calls._threads) == 0


def test_a_call_runs_on_a_daemon_thread_of_our_own(make):
    field = make(4)
    field.start("a")

    assert field.next_began() == "a"
    assert field.own == [True]
    assert not field.calls.is_own_thread()
    assert all(thread.daemon for thread in threads())


def test_an_idle_thread_takes_the_next_call(make):
    field = make(4)
    for key in "abc":
        field.start(key)
        assert field.next_began() == key
        field.end(key)
        field.rest()

    assert len(field.calls._threads) == 1


def test_no_more_calls_run_together_than_allowed(make):
    field = make(3)
    for key in "abcde":
        field.start(key)

    assert {field.next_began() for _ in range(3)} == set("abc")
    assert field.waiting() == 2
    assert len(field.calls._threads) == 3
    field.end("b")
    assert field.next_began() == "d"


def test_calls_run_in_the_order_in_which_they_came(make):
    field = make(1)
    for key in range(20):
        field.start(key)
    order = []
    for _ in range(20):
        order.append(field.next_began())
        field.end(order[-1])

    assert order == list(range(20))


def test_until_xkit_has_answered_only_a_dozen_calls_go_out(make):
    field = make(32)
    for key in range(40):
        field.start(key)
    began = {field.next_began() for _ in range(12)}
    assert began == set(range(12))
    assert field.waiting() == 28

    field.end(0)  # an answer: those under way are proven, and the next dozen goes

    began |= {field.next_began() for _ in range(12)}
    assert len(began) == 24
    assert field.waiting() == 16


def test_while_a_dozen_wait_in_silence_one_more_goes_out_every_few_seconds(make):
    field = make(32)
    for key in range(15):
        field.start(key)
    for _ in range(12):
        field.next_began()
    assert field.waiting() == 3
    with field.lock:
        field.calls._last_began -= 1000
        field.calls._ring(9)

    assert field.next_began() == 12
    assert field.waiting() == 2
    field.end(12)  # Xkit is back
    assert {field.next_began(), field.next_began()} == {13, 14}


def test_a_failure_proves_nothing(make):
    field = make(32)
    for key in range(20):
        field.start(key)
    for _ in range(12):
        field.next_began()
    field.end(0, DOWN)

    assert field.next_began() == 12  # in the place of the one that failed
    assert field.waiting() == 7


def test_calls_that_wait_when_a_pause_begins_fail_at_once_with_its_error(make):
    field = make(2)
    for key in "abcd":
        field.start(key)
    for _ in range(2):
        field.next_began()
    limited = PlatformRateLimited("slow down")
    limited.retry_after = 60.0
    field.end("a", limited)

    given_up = dict(field.given_up.get(timeout=PATIENCE) for _ in range(2))
    assert set(given_up) == {"c", "d"}
    assert all(isinstance(error, PlatformRateLimited) for error in given_up.values())
    assert field.began.empty()


def test_the_pause_of_one_key_leaves_the_calls_for_others_alone(make):
    field = make(1)
    for key in ("a", "a again", "b"):
        field.start(key)
    field.next_began()
    with field.lock:
        field.calls._queue[0].key = "a"
    field.end("a", DOWN)

    assert field.given_up.get(timeout=PATIENCE) == ("a again", DOWN)
    assert field.next_began() == "b"


def outage(field: Field) -> None:
    """Keys failed, and the pause that followed is over."""
    now = time.monotonic() - 100.0
    with field.lock:
        for key in ("w", "x", "y", "z"):
            field.calls.pauses.failed(key, DOWN, now, field.calls.pauses.begins(now))


def test_in_an_outage_one_call_probes_and_the_others_wait(make):
    field = make(8)
    outage(field)
    for key in "abc":
        field.start(key)

    assert field.next_began() == "a"
    assert field.waiting() == 2
    assert field.began.empty()


def test_when_the_probe_is_answered_the_others_go(make):
    field = make(8)
    outage(field)
    for key in "abc":
        field.start(key)
    field.next_began()
    field.end("a")

    assert {field.next_began() for _ in range(2)} == {"b", "c"}


def test_when_the_probe_fails_the_others_fail_with_it(make):
    field = make(8)
    outage(field)
    for key in "abc":
        field.start(key)
    field.next_began()
    field.end("a", DOWN)

    assert {field.given_up.get(timeout=PATIENCE)[0] for _ in range(2)} == {"b", "c"}
    assert field.began.empty()


def test_when_closed_the_threads_end_after_what_they_are_doing(make):
    field = make(4)
    before = set(threads())
    for key in "ab":
        field.start(key)
        field.next_began()
    field.end("a")
    ours = set(threads()) - before
    with field.lock:
        left = field.calls.close()
    field.end("b")

    for thread in ours:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert left == []
    assert len(field.calls._threads) == 0


def test_when_closed_the_calls_that_never_ran_are_given_back(make):
    field = make(1)
    for key in "abc":
        field.start(key)
    field.next_began()

    assert [call.key for call in field.close()] == ["b", "c"]
    assert field.given_up.empty()


def test_a_thread_without_work_ends_after_a_while(make, monkeypatch):
    monkeypatch.setattr("xkit_auth._credentials.calls._IDLE_THREAD_LIVES", 0.001)
    field = make(4)
    before = set(threads())
    field.start("a")
    field.next_began()
    (thread,) = set(threads()) - before
    field.end("a")
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert len(field.calls._threads) == 0
    field.start("b")
    assert field.next_began() == "b"


def test_a_call_that_breaks_takes_no_place_away_from_others(make, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _what: None)
    field = make(1)

    def break_down() -> None:
        raise RuntimeError("nobody foresaw this")

    field.put(Made("broken", break_down, lambda _error: None))
    field.calls.staff()
    field.start("next")

    assert field.next_began() == "next"


def test_a_call_that_has_no_end_makes_way_and_counts_as_failed(make):
    field = make(1, longest=0)
    field.start("a")
    field.next_began()
    field.start("b")

    assert field.next_began() == "b"
    with field.lock:
        assert isinstance(field.calls.pauses.now_for("a", time.monotonic()), PlatformUnavailable)
        assert len(field.calls._threads) == 1


def test_a_thread_whose_call_was_given_up_goes_when_that_ends_after_all(make):
    field = make(1, longest=0)
    before = set(threads())
    field.start("a")
    field.next_began()
    (lost,) = set(threads()) - before
    field.start("b")
    field.next_began()
    field.end("a")
    lost.join(PATIENCE)

    assert not lost.is_alive()
    assert len(field.calls._threads) == 1
    assert field.calls._given_up == set()
    with field.lock:  # it was an answer, and so Xkit is there
        assert field.calls.pauses.now_for("a", time.monotonic()) is None


def test_no_more_calls_are_given_up_than_may_run_at_once(make):
    field = make(1, longest=0)
    before = set(threads())
    for key in "ab":
        field.start(key)
        field.next_began()
    field.start("c")

    assert len(set(threads()) - before) == 2
    assert field.began.empty()
    field.end("a")  # its thread has a place again, as that of b is overdue
    assert field.next_began() == "c"


@pytest.fixture
def no_thread_starts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Inside of it this machine has no thread to give."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    @contextmanager
    def refusing() -> Iterator[None]:
        with monkeypatch.context() as inside:
            inside.setattr(threading.Thread, "start", refuse)
            yield

    return refusing


def test_without_any_thread_the_caller_is_told_that_nobody_will_come_and_makes_the_call(make, no_thread_starts):
    field = make(4)
    call = field.made("a")
    field.put(call)

    with no_thread_starts():
        assert not field.calls.staff()
    field.end("a", DOWN)
    field._let_go["a"] = queue.Queue()
    field.calls.run_here(call)
    field.calls.run_here(call)  # which has been made by now

    assert field.next_began() == "a"
    assert field.own == [False]
    assert field.began.empty()
    assert field.calls.pauses.now_for("a", time.monotonic()) is DOWN
    field.start("b")
    assert field.next_began() == "b"


class Interrupted(BaseException):
    """As a signal handler may raise one."""


@pytest.mark.parametrize("error", [Interrupted, ValueError])
def test_what_breaks_a_call_that_its_caller_makes_says_nothing_about_xkit(make, error):
    def broken() -> None:
        raise error

    field = make(4)
    call = Made("a", broken, field.given_up.put)
    field.put(call)
    with pytest.raises(Interrupted) if error is Interrupted else nullcontext():
        field.calls.run_here(call)

    assert error.__name__ in str(field.given_up.get_nowait())
    assert not field.calls._running
    assert not field.calls.pauses._suspects


def test_without_another_thread_a_call_waits_for_one_that_is_there(make, no_thread_starts):
    field = make(4)
    field.start("a")
    field.next_began()

    with no_thread_starts():
        field.start("b")

    assert len(field.calls._threads) == 1
    field.end("a")
    assert field.next_began() == "b"


def test_a_call_of_a_caller_that_has_no_end_makes_way_too(make):
    field = make(1, longest=0)
    with field.lock:
        field.calls._begin(field.made("a"), time.monotonic() - 1)
    field.start("b")

    assert field.next_began() == "b"
    assert not field.calls._given_up
    assert isinstance(field.calls.pauses.now_for("a", time.monotonic()), PlatformUnavailable)


def test_an_error_of_this_machine_is_neither_an_answer_nor_an_outage(make):
    field = make(4)
    outage(field)
    field.start("a")
    field.next_began()
    field.end("a", ConfigurationError("no such file"))
    field.rest()

    assert len(field.calls.pauses._suspects) == 3
    assert not field.calls.pauses.probe_is_out(time.monotonic())
    assert field.calls.pauses.now_for("a", time.monotonic()) is None


def test_a_thread_that_was_announced_and_never_came_is_not_waited_for_for_ever(make):
    field = make(4)
    field.calls._coming.append(time.monotonic())
    field.put(field.made("a"))
    assert field.calls.staff()
    assert not field.calls._threads
    field.calls._coming[0] -= 10

    assert field.calls.staff()
    assert field.next_began() == "a"


def test_whoever_is_interrupted_while_a_thread_starts_leaves_the_call_to_the_next(make, monkeypatch):
    def interrupted(_thread: threading.Thread) -> None:
        raise Interrupted

    field = make(4)
    with monkeypatch.context() as inside:
        inside.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(Interrupted):
            field.start("a")

    assert field.calls.staff()
    assert field.next_began() == "a"


def test_a_thread_that_comes_when_there_is_no_place_any_more_goes(make):
    field = make(1)
    field.start("a")
    field.next_began()

    field.calls._work()  # as if this one had been started before

    assert len(field.calls._threads) == 1
