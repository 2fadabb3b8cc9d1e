"""When Xkit may not be asked: after a 429, for a key that failed, and in an outage."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import (
    PlatformAuthenticationError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
)
from xkit_auth._pauses import Pauses

DOWN = PlatformUnavailable("down")


@pytest.fixture
def pauses() -> Pauses:
    return Pauses(jitter=lambda: 0.0)


def limited(seconds: float) -> PlatformRateLimited:
    error = PlatformRateLimited("slow down")
    error.retry_after = seconds
    return error


def pause_of(pauses: Pauses, key: str, now: float) -> float:
    """How long the pause lasts that is on at ``now``, to a twentieth of a second."""
    steps = 0
    while pauses.now_for(key, now + steps * 0.05) is not None:
        steps += 1
        assert steps < 10_000
    return round(steps * 0.05, 2)


def test_at_first_everybody_may_ask(pauses):
    assert pauses.now_for("a", 0.0) is None
    assert not pauses.probe_is_out(0.0)


def test_a_failing_key_pauses_half_a_second_doubling_to_five_seconds(pauses):
    now, lengths = 100.0, []
    for _ in range(6):
        pauses.failed("a", DOWN, now)
        assert pauses.now_for("a", now) is DOWN
        lengths.append(pause_of(pauses, "a", now))
        now += 10

    assert lengths == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert pauses.now_for("b", now) is None


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 4.0), (0.4, 3.6), (1.0, 3.0)])
def test_a_pause_is_jittered_so_that_machines_do_not_come_back_together(jitter, seconds):
    pauses = Pauses(jitter=lambda: jitter)
    for _ in range(4):
        pauses.failed("a", DOWN, 0.0)

    assert pause_of(pauses, "a", 0.0) == seconds


def test_an_answer_ends_the_pause_of_its_key_and_begins_the_doubling_anew(pauses):
    for _ in range(4):
        pauses.failed("a", DOWN, 0.0)
    pauses.answered("a")

    assert pauses.now_for("a", 0.0) is None
    pauses.failed("a", DOWN, 0.0)
    assert pause_of(pauses, "a", 0.0) == 0.5


def test_an_answer_for_one_key_leaves_the_pause_of_another(pauses):
    pauses.failed("a", DOWN, 0.0)
    pauses.answered("b")

    assert pauses.now_for("a", 0.1) is DOWN


def test_forgetting_a_key_ends_its_pause(pauses):
    pauses.failed("a", DOWN, 0.0)
    pauses.forget("a")
    pauses.forget("never seen")

    assert pauses.now_for("a", 0.0) is None


# The whole account


def test_three_different_keys_in_a_row_pause_the_account(pauses):
    pauses.failed("a", DOWN, 0.0)
    pauses.failed("b", DOWN, 0.0)
    assert pauses.now_for("x", 0.0) is None
    pauses.failed("c", DOWN, 0.0)

    assert pauses.now_for("x", 0.0) is DOWN
    assert pause_of(pauses, "x", 0.0) == 0.5


def test_one_key_that_fails_often_is_no_outage(pauses):
    for _ in range(10):
        pauses.failed("a", DOWN, 0.0)

    assert pauses.now_for("x", 0.0) is None


def test_an_answer_in_between_means_that_they_are_not_in_a_row(pauses):
    pauses.failed("a", DOWN, 0.0)
    pauses.failed("b", DOWN, 0.0)
    pauses.answered("d")
    pauses.failed("c", DOWN, 0.0)

    assert pauses.now_for("x", 0.0) is None


@pytest.mark.parametrize("error", [PlatformProtocolError("nonsense"), PlatformAuthenticationError("keys")])
def test_an_answer_that_is_no_use_is_no_outage(pauses, error):
    for key in "abcd":
        pauses.failed(key, error, 0.0)

    assert pauses.now_for("a", 0.0) is error
    assert pauses.now_for("x", 0.0) is None


def test_refused_keys_are_left_alone_for_the_longest_pause(pauses):
    pauses.failed("a", PlatformAuthenticationError("keys"), 0.0)

    assert pause_of(pauses, "a", 0.0) == 5.0


def outage(pauses: Pauses, now: float = 0.0) -> None:
    for key in "abc":
        pauses.failed(key, DOWN, now)


def test_the_pause_of_the_account_doubles_with_each_failed_probe(pauses):
    outage(pauses)
    now, lengths = 10.0, []
    for _ in range(5):
        pauses.begins(now)
        pauses.failed("x", DOWN, now)
        lengths.append(pause_of(pauses, "y", now))
        now += 10

    assert lengths == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_failures_that_arrive_together_count_once_for_the_account(pauses):
    for number in range(12):
        pauses.failed(number, DOWN, 0.0)

    assert pause_of(pauses, "x", 0.0) == 0.5


def test_after_the_pause_one_probe_goes_at_a_time(pauses):
    outage(pauses)
    assert not pauses.probe_is_out(1.0)

    pauses.begins(1.0)

    assert pauses.now_for("x", 1.0) is None
    assert pauses.probe_is_out(1.0)
    assert pauses.probe_is_out(4.9)


def test_without_an_outage_there_are_no_probes(pauses):
    pauses.begins(0.0)

    assert not pauses.probe_is_out(0.0)


def test_a_probe_that_hangs_makes_way_for_the_next(pauses):
    outage(pauses)
    pauses.begins(1.0)

    assert not pauses.probe_is_out(5.1)


def test_a_probe_that_fails_makes_way_for_the_next(pauses):
    outage(pauses)
    pauses.begins(1.0)
    pauses.failed("x", DOWN, 1.5)

    assert pauses.now_for("y", 1.5) is DOWN
    assert not pauses.probe_is_out(3.0)


def test_an_answer_ends_the_outage(pauses):
    outage(pauses)
    pauses.begins(1.0)
    pauses.answered("x")

    assert pauses.now_for("y", 0.0) is None
    assert not pauses.probe_is_out(1.0)
    pauses.begins(1.0)
    assert not pauses.probe_is_out(1.0)


def test_an_answer_that_refuses_our_keys_ends_the_outage_too(pauses):
    outage(pauses)
    pauses.begins(1.0)
    pauses.failed("x", PlatformAuthenticationError("keys"), 1.0)

    assert pauses.now_for("y", 0.0) is None


# Rate limits


@pytest.mark.parametrize("seconds", [0.5, 7.0, 60.0])
def test_a_rate_limit_pauses_the_whole_account_for_as_long_as_it_says(pauses, seconds):
    pauses.failed("a", limited(seconds), 100.0)

    assert isinstance(pauses.now_for("a", 100.0), PlatformRateLimited)
    assert pause_of(pauses, "b", 100.0) == seconds


def test_during_a_rate_limit_the_error_says_how_long_it_still_lasts(pauses):
    pauses.failed("a", limited(60), 100.0)

    error = pauses.now_for("b", 150.0)

    assert isinstance(error, PlatformRateLimited)
    assert error.retry_after == pytest.approx(10.0)
    assert "10.0 seconds" in error.hint


def test_a_rate_limit_of_no_seconds_is_none(pauses):
    pauses.failed("a", limited(0), 100.0)

    assert pauses.now_for("a", 100.0) is None


def test_an_answer_to_a_call_that_was_under_way_does_not_end_a_rate_limit(pauses):
    pauses.failed("a", limited(60), 0.0)

    pauses.answered("b")

    assert isinstance(pauses.now_for("c", 59.0), PlatformRateLimited)
    assert pauses.now_for("c", 60.0) is None


def test_of_two_rate_limits_the_longer_one_holds(pauses):
    pauses.failed("a", limited(60), 0.0)
    pauses.failed("b", limited(1), 0.0)

    assert pauses.now_for("c", 59.0) is not None


def test_an_outage_does_not_end_a_rate_limit(pauses):
    pauses.failed("x", limited(60), 0.0)
    outage(pauses, 1.0)

    assert isinstance(pauses.now_for("y", 59.0), PlatformRateLimited)


def test_the_first_pause_of_an_outage_is_short_even_after_a_rate_limit(pauses):
    pauses.failed("x", limited(60), 0.0)
    outage(pauses, 100.0)

    assert pause_of(pauses, "y", 100.0) == 0.5


def test_pauses_of_keys_that_are_over_are_not_kept_for_ever(pauses: Any):
    error = PlatformProtocolError("nonsense")
    for number in range(10_000):
        pauses.failed(number, error, 0.0)
    pauses.failed("last", error, 100.0)

    assert pauses.now_for("last", 100.0) is error
    assert len(pauses._of_key) == 1
