"""The held credentials: how long, when they are renewed, and what follows from a rejection."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.credentials_cache import KEY, NEW, OLD, OTHER, cache, fresh, make  # noqa: F401
from xkit_auth import Credential, NotConnected
from xkit_auth._credentials.cache import Ask, Cache, Serve


def held_for(cache: Cache, clock: Any, credential: Credential) -> float:
    """For how many seconds a credential is served after it has come, to a tenth of a second."""
    cache.store(KEY, credential, rejected=None)
    start, seconds = (clock.monotonic_now, clock.wall_now), 0.0
    low, high = 0.0, 10_000.0
    while high - low > 0.05:
        seconds = (low + high) / 2
        clock.monotonic_now, clock.wall_now = start[0] + seconds, start[1] + seconds
        if isinstance(cache.decide(KEY, None), Serve):
            low = seconds
        else:
            high = seconds
    clock.monotonic_now, clock.wall_now = start
    return round(high, 1)


# How long


def test_nothing_is_held_at_first(cache):
    assert cache.decide(KEY, None) == Ask()
    assert fresh(cache) is None


def test_what_came_from_xkit_is_served(cache):
    cache.store(KEY, OLD, rejected=None)

    assert cache.decide(KEY, None) == Serve(OLD)
    assert fresh(cache) is OLD
    assert cache.decide(OTHER, None) == Ask()
    assert cache.decide(("github", "user-42"), None) == Ask()


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (None, 300),
        (100_000, 300),
        (330, 300),
        (329, 299),
        (200, 170),
        (60, 30),
        (50, 25),
        (40, 20),
        (30, 15),
        (20, 15),
        (1, 15),
        (0, 15),
        (-1000, 15),
    ],
)
def test_f1_a_credential_is_held_until_a_margin_before_its_expiry_and_never_for_long(cache, clock, left, seconds):
    expires_at = None if left is None else clock.wall_now + left

    assert held_for(cache, clock, Credential("token", expires_at=expires_at)) == seconds


def test_max_age_is_the_upper_limit(make, clock):
    assert held_for(make(max_age=40), clock, OLD) == 40
    assert held_for(make(max_age=5), clock, Credential("t", expires_at=clock.wall_now + 1)) == 5


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 300), (0.5, 285), (1.0, 270)])
def test_f10_up_to_a_tenth_is_taken_off_so_that_workers_do_not_wake_together(make, clock, jitter, seconds):
    assert held_for(make(jitter=jitter), clock, OLD) == seconds


def test_with_a_max_age_of_nothing_xkit_is_asked_every_time(make):
    cache = make(max_age=0)
    cache.store(KEY, OLD, rejected=None)

    assert fresh(cache) is None
    assert cache.decide(KEY, None) == Ask()


def test_the_first_use_after_four_fifths_of_the_hold_asks_for_renewal_in_the_background(cache, clock):
    cache.store(KEY, OLD, rejected=None)

    clock.advance(239.9)
    assert fresh(cache) is OLD
    assert cache.decide(KEY, None) == Serve(OLD, renew=False)
    clock.advance(0.2)
    assert fresh(cache) is None
    assert cache.decide(KEY, None) == Serve(OLD, renew=True)
    clock.advance(59.8)
    assert cache.decide(KEY, None) == Serve(OLD, renew=True)
    clock.advance(0.2)
    assert cache.decide(KEY, None) == Ask()


@pytest.mark.parametrize("which", ["monotonic_now", "wall_now"])
def test_f2_a_credential_is_too_old_if_either_clock_says_so(cache, clock, which):
    cache.store(KEY, OLD, rejected=None)

    setattr(clock, which, getattr(clock, which) + 301)

    assert fresh(cache) is None
    assert cache.decide(KEY, None) == Ask()


def test_f2_a_wall_clock_that_is_set_back_makes_nothing_immortal(cache, clock):
    cache.store(KEY, OLD, rejected=None)

    clock.wall_now -= 1_000_000
    clock.monotonic_now += 299
    assert cache.decide(KEY, None) == Serve(OLD, renew=True)
    clock.monotonic_now += 2
    assert cache.decide(KEY, None) == Ask()


def test_a_renewed_credential_is_held_anew(cache, clock):
    cache.store(KEY, OLD, rejected=None)
    clock.advance(299)
    cache.store(KEY, OLD, rejected=None)
    clock.advance(200)

    assert fresh(cache) is OLD


# Rejected


def test_a_rejected_credential_is_asked_for_again_and_served_to_nobody_else(cache):
    cache.store(KEY, OLD, rejected=None)

    assert cache.decide(KEY, Credential("token-old")) == Ask()
    assert cache.decide(KEY, None) == Ask()
    assert fresh(cache) is None
    assert cache.stale(KEY, None) is None


def test_a_rejection_of_an_older_credential_gives_the_newer_one(cache):
    cache.store(KEY, NEW, rejected=None)

    assert cache.decide(KEY, OLD) == Serve(NEW)
    assert fresh(cache) is NEW


def refused_again(cache: Cache, credential: Credential) -> None:
    """Xkit gives once more what a provider has just turned down."""
    assert cache.decide(KEY, credential) == Ask()
    cache.store(KEY, credential, rejected=credential)


def left_alone_for(cache: Cache, clock: Any, credential: Credential) -> float:
    """For how many seconds Xkit is not asked for another credential than this one."""
    seconds = 0.0
    while cache.decide(KEY, credential) == Serve(credential):
        clock.advance(0.125)
        seconds += 0.125
    return seconds


def test_a_credential_that_xkit_confirms_after_a_refusal_is_left_alone_for_a_second_doubling_to_half_a_minute(
    cache, clock
):
    cache.store(KEY, OLD, rejected=None)
    refused_again(cache, OLD)
    lengths = [left_alone_for(cache, clock, OLD)]
    for _ in range(7):
        cache.store(KEY, OLD, rejected=OLD)
        assert cache.decide(KEY, None) == Serve(OLD)
        lengths.append(left_alone_for(cache, clock, OLD))

    assert lengths == [1, 2, 4, 8, 16, 30, 30, 30]


def test_refusals_are_forgotten_when_none_has_come_for_a_minute(cache, clock):
    for _ in range(4):
        cache.store(KEY, OLD, rejected=OLD)
        left_alone_for(cache, clock, OLD)
    cache.store(KEY, OLD, rejected=None)
    clock.advance(59.75)
    cache.store(KEY, OLD, rejected=OLD)
    assert left_alone_for(cache, clock, OLD) == 16
    cache.store(KEY, OLD, rejected=None)
    clock.advance(60)
    cache.store(KEY, OLD, rejected=OLD)

    assert left_alone_for(cache, clock, OLD) == 1


def test_a_minute_after_a_refusal_the_warm_path_serves_the_key_again(cache, clock):
    cache.store(KEY, OLD, rejected=None)
    refused_again(cache, OLD)
    assert (fresh(cache), cache.is_watched(KEY)) == (None, True)

    clock.advance(61)
    assert cache.decide(KEY, None) == Serve(OLD)
    assert (fresh(cache), cache.is_watched(KEY)) == (OLD, False)


def test_a_thousand_refusals_of_one_credential_count_once(cache, clock):
    cache.store(KEY, NEW, rejected=OLD)
    for _ in range(1000):
        cache.leave_alone(KEY, NEW)

    assert left_alone_for(cache, clock, NEW) == 1


def test_the_while_goes_on_doubling_from_one_refused_credential_to_the_next(cache, clock):
    lengths = []
    for number in range(4):
        credential = Credential(f"token-{number}")
        cache.store(KEY, credential, rejected=OLD)
        cache.leave_alone(KEY, credential)
        lengths.append(left_alone_for(cache, clock, credential))

    assert lengths == [1, 2, 4, 8]


def test_refusals_are_forgotten_with_the_key_and_when_the_user_cannot_be_authorized(cache, clock):
    for forget in (lambda: cache.forget(KEY), cache.forget_all, lambda: cache.unavailable(KEY, NotConnected("no"))):
        for _ in range(3):
            cache.store(KEY, OLD, rejected=OLD)
            left_alone_for(cache, clock, OLD)
        forget()
        cache.store(KEY, OLD, rejected=OLD)
        assert left_alone_for(cache, clock, OLD) == 1
        cache.forget_all()


def test_another_credential_than_the_refused_one_is_not_left_alone(cache):
    cache.store(KEY, NEW, rejected=OLD)

    assert cache.decide(KEY, NEW) == Ask()


def test_a_second_refusal_leaves_the_key_alone(cache, clock):
    cache.store(KEY, NEW, rejected=OLD)
    cache.leave_alone(KEY, NEW)

    assert left_alone_for(cache, clock, NEW) == 1


def test_nothing_is_noted_of_the_refusal_of_what_is_not_held(cache):
    cache.leave_alone(KEY, OLD)

    assert list(cache.keys(None, None)) == []


def test_leaving_one_credential_alone_says_nothing_about_its_successor(cache):
    cache.store(KEY, OLD, rejected=OLD)
    cache.store(KEY, NEW, rejected=None)

    assert cache.decide(KEY, NEW) == Ask()


def test_a_second_refusal_of_what_has_been_replaced_meanwhile_protects_nothing(cache):
    cache.store(KEY, NEW, rejected=None)
    cache.leave_alone(KEY, OLD)

    assert cache.decide(KEY, NEW) == Ask()


def test_a_key_that_is_left_alone_leaves_the_others_as_they_are(cache):
    cache.store(KEY, OLD, rejected=OLD)
    cache.store(OTHER, OLD, rejected=None)

    assert cache.decide(OTHER, OLD) == Ask()


# Unavailable


def test_f7_that_a_user_is_unavailable_is_remembered_for_five_seconds(cache, clock):
    error = NotConnected("no")
    cache.unavailable(KEY, error)

    clock.advance(4.9)
    assert cache.decide(KEY, None) is error
    assert cache.decide(KEY, OLD) is error
    assert cache.decide(OTHER, None) == Ask()
    clock.advance(0.2)
    assert cache.decide(KEY, None) == Ask()


def test_f8_an_unavailable_user_has_no_credential_left_not_even_for_an_outage(cache):
    cache.store(KEY, OLD, rejected=None)

    cache.unavailable(KEY, NotConnected("no"))

    assert fresh(cache) is None
    assert cache.stale(KEY, None) is None


def test_a_credential_ends_the_memory_of_being_unavailable(cache):
    cache.unavailable(KEY, NotConnected("no"))
    cache.store(KEY, OLD, rejected=None)

    assert cache.decide(KEY, None) == Serve(OLD)
    assert cache.decide(KEY, OLD) == Ask()


# Stale


def test_in_an_outage_a_credential_is_served_for_max_stale_beyond_its_hold(cache, clock):
    cache.store(KEY, OLD, rejected=None)

    clock.advance(300 + 3599)
    assert cache.decide(KEY, None) == Ask()
    assert cache.stale(KEY, None) is OLD
    clock.advance(2)
    assert cache.stale(KEY, None) is None


def test_without_max_stale_nothing_is_served_beyond_its_hold(make, clock):
    cache = make(max_stale=0)
    cache.store(KEY, OLD, rejected=None)

    assert cache.stale(KEY, None) is OLD
    clock.advance(300)
    assert cache.stale(KEY, None) is None


@pytest.mark.parametrize("which", ["monotonic_now", "wall_now"])
def test_f2_a_known_expiry_ends_it_whichever_clock_says_so(cache, clock, which):
    cache.store(KEY, Credential("t", expires_at=clock.wall_now + 600), rejected=None)

    setattr(clock, which, getattr(clock, which) + 599)
    assert cache.stale(KEY, None) is not None
    setattr(clock, which, getattr(clock, which) + 1)
    assert cache.stale(KEY, None) is None


def test_a_rejected_credential_is_never_stale_enough(cache):
    cache.store(KEY, OLD, rejected=None)

    assert cache.stale(KEY, OLD) is None
    assert cache.stale(KEY, NEW) is OLD
    assert cache.stale(OTHER, None) is None
