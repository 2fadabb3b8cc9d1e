"""The threads of calls to Xkit: closing, calls without end, and callers that make the call."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from helpers.credentials_calls import (
    DOWN,
    PATIENCE,
    Made,
    make,  # noqa: F401
    outage,
    threads,
)
from xkit_auth import ConfigurationError, PlatformUnavailable


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
