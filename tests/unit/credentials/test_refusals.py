"""Which key is left alone after refusals: at which origin, for how long, and what an accepted answer changes."""

from __future__ import annotations

import pytest

from xkit_auth import Credential
from xkit_auth._credentials.refusals import Refusals

KEY = ("slack", "user-42")
HERE, THERE = "https://api.acme.example", "https://files.acme.example"
OLD = Credential("token-old")
NEW = Credential("token-new")


class Field(Refusals):
    """Refusals at a moment that a test moves."""

    now = 1000.0

    def refuse(self, credential: Credential = OLD, origin: str = HERE) -> None:
        self.refused(KEY, origin, credential, self.now)

    def accept(self, credential: Credential = OLD, origin: str = HERE) -> None:
        self.accepted(KEY, origin, credential, self.now)

    def rests(self, credential: Credential = OLD, origin: str = HERE) -> bool:
        return self.is_left_alone(KEY, origin, credential, credential, self.now)

    def watches(self) -> bool:
        return self.is_watched(KEY, self.now)

    def pause(self) -> float:
        """How long the pause lasts that has just begun; the clock stands at its end then."""
        begin = self.now
        while self.rests():
            self.now += 0.5
        return self.now - begin


@pytest.fixture
def field() -> Field:
    return Field()


@pytest.fixture
def flaky(field) -> Field:
    """The provider has once refused what it accepts."""
    field.refuse()
    field.accept()
    return field


def test_a_refusal_at_one_origin_does_not_stop_another(field):
    field.refuse(origin=HERE)

    assert field.rests(origin=HERE)
    assert not field.rests(origin=THERE)


def test_refusals_go_on_doubling_as_long_as_none_is_accepted(field):
    lengths = []
    for _ in range(7):
        field.refuse()
        lengths.append(field.pause())

    assert lengths == [1, 2, 4, 8, 16, 30, 30]


def test_an_accepted_answer_ends_the_pause_at_its_origin_alone(field):
    field.refuse(origin=HERE)
    field.refuse(origin=THERE)
    field.accept(origin=HERE)

    assert not field.rests(origin=HERE)
    assert field.rests(origin=THERE)


def test_an_accepted_answer_to_another_credential_ends_no_pause_but_the_row_of_refusals(field):
    for _ in range(3):
        field.refuse(OLD)
        field.pause()
    field.refuse(OLD)
    field.accept(NEW)

    assert field.pause() == 8
    field.refuse(OLD)
    assert field.pause() == 1


def test_where_a_refusal_was_a_mistake_before_only_five_in_a_row_leave_the_key_alone(flaky):
    rests = []
    for _ in range(5):
        flaky.refuse()
        rests.append(flaky.rests())

    assert rests == [False, False, False, False, True]
    assert flaky.pause() == 1
    flaky.refuse()
    assert flaky.pause() == 2


def test_that_it_was_a_mistake_is_remembered_from_one_credential_to_the_next(flaky):
    flaky.refuse(NEW)

    assert not flaky.rests(NEW)


def test_several_answers_that_accept_it_are_one_mistake(flaky):
    for _ in range(10_000):
        flaky.accept()
    flaky.refuse()

    assert not flaky.rests()


def test_with_more_than_three_hundred_mistakes_in_a_minute_the_key_is_left_alone_for_a_second_each_time(field):
    asked = []
    for number in range(1000):
        field.now += 0.04
        if not field.rests():
            asked.append(number)
            field.refuse()
        field.accept()

    assert asked == [*range(302), *range(327, 1000, 26)]


def test_the_mistakes_of_another_minute_do_not_count(field):
    for _ in range(301):
        field.refuse()
        field.accept()
    field.now += 59
    field.refuse()
    assert field.rests()
    field.now += 2
    field.accept()
    field.refuse()

    assert not field.rests()


def test_a_key_is_watched_until_all_has_been_quiet_for_a_minute(field):
    assert not field.watches()
    field.refuse(origin=HERE)
    field.now += 59
    assert field.watches()
    field.refuse(origin=THERE)
    field.now += 59
    assert field.watches()
    field.now += 1
    assert not field.watches()


def test_when_all_has_been_quiet_for_a_minute_everything_begins_anew(flaky):
    flaky.now += 60
    flaky.accept()
    flaky.refuse()

    assert flaky.pause() == 1


def test_nothing_is_kept_of_what_is_over_and_no_more_than_so_many_origins_and_keys(field):
    for number in range(100):
        field.refuse(origin=f"https://{number}.acme.example")
    assert len(field._notes[KEY]) == 32
    for number in range(10_100):
        field.refused(("slack", str(number)), HERE, OLD, field.now)
    assert len(field) == 10_000
    field.refused(("slack", "last"), HERE, OLD, field.now + 60)
    assert list(field) == [("slack", "last")]


def test_a_forgotten_key_is_neither_left_alone_nor_watched(flaky):
    flaky.forget(KEY)
    assert not flaky.watches()
    flaky.refuse()
    assert flaky.rests()
    flaky.clear()
    assert not flaky.rests()
