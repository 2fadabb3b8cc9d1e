"""What is held, for how long, and whose turn it is to ask: with clocks that move only when told to."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import Credential, NotConnected
from xkit_auth._credentials.cache import Ask, Cache, Serve

KEY = ("slack", "user-42")
OTHER = ("slack", "user-43")
OLD = Credential("token-old")
NEW = Credential("token-new")


@pytest.fixture
def make(clock: Any) -> Any:
    def cache(*, jitter: float = 0.0, **settings: Any) -> Cache:
        limits = {"max_age": 300.0, "max_stale": 3600.0, "max_entries": 100, **settings}
        return Cache(**limits, monotonic=clock.monotonic, wall=clock.wall, jitter=lambda: jitter)

    return cache


@pytest.fixture
def cache(make: Any) -> Cache:
    return make()


def fresh(cache: Cache, key: tuple[str, str] = KEY) -> Credential | None:
    return cache.fresh(cache.table(key[0]), key[1])


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


# Hints


def test_after_a_hint_the_next_use_asks_again(cache, clock):
    cache.store(KEY, OLD, rejected=None)

    cache.hint(KEY, bad=False)

    assert fresh(cache) is None
    assert cache.decide(KEY, None) == Ask()
    assert cache.stale(KEY, None) is OLD


def test_after_a_bad_hint_the_credential_is_not_served_through_an_outage(cache):
    cache.store(KEY, OLD, rejected=None)

    cache.hint(KEY, bad=True)

    assert cache.decide(KEY, None) == Ask()
    assert cache.stale(KEY, None) is None


def test_a_good_hint_does_not_undo_a_bad_one(cache):
    cache.store(KEY, OLD, rejected=None)
    cache.hint(KEY, bad=True)
    cache.hint(KEY, bad=False)

    assert cache.stale(KEY, None) is None


def test_a_hint_makes_a_call_under_way_out_of_date_but_seldom(cache, clock):
    assert cache.hint(KEY, bad=True, is_asking=True)
    assert not cache.hint(KEY, bad=True, is_asking=True)
    assert not cache.hint(("slack", "somebody-else"), bad=True)
    cache.store(KEY, OLD, rejected=None)  # which may be older than what the second hint was about
    assert cache.decide(KEY, None) == Serve(OLD)
    clock.advance(10)
    assert cache.decide(KEY, None) == Ask()


def test_a_hint_about_what_is_not_held_does_nothing_and_leaves_nothing_behind(cache):
    for number in range(100):
        cache.hint((f"slack-{number}", "u"), bad=True)
        cache.decide((f"github-{number}", "u"), None)
        cache.stale((f"github-{number}", "u"), None)
        cache.forget((f"gitlab-{number}", "u"))
    cache.hint(KEY, bad=True)
    assert not any((cache._tables, cache._turns, cache._refused, cache._unavailable))
    cache.store(KEY, OLD, rejected=None)

    assert cache.decide(KEY, None) == Serve(OLD)
    assert cache.stale(KEY, None) is OLD


@pytest.mark.parametrize("between", ["nothing", "forgotten", "refused", "unavailable", "under way", "failed"])
def test_hints_have_one_turn_in_ten_seconds_whatever_comes_between_them(cache, clock, between):
    """Whether a hint makes a difference: without it, the credential that is held would have been served."""
    turns = 0
    cache.store(KEY, OLD, rejected=None)
    for _ in range(600):
        if between == "forgotten":
            cache.forget(KEY)
            cache.store(KEY, OLD, rejected=None)
        elif between == "refused":
            cache.decide(KEY, OLD)
            cache.store(KEY, OLD, rejected=OLD)
        elif between == "unavailable":
            cache.unavailable(KEY, NotConnected("no"))
            cache.store(KEY, OLD, rejected=None)
        cache.hint(KEY, bad=False, is_asking=between == "under way")
        if cache.decide(KEY, None) == Ask():
            turns += 1
            if between == "failed":
                cache.failed(KEY)
            else:
                cache.store(KEY, OLD, rejected=None)
        assert cache.decide(KEY, None) == Serve(OLD)
        clock.advance(0.1)

    assert turns == 6 if between in ("nothing", "under way", "failed") else 1 <= turns <= 6


def test_a_failure_after_a_hint_gives_the_credential_back_until_the_next_turn(cache, clock):
    cache.store(KEY, OLD, rejected=None)
    cache.hint(KEY, bad=False)
    cache.failed(KEY)

    assert fresh(cache) is OLD
    clock.advance(9.9)
    assert cache.decide(KEY, None) == Serve(OLD)
    clock.advance(0.2)
    assert cache.decide(KEY, None) == Ask()


def test_a_failure_after_a_bad_hint_gives_nothing_back(cache):
    cache.store(KEY, OLD, rejected=None)
    cache.hint(KEY, bad=True)
    cache.failed(KEY)

    assert cache.decide(KEY, None) == Ask()


def test_a_failure_without_a_hint_changes_nothing(cache, clock):
    cache.failed(KEY)
    cache.store(KEY, OLD, rejected=None)
    cache.failed(KEY)
    clock.advance(200)
    cache.failed(KEY)

    assert fresh(cache) is OLD


def test_a_refused_credential_is_left_alone_unless_a_hint_has_its_turn(cache, clock):
    asked = 0
    cache.store(KEY, OLD, rejected=OLD)
    for _ in range(300):
        cache.hint(KEY, bad=False)
        if cache.decide(KEY, OLD) == Ask():
            asked += 1
            cache.store(KEY, OLD, rejected=OLD)
        clock.advance(0.1)

    assert asked <= 3 + 5  # the hints', and those after 1, 3, 7, 15 and 31 seconds


def test_hints_make_a_key_be_asked_for_once_in_ten_seconds_at_most(cache, clock):
    asked = 0
    cache.store(KEY, OLD, rejected=None)
    for _ in range(600):
        cache.hint(KEY, bad=False)
        if cache.decide(KEY, None) == Ask():
            asked += 1
            cache.store(KEY, OLD, rejected=None)
        clock.advance(0.1)

    assert asked == 6


def test_the_last_of_many_hints_is_not_lost(cache, clock):
    cache.store(KEY, OLD, rejected=None)
    cache.hint(KEY, bad=False)
    cache.store(KEY, OLD, rejected=None)
    clock.advance(1)

    cache.hint(KEY, bad=False)

    assert cache.decide(KEY, None) == Serve(OLD)
    clock.advance(9.1)
    assert cache.decide(KEY, None) == Ask()


def test_hints_about_one_key_do_not_touch_another(cache):
    cache.store(KEY, OLD, rejected=None)
    cache.store(OTHER, NEW, rejected=None)

    cache.hint(KEY, bad=True)

    assert fresh(cache, OTHER) is NEW


def test_a_hint_never_makes_anything_be_held_longer(make, clock):
    cache = make(max_age=3)
    cache.store(KEY, OLD, rejected=None)
    cache.hint(KEY, bad=False)
    cache.store(KEY, OLD, rejected=None)
    cache.hint(KEY, bad=False)

    clock.advance(3)
    assert cache.decide(KEY, None) == Ask()


def test_a_hint_ends_leaving_a_key_alone(cache):
    cache.store(KEY, OLD, rejected=OLD)

    cache.hint(KEY, bad=False)

    assert cache.decide(KEY, None) == Ask()


# Forgetting and keeping it small


def test_forgetting_a_key_drops_everything_about_it(cache, clock):
    cache.store(KEY, OLD, rejected=OLD)
    cache.hint(KEY, bad=True)
    cache.store(OTHER, NEW, rejected=None)
    cache.forget(KEY)

    assert cache.decide(KEY, None) == Ask()
    assert list(cache.keys(None, None)) == [OTHER]
    cache.unavailable(KEY, NotConnected("no"))
    cache.forget(KEY)
    assert cache.decide(KEY, None) == Ask()


def test_keys_are_found_by_connector_by_context_and_all_together(cache):
    keys = [("slack", "a"), ("slack", "b"), ("github", "a"), ("github", "c")]
    cache.store(keys[0], OLD, rejected=None)
    cache.store(keys[1], OLD, rejected=OLD)
    cache.unavailable(keys[2], NotConnected("no"))
    cache.store(keys[3], OLD, rejected=None)
    cache.hint(keys[3], bad=False)

    assert set(cache.keys(None, None)) == set(keys)
    assert set(cache.keys("slack", None)) == {keys[0], keys[1]}
    assert set(cache.keys(None, "a")) == {keys[0], keys[2]}
    assert set(cache.keys("github", "c")) == {keys[3]}
    assert set(cache.keys("github", "b")) == set()


def test_the_table_of_a_connector_stays_the_same_object(cache):
    table = cache.table("slack")
    cache.store(KEY, OLD, rejected=None)
    cache.forget(KEY)
    cache.store(KEY, NEW, rejected=None)

    assert cache.table("slack") is table
    assert cache.fresh(table, "user-42") is NEW


def names(cache: Cache) -> set[str]:
    return {context for _, context in cache.keys(None, None)}


def test_never_more_than_max_entries_are_held(make):
    cache = make(max_entries=3)
    for number in range(10):
        cache.store(("slack" if number % 2 else "github", str(number)), OLD, rejected=None)
        assert len(names(cache)) == min(number + 1, 3)


def test_what_was_used_lately_stays_and_what_was_not_goes(make):
    cache = make(max_entries=3)
    for name in "abc":
        cache.store(("slack", name), OLD, rejected=None)
    cache.store(("slack", "d"), OLD, rejected=None)  # everything was new, so the oldest goes
    assert names(cache) == {"b", "c", "d"}

    fresh(cache, ("slack", "b"))
    cache.store(("slack", "e"), OLD, rejected=None)

    assert names(cache) == {"b", "d", "e"}


def test_storing_again_what_is_held_evicts_nobody(make):
    cache = make(max_entries=2)
    for _ in range(5):
        cache.store(("slack", "a"), OLD, rejected=None)
        cache.store(("slack", "b"), NEW, rejected=None)

    assert names(cache) == {"a", "b"}


def test_room_is_made_in_another_connectors_table_if_there_is_none_in_its_own(make):
    cache = make(max_entries=2)
    cache.store(("slack", "a"), OLD, rejected=None)
    cache.store(("slack", "b"), OLD, rejected=None)
    cache.store(("github", "c"), OLD, rejected=None)

    assert names(cache) == {"b", "c"}


def test_what_is_dropped_makes_room(make):
    cache = make(max_entries=2)
    cache.store(("slack", "a"), OLD, rejected=None)
    cache.store(("slack", "b"), OLD, rejected=None)
    cache.forget(("slack", "a"))
    cache.forget(("slack", "a"))
    cache.store(("slack", "c"), OLD, rejected=None)

    assert names(cache) == {"b", "c"}


def test_notes_that_are_over_make_room(make, clock):
    cache = make()
    for number in range(10):
        cache.unavailable(("slack", str(number)), NotConnected("no"))
        cache.hint(("slack", str(number)), bad=False, is_asking=True)
        clock.advance(11)

    assert len(cache._unavailable) == len(cache._turns) == 1


def test_forgetting_everything_leaves_nothing_and_the_table_of_a_connector_stays_the_same(cache):
    table = cache.table("slack")
    cache.store(KEY, OLD, rejected=OLD)
    cache.hint(KEY, bad=False)
    cache.unavailable(OTHER, NotConnected("no"))

    cache.forget_all()

    assert not any((*cache._tables.values(), cache._turns, cache._refused, cache._unavailable))
    assert cache.table("slack") is table


def test_notes_about_keys_do_not_grow_for_ever(make):
    cache = make(max_entries=1)
    error = NotConnected("no")
    for number in range(25_000):
        cache.unavailable(("slack", str(number)), error)

    remembered = set(cache.keys(None, None))
    assert len(remembered) <= 10_000
    assert cache.decide(("slack", "24999"), None) is error
    assert cache.decide(("slack", "0"), None) == Ask()


# More rights


def test_what_xkit_has_now_is_asked_for_once_in_half_a_minute_if_rights_are_missing(cache, clock):
    cache.store(KEY, OLD, rejected=None)
    cache.store(OTHER, OLD, rejected=None)
    asked = []
    for _ in range(61):
        asked.append(cache.may_have_more_rights(KEY, OLD))
        clock.advance(1)

    assert [second for second, each in enumerate(asked) if each] == [0, 30, 60]
    assert cache.may_have_more_rights(OTHER, OLD)


def test_who_holds_another_credential_by_now_or_none_need_not_ask_for_rights(cache):
    assert not cache.may_have_more_rights(KEY, OLD)
    cache.store(KEY, NEW, rejected=None)
    assert not cache.may_have_more_rights(KEY, OLD)
    assert cache.may_have_more_rights(KEY, NEW)


@pytest.mark.parametrize("forget", [lambda cache: cache.forget(KEY), lambda cache: cache.forget_all()])
def test_what_is_forgotten_may_be_asked_for_again(cache, forget):
    cache.store(KEY, OLD, rejected=None)
    assert cache.may_have_more_rights(KEY, OLD)
    forget(cache)
    assert not cache._denied
    cache.store(KEY, OLD, rejected=None)
    assert cache.may_have_more_rights(KEY, OLD)
