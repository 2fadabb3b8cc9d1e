"""``Xkit``: its arguments, what Xkit's responses become, and what is served in an outage."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import Any

import pytest
import trio

from helpers.account_xkit import (
    Recorder,
    environment,  # noqa: F401
    wait_until_queued,
)
from xkit_auth import (
    ConfigurationError,
    NotConnected,
    PlatformAuthenticationError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    Xkit,
)
from xkit_auth._sources.platform import NoAnswer

# Made


def test_keys_and_address_come_from_the_environment(environment, adapter, transport):
    environment.setenv("XKIT_BASE_URL", "https://xkit.example/api")
    with Xkit() as xkit:
        xkit.broker.prefer(adapter)
        xkit.get_credential("slack", context="u")

    assert transport.calls[0].url == "https://xkit.example/api/contexts/u/connections/slack"
    assert "Basic " in transport.calls[0].headers["Authorization"]


def test_an_empty_address_in_the_environment_is_none(environment):
    environment.setenv("XKIT_BASE_URL", "")
    with Xkit() as xkit:
        assert "https://app.xkit.co/api/platform" in repr(xkit)


def test_arguments_come_before_the_environment(environment):
    environment.setenv("XKIT_BASE_URL", "https://other.example")
    with Xkit(base_url="https://xkit.example/api") as xkit:
        assert "https://xkit.example/api" in repr(xkit)
    with pytest.raises(ConfigurationError, match="publishable_key"):
        Xkit(publishable_key="")
    with pytest.raises(ConfigurationError, match="base URL"):
        Xkit(base_url="")


def test_without_keys_the_error_names_the_argument_and_the_variable(environment):
    environment.delenv("XKIT_SECRET_KEY")

    with pytest.raises(ConfigurationError, match=r"XKIT_SECRET_KEY") as caught:
        Xkit()
    assert "secret_key=" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": "10"},
        {"timeout": True},
        {"timeout": None},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": 10**400},
        {"max_age": -1},
        {"max_stale": -0.1},
        {"max_entries": 0},
        {"max_calls": 0},
        {"reconnect_url": 7},
        {"reconnect_url": "https://app.example/{user}"},
        {"plugins": [7, type("Bad", (), {"xkit_auth_evnt": lambda self: None})()]},
    ],
)
def test_an_argument_that_makes_no_sense_is_a_configuration_error(keys, wrong):
    with pytest.raises(ConfigurationError) as caught:
        Xkit(**keys, **wrong)

    name = "xkit_auth_evnt" if "plugins" in wrong else next(iter(wrong))
    assert name in str(caught.value)


def test_making_one_looks_for_nothing_and_asks_nobody(keys):
    with Xkit(**keys) as xkit:
        assert xkit.directory._plugins is None
        assert xkit.broker._transport is None
        assert xkit.broker._here().calls._threads == set()


# Asking


def test_a_credential_comes_from_xkit_and_then_from_what_is_held(xkit, transport):
    first = xkit.get_credential("slack", context="u")
    second = xkit.get_credential("slack", context="u")

    assert first.reveal() == "token-1"
    assert second is first
    assert len(transport.calls) == 1


def test_each_key_has_a_credential_of_its_own(xkit, transport, answers):
    transport.reply = lambda call: answers.active(call.url.replace("/", "-"))

    revealed = {
        xkit.get_credential(connector, context=context).reveal() for connector in "ab" for context in ("u", "v", "u/b")
    }

    assert len(revealed) == len(transport.calls) == 6


def test_an_async_caller_gets_it_too_on_asyncio_and_on_trio(make_xkit, transport):
    async def ask() -> Any:
        async with make_xkit() as xkit:
            connection = await xkit.aget_connection("slack", context="v")
            return (await xkit.aget_credential("slack", context="u")).reveal(), connection.status

    assert asyncio.run(ask()) == trio.run(ask) == ("token-1", "active")
    assert len(transport.calls) == 4


@pytest.mark.parametrize("context", [None, "", " ", ".", "..", 7])
@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
def test_a_name_that_cannot_be_asked_for_is_refused_without_asking(xkit, transport, context, method):
    with pytest.raises(ConfigurationError):
        getattr(xkit, method)("slack", context=context)
    with pytest.raises(ConfigurationError):
        getattr(xkit, method)(context, context="u")

    assert transport.calls == []


def test_context_is_never_positional(xkit):
    with pytest.raises(TypeError):
        xkit.get_credential("slack", "u")
    with pytest.raises(TypeError):
        xkit.get_connection("slack", "u")


def test_f11_the_call_has_until_the_callers_timeout(make_xkit, transport, monkeypatch):
    import time

    xkit = make_xkit(timeout=7.0)
    before = time.monotonic()
    xkit.get_credential("slack", context="u")

    assert before + 7 <= transport.calls[0].deadline <= time.monotonic() + 7


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"status": 404}, NotConnected),
        ({"status": 401}, PlatformAuthenticationError),
        ({"status": 429}, PlatformRateLimited),
        ({"status": 500}, PlatformUnavailable),
        ({"status": 302}, PlatformProtocolError),
    ],
)
def test_what_xkit_answers_is_the_error_with_the_names_on_it(xkit, transport, answers, reply, kind):
    transport.replies(answers.json({"error": "so it is"}, **reply))

    with pytest.raises(kind) as caught:
        xkit.get_credential("slack", context="u")

    assert (caught.value.connector, caught.value.context) == ("slack", "u")


def test_a_network_error_is_an_outage_with_the_reason_as_its_cause(xkit, transport):
    transport.replies(NoAnswer("ConnectError: refused"))

    with pytest.raises(PlatformUnavailable, match="refused") as caught:
        xkit.get_credential("slack", context="u")

    assert isinstance(caught.value.__cause__, NoAnswer)


def test_what_no_adapter_foresaw_is_an_outage_that_names_the_exception_and_quotes_nothing(xkit, transport):
    transport.replies(KeyError("secret text"))

    with pytest.raises(PlatformUnavailable, match="KeyError") as caught:
        xkit.get_credential("slack", context="u")

    assert "secret text" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_failing_key_is_not_asked_for_again_at_once(xkit, transport, answers):
    transport.replies(answers.json({}, status=500))

    for _ in range(3):
        with pytest.raises(PlatformUnavailable):
            xkit.get_credential("slack", context="u")
    with pytest.raises(PlatformUnavailable):
        xkit.get_connection("slack", context="u")

    assert len(transport.calls) == 1


def test_a_rate_limit_keeps_every_key_from_being_asked_for(xkit, transport, answers):
    transport.replies(answers.json({}, status=429, headers={"Retry-After": "60"}))

    for connector, context in (("slack", "u"), ("slack", "v"), ("github", "w")):
        with pytest.raises(PlatformRateLimited) as caught:
            xkit.get_credential(connector, context=context)
        assert (caught.value.connector, caught.value.context) == (connector, context)
        assert 55 < caught.value.retry_after <= 60

    assert len(transport.calls) == 1


def test_a_404_at_an_unknown_base_url_asks_nobody_to_connect_until_a_connection_was_read_there(
    make_xkit, transport, answers
):
    xkit = make_xkit(base_url="https://xkit.example/api")
    transport.replies(answers.not_found(), answers.json({"connection": {"enabled": False}}), answers.not_found())

    with pytest.raises(PlatformProtocolError, match="404") as caught:
        xkit.get_credential("slack", context="a")
    assert "https://xkit.example/api," in caught.value.hint
    with pytest.raises(NotConnected):
        xkit.get_credential("slack", context="b")
    with pytest.raises(NotConnected):
        xkit.get_credential("slack", context="c")


def test_a_404_that_is_not_xkits_own_takes_nothing_away_that_is_held(make_xkit, transport, answers):
    xkit = make_xkit(max_age=0)
    transport.replies(answers.active("token-1"), answers.json("a page", status=404))

    assert [xkit.get_credential("slack", context="u").reveal() for _ in range(2)] == ["token-1", "token-1"]
    assert len(transport.calls) == 2


def test_f7_an_unavailable_user_is_not_asked_for_again_at_once(xkit, transport, answers):
    transport.replies(answers.not_found())

    errors = []
    for _ in range(2):
        with pytest.raises(NotConnected) as caught:
            xkit.get_credential("slack", context="u")
        errors.append(caught.value)

    assert len(transport.calls) == 1
    assert errors[0] is not errors[1]


@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
def test_a_call_that_waits_for_its_turn_when_a_pause_begins_fails_with_it(
    make_xkit, transport, answers, in_thread, method
):
    xkit = make_xkit(max_calls=1)
    transport.by_hand = True
    first = in_thread(lambda: xkit.get_credential("slack", context="first"))
    first_call = transport.next_call()
    queued = in_thread(lambda: getattr(xkit, method)("slack", context="queued"))
    wait_until_queued(xkit, 1)
    first_call.answer(answers.json({}, status=429, headers={"Retry-After": "60"}))

    for result, context in ((first, "first"), (queued, "queued")):
        with pytest.raises(PlatformRateLimited) as caught:
            result()
        assert caught.value.context == context
    assert len(transport.calls) == 1
    assert xkit.broker._here().flights == xkit.broker._here().readings == {}


def test_a_call_that_breaks_off_is_an_outage(xkit, transport):
    transport.replies(SystemExit("secret text"))

    with pytest.raises(PlatformUnavailable, match="SystemExit") as caught:
        xkit.get_credential("slack", context="u")
    assert "secret text" not in str(caught.value)


@pytest.fixture
def no_thread_starts(monkeypatch: Any) -> Any:
    """Inside of it this machine has no thread to give."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    @contextmanager
    def refusing() -> Any:
        with monkeypatch.context() as inside:
            inside.setattr(threading.Thread, "start", refuse)
            yield

    return refusing


@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
def test_without_a_thread_to_give_the_caller_makes_the_call(xkit, transport, no_thread_starts, method):
    with no_thread_starts():
        assert getattr(xkit, method)("slack", context="u")
        assert getattr(xkit, method)("slack", context="v")

    assert len(transport.calls) == 2


@pytest.mark.parametrize("method", ["aget_credential", "aget_connection"])
def test_without_a_thread_to_give_a_task_is_told_and_the_next_who_asks_tries_anew(xkit, no_thread_starts, method):
    with no_thread_starts(), pytest.raises(PlatformUnavailable, match="no thread"):
        asyncio.run(getattr(xkit, method)("slack", context="u"))

    assert asyncio.run(getattr(xkit, method)("slack", context="u"))


# In an outage


@pytest.fixture
def on_clock(make_xkit: Any, clock: Any) -> Any:
    def make(**arguments: Any) -> Xkit:
        xkit = make_xkit(**arguments)
        xkit.broker.cache.monotonic, xkit.broker.cache.wall = clock.monotonic, clock.wall
        return xkit

    return make


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 500},
        {"status": 429},
        {"status": 302},
        None,
    ],
)
def test_f5_a_held_credential_is_served_while_xkit_cannot_be_asked(on_clock, clock, transport, answers, failure):
    recorder = Recorder()
    xkit = on_clock(plugins=[recorder])
    xkit.get_credential("slack", context="u")
    clock.advance(400)
    transport.reply = lambda _call: NoAnswer("down") if failure is None else answers.json({}, **failure)

    for _ in range(2):
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"

    assert len(transport.calls) == 2  # the second time Xkit was left in peace
    assert recorder.events[-1].detail == "stale"


def test_a_rejected_credential_is_not_served_in_an_outage(on_clock, transport):
    xkit = on_clock()
    held = xkit.get_credential("slack", context="u")
    transport.reply = lambda _call: NoAnswer("down")

    for rejected in (held, None):
        with pytest.raises(PlatformUnavailable):
            xkit.get_credential("slack", context="u", rejected=rejected)


def test_f7_keys_that_xkit_refuses_are_no_outage(on_clock, clock, transport, answers):
    xkit = on_clock()
    xkit.get_credential("slack", context="u")
    clock.advance(400)
    transport.reply = lambda _call: answers.json({}, status=401)

    with pytest.raises(PlatformAuthenticationError):
        xkit.get_credential("slack", context="u")


def test_a_warm_credential_is_renewed_in_the_background_and_served_meanwhile(on_clock, clock, transport, answers):
    xkit = on_clock()
    xkit.get_credential("slack", context="u")
    transport.next_call()
    transport.by_hand = True
    clock.advance(299 * 0.9)

    assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    renewal = transport.next_call()
    renewal.answer(answers.active("token-2"))
    flight_ended(xkit)

    assert xkit.get_credential("slack", context="u").reveal() == "token-2"
    assert len(transport.calls) == 2


def flight_ended(xkit: Xkit) -> None:
    """Wait until no call for a credential is under way."""
    for flight in list(xkit.broker._here().flights.values()):
        assert flight.wait(20)


def test_renewal_waits_while_the_key_is_paused(on_clock, clock, transport, answers):
    xkit = on_clock()
    xkit.get_credential("slack", context="u")
    clock.advance(269)
    transport.reply = lambda _call: answers.json({}, status=429, headers={"Retry-After": "60"})
    with pytest.raises(PlatformRateLimited):
        xkit.get_credential("slack", context="other")

    assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    assert len(transport.calls) == 2
