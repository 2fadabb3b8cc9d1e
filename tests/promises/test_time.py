"""Hard cases F: what time does to a credential and to the memory of a failure. The clocks move when a test says so."""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import formatdate

import pytest

from xkit_auth import (
    AuthorizationPending,
    NotConnected,
    PlatformAuthenticationError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
)

A_DAY = 86_400


class Clock:
    """Both clocks of a machine: ``now`` counts seconds, ``date`` is what hangs on the wall and can be set."""

    def __init__(self):
        # Whole seconds, so that they add up to the very end of a pause.
        self.now = float(int(time.monotonic()))
        self.date = float(int(time.time()))

    def monotonic(self):
        return self.now

    def wall(self):
        return self.date

    def move(self, seconds):
        self.now += seconds
        self.date += seconds


@pytest.fixture
def clock(monkeypatch):
    """The clock that the pauses go by, and every ``Xkit`` that was made with ``make_xkit``."""
    clock = Clock()
    for module in ("_credentials.broker", "_credentials.calls"):
        monkeypatch.setattr(f"xkit_auth.{module}.time", clock)
    return clock


@pytest.fixture
def make_xkit(sandbox, clock):
    def make(**options):
        # One call at a time: whoever is answered knows that all earlier calls are over, those in the background, too.
        xkit = sandbox.xkit(timeout=30, max_calls=1, **options)
        xkit.broker.cache.monotonic, xkit.broker.cache.wall = clock.monotonic, clock.wall
        return xkit

    return make


@pytest.fixture
def xkit(make_xkit):
    return make_xkit()


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A client of a provider, for any user."""
    url = sandbox.provider_url("acme")

    class Acme:
        def __init__(self, send):
            self._send = send

        def get(self, user="user-1"):
            return self._send("GET", url, auth=driver.auth("acme", context=user, xkit=xkit)).status_code

        @staticmethod
        def calls(user="user-1"):
            """How often Xkit was asked about a user, by now and for what has been asked by now."""
            with suppress(NotConnected):
                xkit.get_connection("acme", context="nobody")
            return sandbox.call_count("acme", user)

    with driver.session() as send:
        yield Acme(send)


# How long a credential is held


LIVES = {
    # Seconds of life: the shortest time before it is renewed in the background, and the longest time that it is held,
    # as the jitter may have it.
    400: (215, 301),
    200: (122, 171),
    60: (21, 31),
    40: (14, 21),
    10: (10, 16),
    0: (10, 16),
}


def test_f1_a_credential_with_a_short_life_is_not_fetched_for_each_request(driver, sandbox, clock, acme):
    for life, (served, over) in LIVES.items():
        user = f"user-{life}"
        sandbox.connect("acme", user, expires_in=life)
        for step in (0, served / 2, served / 4, served / 4):
            clock.move(step)
            assert acme.get(user) == 200
        assert acme.calls(user) == 1
        clock.move(over - served)
        assert acme.get(user) == 200
        assert acme.calls(user) == 2


def test_f2_a_machine_that_was_suspended_asks_again(driver, sandbox, clock, acme):
    sandbox.connect("acme", "user-1")
    assert acme.get() == 200
    sandbox.rotate("acme", "user-1")
    clock.date += A_DAY
    assert acme.get() == 200
    assert [each.status for each in sandbox.arrivals("acme")] == [200, 200]
    assert acme.calls() == 2


def test_f2_a_clock_that_is_set_back_makes_nothing_immortal(driver, sandbox, clock, acme):
    sandbox.connect("acme", "user-1", expires_at=clock.date + A_DAY)
    assert acme.get() == 200
    clock.date -= 30 * A_DAY
    for _ in range(2):
        clock.move(100)
        assert acme.get() == 200
    assert acme.calls() == 1
    sandbox.rotate("acme", "user-1")
    clock.move(101)
    assert acme.get() == 200
    assert [each.status for each in sandbox.arrivals("acme")] == [200] * 4
    assert acme.calls() == 2


def test_f2_a_clock_that_jumps_forward_and_is_set_right_asks_once_more_and_not_for_ever(driver, sandbox, clock, acme):
    sandbox.connect("acme", "user-1", expires_in=7200)
    assert acme.get() == 200
    clock.date += A_DAY
    assert acme.get() == 200
    assert acme.calls() == 2
    clock.date -= A_DAY
    for _ in range(2):
        clock.move(100)
        assert acme.get() == 200
    assert acme.calls() == 2
    clock.move(101)
    assert acme.get() == 200
    assert acme.calls() == 3


def test_f1_f2_a_clock_that_is_wrong_by_a_day_does_not_make_each_request_ask(driver, sandbox, clock, acme):
    true, users = clock.date, {"early": A_DAY, "late": -A_DAY}
    for user, ahead in users.items():
        sandbox.connect("acme", user, expires_at=formatted(true + 3600))
        clock.date = true + ahead
        for _ in range(3):
            assert acme.get(user) == 200
            clock.move(5)
        assert acme.calls(user) == 1
        clock.move(290)
        assert acme.get(user) == 200
        assert acme.calls(user) == 2


def formatted(date):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date))


@pytest.mark.parametrize("which", ["now", "date"])
def test_f2_in_an_outage_a_known_expiry_ends_it_whichever_clock_says_so(driver, sandbox, clock, acme, which):
    sandbox.connect("acme", "user-1", expires_in=600)
    assert acme.get() == 200
    sandbox.down("500")
    setattr(clock, which, getattr(clock, which) + 599)
    assert acme.get() == 200
    setattr(clock, which, getattr(clock, which) + 1)
    with pytest.raises(PlatformUnavailable):
        acme.get()
    assert len(sandbox.arrivals("acme")) == 2


def test_f10_two_that_hold_the_same_thing_do_not_renew_it_at_the_same_moment(sandbox, make_xkit, clock):
    sandbox.connect("acme", "user-1", expires_at=clock.date + 200)
    workers = [make_xkit() for _ in range(2)]
    for worker in workers:
        worker.get_credential("acme", context="user-1")

    def renewed_at(worker):
        return worker.broker.cache.table("acme")["user-1"].renew_after

    early, late = sorted(workers, key=renewed_at)
    assert 0.72 * 170 <= renewed_at(early) < renewed_at(late) <= 0.8 * 170
    clock.move((renewed_at(early) + renewed_at(late)) / 2)
    for worker in (late, early):
        worker.get_credential("acme", context="user-1")
        with pytest.raises(NotConnected):
            worker.get_connection("acme", context="nobody")
        assert sandbox.call_count("acme", "user-1") == (2 if worker is late else 3)


# How long a failure is remembered

REFUSALS = {
    "401": (lambda sandbox: sandbox.answer_with("{}", status=401, context="401"), PlatformAuthenticationError),
    "403": (lambda sandbox: sandbox.answer_with("{}", status=403, context="403"), PlatformAuthenticationError),
    "404": (lambda sandbox: sandbox.forget_connection("acme", "404"), NotConnected),
    "disabled": (lambda sandbox: sandbox.disable("acme", "disabled"), NotConnected),
    "pending": (lambda sandbox: sandbox.pending("acme", "pending"), AuthorizationPending),
    "revoked": (lambda sandbox: sandbox.revoke("acme", "revoked"), ReauthorizationRequired),
}


def test_f7_a_no_of_xkits_is_remembered_for_a_moment_and_never_retried_in_a_loop(driver, sandbox, clock, acme):
    for user, (refuse, _) in REFUSALS.items():
        sandbox.connect("acme", user)
        refuse(sandbox)
    for calls in (1, 2):
        for _ in range(3):
            for user, (_, error) in REFUSALS.items():
                with pytest.raises(error) as caught:
                    acme.get(user)
                assert type(caught.value) is error
        assert [sandbox.call_count("acme", user) for user in REFUSALS] == [calls] * len(REFUSALS)
        clock.move(5)
    assert sandbox.arrivals("acme") == []
    sandbox.up()
    for user in REFUSALS:
        sandbox.connect("acme", user)
        assert acme.get(user) == 200
    assert [sandbox.call_count("acme", user) for user in REFUSALS] == [3] * len(REFUSALS)


def test_f4_when_the_pause_that_xkit_wished_for_is_over_it_is_asked_at_once(driver, sandbox, clock, acme):
    for wish, seconds in (("40", 40), ("date", 40), ("3600", 60), (None, 5)):
        users = [f"ann-{wish}", f"bob-{wish}"]
        for user in users:
            sandbox.connect("acme", user)
        sandbox.down("429", retry_after=formatdate(clock.date + 40, usegmt=True) if wish == "date" else wish)
        with pytest.raises(PlatformRateLimited) as caught:
            acme.get(users[0])
        assert caught.value.retry_after == seconds
        sandbox.up()
        clock.move(seconds - 1)
        for user in users:
            with pytest.raises(PlatformRateLimited) as caught:
                acme.get(user)
            assert caught.value.retry_after == 1
        assert [sandbox.call_count("acme", user) for user in users] == [1, 0]
        clock.move(1)
        assert [acme.get(user) for user in users] == [200, 200]
        assert [sandbox.call_count("acme", user) for user in users] == [2, 1]


@pytest.mark.parametrize("how", ["500", "reset"])
def test_after_an_outage_the_next_request_works_at_the_latest_five_seconds_after_xkit_is_back(
    driver, sandbox, clock, acme, how
):
    users = ["ann", "bob", "cid"]
    for user in users:
        sandbox.connect("acme", user)
    sandbox.down(how)
    # Long enough for the pauses of the key and of the account to have grown as long as they get.
    for _ in range(6):
        for user in users:
            with pytest.raises(PlatformUnavailable):
                acme.get(user)
        clock.move(5)
    with pytest.raises(PlatformUnavailable):
        acme.get("ann")
    sandbox.up()
    asked = sandbox.call_count()
    # A quarter of five seconds is as much as the jitter may take off.
    clock.move(3.75)
    for user in users:
        with pytest.raises(PlatformUnavailable):
            acme.get(user)
    assert sandbox.call_count() == asked
    clock.move(1.25)
    for number, user in enumerate(users, 1):
        assert acme.get(user) == 200
        assert sandbox.call_count() == asked + number
