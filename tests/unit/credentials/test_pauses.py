"""When Xkit may not be asked: after a 429, for a key that failed, and in an outage."""

from __future__ import annotations

import random
from typing import Any

import pytest

from xkit_auth import (
    PlatformAuthenticationError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
)
from xkit_auth._credentials.pauses import Pauses

DOWN = PlatformUnavailable("down")


class Field(Pauses):
    """Pauses, with calls that begin and fail in one moment where a test does not say otherwise."""

    def fails(self, key: object, error: Any = DOWN, now: float = 0.0) -> None:
        self.failed(key, error, now, self.begins(now))


@pytest.fixture
def pauses() -> Field:
    return Field(jitter=lambda: 0.0)


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
        pauses.fails("a", DOWN, now)
        assert pauses.now_for("a", now) is DOWN
        lengths.append(pause_of(pauses, "a", now))
        now += 10

    assert lengths == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert pauses.now_for("b", now) is None


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 4.0), (0.4, 3.6), (1.0, 3.0)])
def test_a_pause_is_jittered_so_that_machines_do_not_come_back_together(jitter, seconds):
    pauses = Field(jitter=lambda: jitter)
    for _ in range(4):
        pauses.fails("a", DOWN, 0.0)

    assert pause_of(pauses, "a", 0.0) == seconds


def test_an_answer_ends_the_pause_of_its_key_and_begins_the_doubling_anew(pauses):
    for _ in range(4):
        pauses.fails("a", DOWN, 0.0)
    pauses.answered("a")

    assert pauses.now_for("a", 0.0) is None
    pauses.fails("a", DOWN, 0.0)
    assert pause_of(pauses, "a", 0.0) == 0.5


def test_a_failure_with_which_xkit_asks_for_a_pause_pauses_its_key_for_that_long_and_no_longer_next_time(pauses):
    down = PlatformUnavailable("down")
    down.retry_after = 30.0
    pauses.fails("a", down, 0.0)

    assert pause_of(pauses, "a", 0.0) == 30.0
    assert pauses.now_for("b", 0.0) is None
    pauses.fails("a", DOWN, 30.0)
    assert pause_of(pauses, "a", 30.0) == 1.0


def test_a_pause_that_xkit_asks_for_is_not_shorter_than_ours(pauses):
    down = PlatformUnavailable("down")
    down.retry_after = 1.0
    for _ in range(4):
        pauses.fails("a", down, 0.0)

    assert pause_of(pauses, "a", 0.0) == 4.0


def test_in_an_outage_the_account_is_tried_again_in_seconds_whatever_xkit_asks_of_each_key(pauses):
    down = PlatformUnavailable("down")
    down.retry_after = 60.0
    for key in "abcd":
        pauses.fails(key, down, 0.0)

    assert pause_of(pauses, "x", 0.0) == 0.5


def test_an_answer_for_one_key_leaves_the_pause_of_another(pauses):
    pauses.fails("a", DOWN, 0.0)
    pauses.answered("b")

    assert pauses.now_for("a", 0.1) is DOWN


def test_forgetting_a_key_ends_its_pause(pauses):
    pauses.fails("a", DOWN, 0.0)
    pauses.of_key.pop("a")

    assert pauses.now_for("a", 0.0) is None


# The whole account


def test_after_three_different_keys_in_a_row_one_call_goes_out_at_a_time_and_if_it_fails_the_account_pauses(pauses):
    for key in "abc":
        assert pauses.now_for("x", 0.0) is None
        assert not pauses.probe_is_out(0.0)
        pauses.fails(key)
    assert pauses.now_for("d", 0.0) is None
    began = pauses.begins(0.0)
    assert pauses.probe_is_out(0.0)
    pauses.failed("d", DOWN, 0.0, began)

    assert pauses.now_for("x", 0.0) is DOWN
    assert pause_of(pauses, "x", 0.0) == 0.5


def test_three_keys_that_fail_for_ever_pause_nobody_else_as_long_as_anybody_is_answered(pauses):
    for moment in range(50):
        for key in "abcabc":
            if pauses.now_for(key, float(moment)) is None:
                pauses.fails(key, now=float(moment))
        assert pauses.now_for("x", float(moment)) is None
        pauses.answered("x")


def test_three_keys_that_all_fail_again_are_an_outage(pauses):
    for key in "abca":
        pauses.fails(key)

    assert pauses.now_for("x", 0.0) is DOWN


@pytest.mark.parametrize("seed", range(200))
def test_three_poisoned_keys_never_stop_sixty_healthy_ones_in_whatever_order_calls_begin_and_end(seed):
    chosen = random.Random(seed)
    pauses = Field(jitter=chosen.random)
    under_way: list[tuple[Any, int]] = []
    now, healthy = 0.0, 0
    while healthy < 200:
        now += chosen.random() * 0.03
        key = chosen.choice(["bad"] * 20 + [f"good {number}" for number in range(60)])
        key = f"bad {chosen.randrange(3)}" if key == "bad" else key
        if key.startswith("good"):
            assert pauses.now_for(key, now) is None
        if pauses.now_for(key, now) is None and not pauses.probe_is_out(now):
            under_way.append((key, pauses.begins(now)))
        if len(under_way) > chosen.randrange(6):
            key, began = under_way.pop(chosen.randrange(len(under_way)))
            if key.startswith("good"):
                pauses.answered(key)
                healthy += 1
            else:
                pauses.failed(key, DOWN, now, began)


@pytest.mark.parametrize("seed", range(50))
def test_an_outage_pauses_the_account_whatever_keys_were_poisoned_before(seed):
    chosen = random.Random(seed)
    pauses = Field(jitter=lambda: 0.0)
    for moment in range(200):
        key = chosen.randrange(60)
        pauses.fails(key, now=float(moment)) if key < 3 else pauses.answered(key)
    for key in range(3, 7):
        pauses.fails(key, now=300.0)

    assert pauses.now_for("anybody", 300.0) is DOWN


def test_a_call_during_which_another_one_was_answered_says_nothing_about_an_outage(pauses):
    began = [pauses.begins(0.0) for _ in range(10)]
    pauses.answered("other")
    for number, mark in enumerate(began):
        pauses.failed(number, DOWN, 0.0, mark)

    assert pauses.now_for("x", 0.0) is None
    assert not pauses.probe_is_out(0.0)


def test_a_call_that_broke_off_for_our_own_reasons_pauses_its_key_and_nobody_else(pauses):
    for number in range(10):
        pauses.failed(number, DOWN, 0.0, None)

    assert pauses.now_for(0, 0.0) is DOWN
    assert pauses.now_for("x", 0.0) is None
    for number in range(4):  # the next trouble of the same keys may be Xkit's
        pauses.fails(number, now=10.0)
    assert pauses.now_for("x", 10.0) is DOWN


def test_a_probe_that_this_machine_could_not_make_makes_way_for_the_next(pauses):
    outage(pauses)
    pauses.begins(1.0)
    pauses.ended()

    assert not pauses.probe_is_out(1.0)


def test_one_key_that_fails_often_is_no_outage(pauses):
    for _ in range(10):
        pauses.fails("a", DOWN, 0.0)

    assert pauses.now_for("x", 0.0) is None


def test_an_answer_in_between_means_that_they_are_not_in_a_row(pauses):
    pauses.fails("a", DOWN, 0.0)
    pauses.fails("b", DOWN, 0.0)
    pauses.answered("d")
    pauses.fails("c", DOWN, 0.0)

    assert pauses.now_for("x", 0.0) is None


@pytest.mark.parametrize("error", [PlatformProtocolError("nonsense"), PlatformAuthenticationError("keys")])
def test_an_answer_that_is_no_use_is_no_outage(pauses, error):
    for key in "abcd":
        pauses.fails(key, error, 0.0)

    assert pauses.now_for("a", 0.0) is error
    assert pauses.now_for("x", 0.0) is None


def test_refused_keys_are_left_alone_for_the_longest_pause(pauses):
    pauses.fails("a", PlatformAuthenticationError("keys"), 0.0)

    assert pause_of(pauses, "a", 0.0) == 5.0


def outage(pauses: Field, now: float = 0.0) -> None:
    for key in "abcd":
        pauses.fails(key, DOWN, now)


def test_the_pause_of_the_account_doubles_with_each_failed_probe(pauses):
    outage(pauses)
    now, lengths = 10.0, []
    for _ in range(5):
        pauses.begins(now)
        pauses.fails("x", DOWN, now)
        lengths.append(pause_of(pauses, "y", now))
        now += 10

    assert lengths == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_failures_that_arrive_together_count_once_for_the_account(pauses):
    for number in range(12):
        pauses.fails(number, DOWN, 0.0)

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
    pauses.fails("x", DOWN, 1.5)

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
    pauses.fails("x", PlatformAuthenticationError("keys"), 1.0)

    assert pauses.now_for("y", 0.0) is None


# Rate limits


@pytest.mark.parametrize("seconds", [0.5, 7.0, 60.0])
def test_a_rate_limit_pauses_the_whole_account_for_as_long_as_it_says(pauses, seconds):
    pauses.fails("a", limited(seconds), 100.0)

    assert isinstance(pauses.now_for("a", 100.0), PlatformRateLimited)
    assert pause_of(pauses, "b", 100.0) == seconds


def test_during_a_rate_limit_the_error_says_how_long_it_still_lasts(pauses):
    pauses.fails("a", limited(60), 100.0)

    error = pauses.now_for("b", 150.0)

    assert isinstance(error, PlatformRateLimited)
    assert error.retry_after == pytest.approx(10.0)
    assert "10.0 seconds" in error.hint


def test_a_rate_limit_of_no_seconds_is_none(pauses):
    pauses.fails("a", limited(0), 100.0)

    assert pauses.now_for("a", 100.0) is None


def test_an_answer_to_a_call_that_was_under_way_does_not_end_a_rate_limit(pauses):
    pauses.fails("a", limited(60), 0.0)

    pauses.answered("b")

    assert isinstance(pauses.now_for("c", 59.0), PlatformRateLimited)
    assert pauses.now_for("c", 60.0) is None


def test_of_two_rate_limits_the_longer_one_holds(pauses):
    pauses.fails("a", limited(60), 0.0)
    pauses.fails("b", limited(1), 0.0)

    assert pauses.now_for("c", 59.0) is not None


def test_an_outage_does_not_end_a_rate_limit(pauses):
    pauses.fails("x", limited(60), 0.0)
    outage(pauses, 1.0)

    assert isinstance(pauses.now_for("y", 59.0), PlatformRateLimited)


def test_the_first_pause_of_an_outage_is_short_even_after_a_rate_limit(pauses):
    pauses.fails("x", limited(60), 0.0)
    outage(pauses, 100.0)

    assert pause_of(pauses, "y", 100.0) == 0.5


def test_pauses_of_keys_that_are_over_are_not_kept_for_ever(pauses: Any):
    error = PlatformProtocolError("nonsense")
    for number in range(10_000):
        pauses.fails(number, error, 0.0)
    pauses.fails("last", error, 100.0)

    assert pauses.now_for("last", 100.0) is error
    assert len(pauses.of_key) == 1
