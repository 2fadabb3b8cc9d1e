"""A provider that refuses a good credential now and then, or at one of its hosts, keeps nobody from a new one."""

from __future__ import annotations

import random

import pytest

from xkit_auth import Verdict, hookimpl
from xkit_auth.sdk import with_credential


@pytest.fixture
def xkit(sandbox):
    """An ``Xkit`` whose clocks stand still."""
    xkit = sandbox.xkit(timeout=30)
    cache = xkit.broker.cache
    now, today = cache.monotonic(), cache.wall()
    cache.monotonic, cache.wall = lambda: now, lambda: today
    return xkit


@pytest.mark.parametrize("seed", range(2))
def test_a_provider_that_is_wrong_in_a_third_of_its_answers_hands_no_real_expiry_to_the_application(
    driver, sandbox, xkit, seed
):
    chosen, url = random.Random(seed), sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        # Wrong once, and accepted: so it is known to be wrong now and then.
        assert [send("GET", url + path).status_code for path in ("", "/status/401", "")] == [200, 401, 200]
        for _ in range(20):
            for _ in range(3):
                status = 401 if chosen.random() < 0.3 else 200
                assert send("GET", f"{url}/status/{status}").status_code == status
            sandbox.rotate("acme", "user-1")
            assert send("GET", url).status_code == 200


def test_a_provider_that_refuses_everything_is_found_out_with_one_call(driver, sandbox, xkit):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        assert [send("GET", f"{url}/status/401").status_code for _ in range(10)] == [401] * 10
        assert sandbox.call_count() == 2
        # The same with one that is known to accept now and then: five refusals in a row.
        assert send("GET", url).status_code == 200
        assert [send("GET", f"{url}/status/401").status_code for _ in range(20)] == [401] * 20
        assert sandbox.call_count() == 2 + 5


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_neither_accepts_nor_refuses_ends_no_pause(driver, sandbox, xkit, status):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        for wanted in (401, status, 401):
            assert send("GET", f"{url}/status/{wanted}").status_code == wanted
    assert sandbox.call_count() == 2


def test_refusals_at_one_host_do_not_block_another(driver, sandbox, xkit):
    here, there = sandbox.provider_url("acme"), sandbox.provider_url("there")  # which knows nobody from acme
    hosts = [url.removeprefix("http://") for url in (here, there)]
    sandbox.connect("acme", "user-1")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit, hosts=hosts)) as send:
        assert [send("GET", url).status_code for url in (here, there, there)] == [200, 401, 401]
        assert sandbox.call_count() == 2
        sandbox.rotate("acme", "user-1")
        assert send("GET", here).status_code == 200
        # Who refuses what was accepted elsewhere has not accepted anything.
        sandbox.clear()
        assert [send("GET", there).status_code for _ in range(3)] == [401] * 3
        assert sandbox.call_count() == 1


@pytest.mark.drivers(sync=True)
def test_several_hosts_that_refuse_together_are_all_left_alone_by_their_one_call(driver, sandbox, xkit):
    token = sandbox.connect("acme", "user-1")
    old = xkit.get_credential("acme", context="user-1")
    assert old.reveal() == token
    asking = [xkit.broker.asking("acme", "user-1", old, origin=origin) for origin in "abab"]
    with sandbox.hold():
        flights = {next(each)[0] for each in asking}
        assert len(flights) == 1
    for each in asking:
        flight = flights.copy().pop()
        with pytest.raises(StopIteration) as stop:
            each.send(flight.wait(20))
        assert stop.value.value == old
    sandbox.clear()
    for origin in "ab":
        with pytest.raises(StopIteration):
            next(xkit.broker.asking("acme", "user-1", old, origin=origin))
    assert sandbox.call_count() == 0


class Judging:
    """A plugin that finds a refusal in an answer with 200."""

    @hookimpl
    def xkit_auth_classify_response(self, response):
        return Verdict.REFETCH if response.headers.get("x-refused") else None


def test_an_answer_that_a_rule_takes_for_a_refusal_accepts_nothing(driver, sandbox):
    xkit = sandbox.xkit(timeout=30, plugins=[Judging()])
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        for _ in range(3):
            send("GET", f"{url}/status/200?header=x-refused:yes")
    assert sandbox.call_count() == 2


class RefusedError(Exception):
    """What a function of an SDK raises."""


def test_a_function_that_returns_has_accepted_its_credential(sandbox, xkit):
    sandbox.connect("acme", "user-1")
    good = [sandbox.credential("acme", "user-1")]

    @with_credential("acme", context="user-1", xkit=xkit, rejected=RefusedError)
    def call(error=None, *, token):
        if token not in good or error:
            raise error or RefusedError
        return token

    assert call() == good[0]
    with pytest.raises(RefusedError):
        call(RefusedError())
    with pytest.raises(ValueError, match="of its own"):
        call(ValueError("of its own"))
    with pytest.raises(RefusedError):
        call(RefusedError())
    assert sandbox.call_count() == 2  # what raised something else has accepted nothing
    assert call() == good[0]
    with pytest.raises(RefusedError):
        call(RefusedError())
    good[0] = sandbox.rotate("acme", "user-1")
    assert call() == good[0]
