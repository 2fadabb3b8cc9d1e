"""The held credentials: hints of webhooks, forgetting, and how many are held."""

from __future__ import annotations

import pytest

from helpers.credentials_cache import KEY, NEW, OLD, OTHER, cache, fresh, make  # noqa: F401
from xkit_auth import NotConnected
from xkit_auth._credentials.cache import Ask, Cache, Serve

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
