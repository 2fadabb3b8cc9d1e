"""What one user does, or somebody who is none, stops nobody else: odd names, poisoned keys, forged webhooks."""

from __future__ import annotations

import json
import random
import tracemalloc
from contextlib import suppress

import pytest

from xkit_auth import ConfigurationError, PlatformUnavailable, Xkit


def webhook(slug, context, event="connection.errored"):
    payload = {"connector": {"slug": slug}, "context": {"external_id": context}}
    return json.dumps({"event_type": event, "payload": payload})


class Clock:
    """The clocks of a cache, moved by hand."""

    def __init__(self, xkit):
        self.now = 5_000.0
        xkit.broker.cache.monotonic = lambda: self.now
        xkit.broker.cache.wall = lambda: 1_700_000_000.0 + self.now


ODD = ["x" * 11_000, "x" * 513, "nul\x00", "line\nbreak", "\x7f", "\x9b31m", "tab\t", "", ".", "..", "\ud800"]


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_h10_an_odd_name_is_refused_before_anything_is_asked(sandbox, driver, xkit, name):
    url = sandbox.provider_url("acme")
    for context, connector in ((name, "acme"), ("user-1", name)):
        for ask in (xkit.get_credential, xkit.get_connection):
            with pytest.raises(ConfigurationError):
                ask(connector, context=context)
        with pytest.raises(ValueError, match="not a webhook"):
            xkit.handle_webhook(webhook(connector, context))
    with pytest.raises(ConfigurationError):
        driver.send("GET", url, auth=driver.auth("acme", context=lambda: name, xkit=xkit))
    with pytest.raises(ConfigurationError):
        driver.auth(name, context="user-1", xkit=xkit)
    assert sandbox.call_count() == 0


@pytest.mark.parametrize("name", ["x" * 512, "é" * 512, "a/b", "a b", "non\xa0breaking", "\U0001f469\u200d\U0001f680"])
def test_every_other_name_is_asked_for(sandbox, xkit, name):
    token = sandbox.connect("acme", name)
    assert xkit.get_credential("acme", context=name).reveal() == token
    assert xkit.handle_webhook(webhook("acme", name)).context == name


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("first", ["poisoned first", "in any order"])
def test_three_poisoned_users_stop_none_of_sixty(sandbox, driver, first):
    """Xkit fails with 500 for three, whatever it is about them."""
    xkit, url, chosen = sandbox.xkit(max_age=0), sandbox.provider_url("acme"), random.Random(1)
    poisoned, healthy = [f"bad-{number}" for number in range(3)], [f"user-{number}" for number in range(60)]
    for user in healthy:
        sandbox.connect("acme", user)
    for user in poisoned:
        sandbox.answer_with("{}", status=500, context=user)
    current = []
    with driver.session(auth=driver.auth("acme", context=lambda: current[-1], xkit=xkit)) as send:
        for _ in range(3):
            users = [*poisoned, *healthy] if first == "poisoned first" else chosen.sample(poisoned + healthy, 63)
            for user in users:
                current.append(user)
                if user in poisoned:
                    with pytest.raises(PlatformUnavailable):
                        send("GET", url)
                else:
                    assert send("GET", url).status_code == 200


def test_an_outage_still_pauses_the_account(sandbox, xkit):
    sandbox.down("500")
    for number in range(60):
        with pytest.raises(PlatformUnavailable):
            xkit.get_credential("acme", context=f"user-{number}")
    assert sandbox.call_count() < 10


def test_h11_of_forged_webhooks_and_garbage_slugs_nothing_is_kept(sandbox, xkit):
    sandbox.connect("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    bodies = [webhook(f"{number}-{'x' * 500}", f"{number}-{'y' * 500}") for number in range(2_000)]
    for body in bodies[:100]:
        xkit.handle_webhook(body)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for body in bodies:
            xkit.handle_webhook(body)
        for number in range(2_000):
            xkit.broker.cache.decide((f"{number}-{'x' * 500}", "u"), None)
            xkit.forget(f"{number}-{'x' * 500}", context="u")
            with suppress(ConfigurationError):  # as nobody knows the slug
                xkit.forget(f"{number}-{'x' * 500}")
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 50_000


@pytest.mark.parametrize("between", ["requests", "refusals", "forget", "fails", "never connected"])
def test_h11_webhooks_before_each_request_cost_one_call_in_ten_seconds(sandbox, driver, between):
    xkit, url = sandbox.xkit(), sandbox.provider_url("acme")
    clock = Clock(xkit)
    if between != "never connected":
        sandbox.connect("acme", "user-1")
        xkit.get_credential("acme", context="user-1")
    if between == "refusals":
        sandbox.revoke("acme", "user-1", known_to_xkit=False)
    if between == "fails":
        sandbox.down("500")
    own = 0
    sandbox.clear()
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        for _ in range(20):
            xkit.handle_webhook(webhook("acme", "user-1", "connection.enabled"))
            if between == "never connected":
                with pytest.raises(Exception, match="knows no such"):
                    send("GET", url)
            else:
                send("GET", url)
            if between == "forget":
                xkit.forget("acme", context="user-1")
                own += 1
            clock.now += 0.1
    # For two seconds there is one turn; the refused user's are those after 0 and 1 seconds, which are no webhook's.
    allowed = {"forget": own + 1, "refusals": 3}.get(between, 1)
    assert sandbox.call_count() <= allowed


def test_h12_two_rotations_at_once_are_healed_in_a_second_or_two(sandbox, driver, xkit):
    url = sandbox.provider_url("acme")
    clock = Clock(xkit)
    sandbox.connect("acme", "user-1")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        assert send("GET", url).status_code == 200
        sandbox.rotate("acme", "user-1")
        old = xkit.get_credential("acme", context="user-1")
        between = xkit.get_credential("acme", context="user-1", rejected=old)
        sandbox.rotate("acme", "user-1")
        xkit.broker.cache.store(("acme", "user-1"), old, rejected=None)
        sandbox.answer_with(
            json.dumps(
                {"connection": {"enabled": True, "authorization": {"status": "active", "credential": between.reveal()}}}
            ),
            times=1,
        )
        # Refused, asked for again, and refused once more: the second rotation came in between.
        assert send("GET", url).status_code == 401
        calls = sandbox.call_count()
        seconds = 0.0
        while send("GET", url).status_code == 401:
            clock.now += 0.25
            seconds += 0.25
        assert seconds <= 2
        assert sandbox.call_count() == calls + 1


@pytest.mark.parametrize("other", [{"secret_key": "sk_other"}, {"base_url": "https://other.example/api"}])
def test_an_xkit_with_another_secret_or_address_is_another_account(monkeypatch, other):
    keys = {"publishable_key": "pk", "secret_key": "sk", "base_url": "https://xkit.example/api"}
    monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", "pk")
    monkeypatch.setenv("XKIT_SECRET_KEY", "sk")
    monkeypatch.setenv("XKIT_BASE_URL", "https://xkit.example/api")
    with Xkit(**keys), Xkit.default() as default:
        assert Xkit.default() is default
        with Xkit(**{**keys, **other}), pytest.raises(ConfigurationError, match="Two Xkit accounts") as caught:
            Xkit.default()
        assert "sk" not in str(caught.value).split()
