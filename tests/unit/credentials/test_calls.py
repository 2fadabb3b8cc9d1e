"""The threads of calls to Xkit: how many, in which order, and pauses."""

from __future__ import annotations

from helpers.credentials_calls import (
    DOWN,
    PATIENCE,
    make,  # noqa: F401
    outage,
    threads,
)
from xkit_auth import PlatformRateLimited


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
