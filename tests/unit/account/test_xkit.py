"""Xkit as an application uses it, against an Xkit that the test plays itself. No HTTP client is involved."""

from __future__ import annotations

import asyncio
import copy
import ctypes
import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import trio

import xkit_auth
from xkit_auth import (
    ConfigurationError,
    Connector,
    Credential,
    HostNotAllowed,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
    Xkit,
    hookimpl,
)
from xkit_auth._credentials.broker import _Wish, _WishForCredential
from xkit_auth._sources.platform import NoAnswer


class Recorder:
    """A plugin that notes every event."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @hookimpl
    def xkit_auth_event(self, event: Any) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture
def environment(monkeypatch: Any, keys: Any) -> Any:
    monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", keys["publishable_key"])
    monkeypatch.setenv("XKIT_SECRET_KEY", keys["secret_key"])
    monkeypatch.delenv("XKIT_BASE_URL", raising=False)
    monkeypatch.setattr(Xkit, "_the_default", None)  # other tests may have left theirs, closed
    yield monkeypatch
    if Xkit._the_default is not None:
        Xkit._the_default.close()
    Xkit._the_default = None


def webhook(event_type: str, connector: str = "slack", context: str = "u") -> bytes:
    payload = {"connector": {"slug": connector}, "context": {"external_id": context}}
    return json.dumps({"event_type": event_type, "payload": payload}).encode()


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


# One call for many


def test_many_threads_with_an_empty_cache_make_one_call(xkit, transport, answers, in_thread):
    transport.by_hand = True
    waiting = [in_thread(lambda: xkit.get_credential("slack", context="u")) for _ in range(20)]
    transport.next_call().answer(answers.active("token-1"))

    assert {result().reveal() for result in waiting} == {"token-1"}
    assert len(transport.calls) == 1


def test_whoever_comes_between_the_turn_of_a_call_and_its_way_out_waits_for_it_too(
    xkit, transport, answers, in_thread, monkeypatch
):
    transport.by_hand = True
    has_its_turn, goes_out, run = threading.Event(), threading.Event(), _Wish.run
    its_turn: list[Any] = []

    def late(wish: Any) -> Any:
        its_turn.append(wish)
        has_its_turn.set()
        assert goes_out.wait(20)
        return run(wish)

    monkeypatch.setattr(_Wish, "run", late)
    result = in_thread(lambda: xkit.get_credential("slack", context="u"))
    assert has_its_turn.wait(20)
    flight, _ = next(xkit.broker.asking("slack", "u", None))
    goes_out.set()
    transport.next_call().answer(answers.active("token-1"))

    assert result().reveal() == "token-1"
    assert its_turn[0] is flight


def test_threads_tasks_and_trio_share_one_call(xkit, transport, answers, in_thread):
    transport.by_hand = True

    async def ask() -> Any:
        return await xkit.aget_credential("slack", context="u")

    waiting = [
        in_thread(lambda: xkit.get_credential("slack", context="u")),
        in_thread(lambda: asyncio.run(ask())),
        in_thread(lambda: trio.run(ask)),
    ]
    call = transport.next_call()
    call.answer(answers.active("token-1"))

    assert {result().reveal() for result in waiting} == {"token-1"}
    assert len(transport.calls) == 1


def test_a_slow_answer_for_one_user_keeps_no_other_waiting(xkit, transport, answers, in_thread):
    transport.by_hand = True
    slow = in_thread(lambda: xkit.get_credential("slack", context="slow"))
    slow_call = transport.next_call()
    transport.by_hand = False

    assert xkit.get_credential("slack", context="quick").reveal() == "token-1"
    slow_call.answer(answers.active("token-slow"))
    assert slow().reveal() == "token-slow"


def test_a_failure_is_shared_as_own_exceptions_with_one_cause(xkit, transport):
    cause = NoAnswer("down")
    waiting = [xkit.broker.asking("slack", "u", None) for _ in range(3)]
    transport.by_hand = True
    flights = [next(each)[0] for each in waiting]
    transport.next_call().answer(cause)
    errors = []
    for each, flight in zip(waiting, flights, strict=True):
        assert flight.wait(20)
        with pytest.raises(PlatformUnavailable) as caught:
            each.send(True)
        errors.append(caught.value)

    assert len({id(flight) for flight in flights}) == 1
    assert len({id(error) for error in errors}) == 3
    assert {error.__cause__ for error in errors} == {cause}


def test_a_waiter_whose_time_is_up_gives_up_alone(make_xkit, transport, answers):
    xkit = make_xkit(timeout=0.01)
    transport.by_hand = True

    with pytest.raises(PlatformUnavailable, match=r"within 0\.01 seconds"):
        xkit.get_credential("slack", context="u")
    flight = xkit.broker._here().flights["slack", "u"]
    transport.next_call().answer(answers.active("token-late"))
    assert flight.wait(20)

    assert xkit.get_credential("slack", context="u").reveal() == "token-late"
    assert len(transport.calls) == 1


def test_a_reader_whose_time_is_up_gives_up_alone(make_xkit, transport, answers):
    xkit = make_xkit(timeout=0.01)
    transport.by_hand = True

    with pytest.raises(PlatformUnavailable, match="seconds"):
        xkit.get_connection("slack", context="u")
    transport.next_call().answer(answers.active("token-late"))


def test_a_cancelled_task_stops_waiting_and_the_call_fills_the_cache(xkit, transport, answers):
    transport.by_hand = True

    async def cancelled() -> Any:
        task = asyncio.ensure_future(xkit.aget_credential("slack", context="u"))
        call = await asyncio.to_thread(transport.next_call)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return call

    call = asyncio.run(cancelled())
    flight = xkit.broker._here().flights["slack", "u"]
    call.answer(answers.active("token-1"))
    assert flight.wait(20)

    assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    assert len(transport.calls) == 1


def test_a_call_that_hangs_beyond_its_time_is_given_up_for_a_new_one(make_xkit, transport, answers, monkeypatch):
    xkit = make_xkit(timeout=0.01)
    monkeypatch.setattr("xkit_auth._credentials.broker._LOST_AFTER", -100.0)
    transport.by_hand = True
    with pytest.raises(PlatformUnavailable):
        xkit.get_credential("slack", context="u")
    hanging = transport.next_call()
    lost = xkit.broker._here().flights["slack", "u"]
    transport.by_hand = False
    transport.replies(answers.active("token-new"))
    xkit.broker._timeout = 20

    assert xkit.get_credential("slack", context="u").reveal() == "token-new"
    hanging.answer(answers.active("token-hung"))
    assert lost.wait(20)

    assert xkit.get_credential("slack", context="u").reveal() == "token-new"


# Rejected credentials


def test_a_rejected_credential_is_asked_for_again(xkit, transport, answers):
    transport.replies(answers.active("token-1"), answers.active("token-2"))
    first = xkit.get_credential("slack", context="u")

    assert xkit.get_credential("slack", context="u", rejected=first).reveal() == "token-2"
    assert xkit.get_credential("slack", context="u").reveal() == "token-2"
    assert xkit.get_credential("slack", context="u", rejected=first).reveal() == "token-2"
    assert len(transport.calls) == 2


def test_a_credential_that_xkit_confirms_is_returned_and_not_asked_for_again(xkit, transport):
    first = xkit.get_credential("slack", context="u")

    for _ in range(5):
        assert xkit.get_credential("slack", context="u", rejected=first) == first

    assert len(transport.calls) == 2


def test_a_rejection_by_many_at_once_makes_one_call(xkit, transport, answers, in_thread):
    first = xkit.get_credential("slack", context="u")
    transport.next_call()
    transport.by_hand = True
    waiting = [in_thread(lambda: xkit.get_credential("slack", context="u", rejected=first)) for _ in range(20)]
    transport.next_call().answer(answers.active("token-2"))

    assert {result().reveal() for result in waiting} == {"token-2"}
    assert len(transport.calls) == 2


def test_a_call_that_began_before_the_rejection_proves_nothing(xkit, transport, answers):
    transport.by_hand = True
    older = xkit.broker.asking("slack", "u", None)
    flight, _ = next(older)
    after_rejection = xkit.broker.asking("slack", "u", Credential("token-1"))
    assert next(after_rejection)[0] is flight
    transport.next_call().answer(answers.active("token-1"))
    assert flight.wait(20)

    second, _ = after_rejection.send(True)  # the older call brought what was rejected, so it is asked once more
    assert second is not flight
    transport.next_call().answer(answers.active("token-2"))
    assert second.wait(20)
    with pytest.raises(StopIteration) as stop:
        after_rejection.send(True)

    assert stop.value.value.reveal() == "token-2"
    assert xkit.get_credential("slack", context="u").reveal() == "token-2"


def test_it_is_asked_once_more_at_most(xkit, transport, answers):
    transport.by_hand = True
    flight, _ = next(xkit.broker.asking("slack", "u", None))
    asking = xkit.broker.asking("slack", "u", Credential("token-1"))
    next(asking)
    transport.next_call().answer(answers.active("token-1"))
    assert flight.wait(20)
    second, _ = asking.send(True)
    transport.next_call().answer(answers.active("token-1"))
    assert second.wait(20)

    with pytest.raises(StopIteration) as stop:
        asking.send(True)
    assert stop.value.value.reveal() == "token-1"


def test_an_older_call_that_brings_another_credential_will_do(xkit, transport, answers):
    transport.by_hand = True
    flight, _ = next(xkit.broker.asking("slack", "u", None))
    asking = xkit.broker.asking("slack", "u", Credential("token-1"))
    next(asking)
    transport.next_call().answer(answers.active("token-2"))
    assert flight.wait(20)

    with pytest.raises(StopIteration) as stop:
        asking.send(True)
    assert stop.value.value.reveal() == "token-2"


def test_a_second_refusal_leaves_the_key_alone(xkit, transport):
    first = xkit.get_credential("slack", context="u")
    xkit.broker.leave_alone(("slack", "u"), first)

    assert xkit.get_credential("slack", context="u", rejected=first) is first
    assert len(transport.calls) == 1


# Connections


def test_a_connection_is_read_from_xkit_each_time(xkit, transport):
    for _ in range(2):
        connection = xkit.get_connection("slack", context="u")
        assert (connection.enabled, connection.status) == (True, "active")

    assert len(transport.calls) == 2


def test_a_disabled_connection_is_data_and_an_unknown_one_is_an_error(xkit, transport, answers):
    transport.replies(answers.json({"connection": {"enabled": False}}), answers.not_found())

    assert xkit.get_connection("slack", context="u").enabled is False
    with pytest.raises(NotConnected):
        xkit.get_connection("slack", context="u")


def test_reading_a_usable_connection_refreshes_what_is_held(xkit, transport, answers):
    transport.replies(answers.active("token-1"), answers.active("token-2"))
    xkit.get_credential("slack", context="u")
    xkit.get_connection("slack", context="u")

    assert xkit.get_credential("slack", context="u").reveal() == "token-2"
    assert len(transport.calls) == 2


@pytest.mark.parametrize("reply", ["disabled", "in error", "unknown"])
def test_reading_a_connection_that_cannot_be_used_drops_what_is_held(xkit, transport, answers, reply):
    unusable = {
        "disabled": answers.json({"connection": {"enabled": False}}),
        "in error": answers.in_error(),
        "unknown": answers.not_found(),
    }[reply]
    transport.replies(answers.active("token-1"), unusable, answers.active("token-2"))
    xkit.get_credential("slack", context="u")
    try:
        xkit.get_connection("slack", context="u")
    except NotConnected:
        assert reply == "unknown"

    assert xkit.get_credential("slack", context="u").reveal() == "token-2"


def test_a_failure_to_read_drops_nothing(xkit, transport, answers):
    transport.replies(answers.active("token-1"), answers.json({}, status=500))
    xkit.get_credential("slack", context="u")
    with pytest.raises(PlatformUnavailable):
        xkit.get_connection("slack", context="u")

    assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_a_connection_that_was_read_is_newer_than_a_call_begun_before(xkit, transport, answers, in_thread):
    transport.by_hand = True
    older = in_thread(lambda: xkit.get_credential("slack", context="u"))
    older_call = transport.next_call()
    transport.by_hand = False
    transport.replies(answers.active("token-read"))
    xkit.get_connection("slack", context="u")
    older_call.answer(answers.active("token-older"))

    assert older().reveal() == "token-older"
    assert xkit.get_credential("slack", context="u").reveal() == "token-read"


def test_a_connection_that_was_read_before_a_rejection_does_not_bring_the_rejected_one_back(
    xkit, transport, answers, in_thread
):
    rejected = xkit.get_credential("slack", context="u")
    transport.next_call()
    transport.by_hand = True
    reading = in_thread(lambda: xkit.get_connection("slack", context="u"))
    reading_call = transport.next_call()
    asking = in_thread(lambda: xkit.get_credential("slack", context="u", rejected=rejected))
    asking_call = transport.next_call()
    reading_call.answer(answers.active("token-1"))
    assert reading().credential == rejected
    asking_call.answer(answers.active("token-2"))
    assert asking().reveal() == "token-2"

    assert xkit.get_credential("slack", context="u").reveal() == "token-2"


# Forgetting and closing


def test_what_is_forgotten_is_asked_for_again(xkit, transport):
    keys = [("slack", "u"), ("slack", "v"), ("github", "u"), ("github", "v")]

    def asked_again(*forget: Any, **named: Any) -> set[tuple[str, str]]:
        for connector, context in keys:
            xkit.get_credential(connector, context=context)
        xkit.forget(*forget, **named)
        again = set()
        for key in keys:
            before = len(transport.calls)
            xkit.get_credential(key[0], context=key[1])
            if len(transport.calls) > before:
                again.add(key)
        return again

    assert asked_again("slack", context="u") == {("slack", "u")}
    assert asked_again("slack") == {("slack", "u"), ("slack", "v")}
    assert asked_again(context="u") == {("slack", "u"), ("github", "u")}
    assert asked_again() == set(keys)
    assert asked_again("slack", context="nobody") == set()


def test_a_user_who_is_given_as_a_connector_is_not_forgotten_in_silence(xkit):
    for wrong in ({"connector": "user-42"}, {"connector": "user-42", "context": "slack"}):
        xkit.get_credential("slack", context="user-42")
        with pytest.raises(ConfigurationError, match=r"Nobody knows a connector.*'user-42'.*forget\(context=…\)"):
            xkit.forget(**wrong)


def test_a_connector_that_somebody_knows_is_forgotten_whether_it_is_held_or_not(xkit, transport):
    own = Xkit(publishable_key="pk", secret_key="sk", connectors={"my-acme": "acme"}, plugins=[_Acme()])
    for slug in ("my-acme", "acme", "also-acme"):
        own.forget(slug)
    own.forget("of-no-plugin", context="user-42")  # which some other process may use with hosts=

    xkit.get_credential("of-no-plugin", context="u")
    for _ in range(2):
        xkit.forget("of-no-plugin")


class _Acme:
    @hookimpl
    def xkit_auth_connectors(self):
        return [Connector("acme", aliases=["also-acme"], hosts=["acme.example"])]


@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
@pytest.mark.parametrize(
    "forget", [{}, {"connector": "slack"}, {"context": "u"}, {"connector": "slack", "context": "u"}]
)
def test_forgetting_outdates_calls_under_way(xkit, transport, answers, in_thread, method, forget):
    transport.by_hand = True
    waiting = in_thread(lambda: getattr(xkit, method)("slack", context="u"))
    call = transport.next_call()
    xkit.forget(**forget)
    call.answer(answers.active("token-outdated"))
    got = waiting()
    assert (got if method == "get_credential" else got.credential).reveal() == "token-outdated"

    transport.by_hand = False
    assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_forgetting_one_key_leaves_calls_for_others_alone(xkit, transport, answers, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    call = transport.next_call()
    xkit.forget("slack", context="v")
    xkit.forget("github", context="u")
    call.answer(answers.active("token-1"))
    waiting()

    xkit.get_credential("slack", context="u")
    assert len(transport.calls) == 1


def test_an_outdated_failure_is_not_remembered(xkit, transport, answers, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    call = transport.next_call()
    xkit.forget()
    call.answer(answers.not_found())
    with pytest.raises(NotConnected):
        waiting()

    transport.by_hand = False
    assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_closed_it_asks_nobody_and_says_so(xkit, transport):
    xkit.get_credential("slack", context="u")
    xkit.close()
    xkit.close()

    for method in (xkit.get_credential, xkit.get_connection):
        with pytest.raises(ConfigurationError, match="closed"):
            method("slack", context="u")
    assert len(transport.calls) == 1


def test_closing_holds_nothing_any_more(xkit):
    xkit.get_credential("slack", context="u")
    xkit.close()

    assert list(xkit.broker.cache.keys(None, None)) == []


def test_closing_drops_what_calls_under_way_bring(xkit, transport, answers, in_thread):
    transport.by_hand = True
    waiting = [
        in_thread(lambda: xkit.get_credential("slack", context="u")),
        in_thread(lambda: xkit.get_connection("slack", context="v")),
    ]
    calls = [transport.next_call(), transport.next_call()]
    xkit.close()
    for call in calls:
        call.answer(answers.active("token-late"))
    for result in waiting:
        result()

    assert list(xkit.broker.cache.keys(None, None)) == []


@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
def test_closing_fails_the_calls_that_have_not_begun(make_xkit, transport, answers, in_thread, method):
    xkit = make_xkit(max_calls=1)
    transport.by_hand = True
    first = in_thread(lambda: xkit.get_credential("slack", context="first"))
    first_call = transport.next_call()
    queued = in_thread(lambda: getattr(xkit, method)("slack", context="queued"))
    wait_until_queued(xkit, 1)
    xkit.close()

    with pytest.raises(PlatformUnavailable, match="closed"):
        queued()
    first_call.answer(answers.active("token-1"))
    assert first().reveal() == "token-1"


def wait_until_queued(xkit: Xkit, number: int) -> None:
    for _ in range(100_000):
        with xkit.broker._here().lock:
            if len(xkit.broker._here().calls._queue) == number:
                return
        os.sched_yield()
    raise AssertionError("nothing was queued")


def test_it_closes_as_a_context_manager(make_xkit, transport):
    with make_xkit() as xkit:
        xkit.get_credential("slack", context="u")
    assert xkit.broker.is_closed

    async def use() -> None:
        async with make_xkit() as other:
            await other.aget_credential("slack", context="u")
        assert other.broker.is_closed

    asyncio.run(use())


# Webhooks


@pytest.mark.parametrize("event_type", ["connection.enabled", "connection.disabled", "connection.errored"])
def test_a_webhook_makes_the_next_use_ask_again(xkit, transport, answers, event_type):
    transport.replies(answers.active("token-1"), answers.active("token-2"))
    xkit.get_credential("slack", context="u")

    event = xkit.handle_webhook(webhook(event_type))

    assert (event.event_type, event.connector, event.context) == (event_type, "slack", "u")
    assert len(transport.calls) == 1
    assert xkit.get_credential("slack", context="u").reveal() == "token-2"


@pytest.mark.parametrize(
    ("event_type", "is_served"),
    [("connection.enabled", True), ("connection.disabled", False), ("connection.errored", False)],
)
def test_after_bad_news_a_credential_is_not_served_through_an_outage(xkit, transport, event_type, is_served):
    xkit.get_credential("slack", context="u")
    xkit.handle_webhook(webhook(event_type))
    transport.reply = lambda _call: NoAnswer("down")

    if is_served:
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    else:
        with pytest.raises(PlatformUnavailable):
            xkit.get_credential("slack", context="u")


def test_an_unknown_webhook_and_one_about_somebody_else_change_nothing(xkit, transport):
    xkit.get_credential("slack", context="u")
    assert xkit.handle_webhook(webhook("connection.renamed")).event_type == "connection.renamed"
    xkit.handle_webhook(webhook("connection.disabled", context="v"))

    xkit.get_credential("slack", context="u")
    assert len(transport.calls) == 1


def test_a_malformed_webhook_is_a_value_error(xkit):
    with pytest.raises(ValueError, match="webhook"):
        xkit.handle_webhook(b"{}")


# The link for connecting again


def test_a_template_makes_the_link_with_every_character_encoded(make_xkit, transport, answers):
    xkit = make_xkit(reconnect_url="https://app.example/{connector}?user={context}")
    transport.reply = lambda _call: answers.not_found()

    with pytest.raises(NotConnected) as caught:
        xkit.get_credential("slack", context="a/b&c d")

    assert caught.value.reconnect_url == "https://app.example/slack?user=a%2Fb%26c%20d"
    assert caught.value.reconnect_url in str(caught.value)


def test_a_function_makes_the_link_from_both_names(make_xkit, transport, answers):
    xkit = make_xkit(reconnect_url=lambda context, connector: f"{connector}:{context}")
    transport.reply = lambda _call: answers.in_error()

    async def ask() -> None:
        await xkit.aget_credential("slack", context="u")

    with pytest.raises(ReauthorizationRequired) as caught:
        asyncio.run(ask())
    assert caught.value.reconnect_url == "slack:u"


def test_other_errors_have_no_link(make_xkit, transport, answers):
    xkit = make_xkit(reconnect_url="https://app.example/")
    transport.reply = lambda _call: answers.json({}, status=500)

    with pytest.raises(PlatformUnavailable) as caught:
        xkit.get_connection("slack", context="u")
    assert "app.example" not in str(caught.value)


# Events and re-entrancy


def test_plugins_are_told_what_happens_without_any_secret(make_xkit, transport, answers):
    recorder = Recorder()
    xkit = make_xkit(plugins=[recorder])
    transport.replies(answers.active("token-1"), answers.not_found(), answers.json({}, status=500))
    held = xkit.get_credential("slack", context="u")
    xkit.get_credential("slack", context="u")
    with pytest.raises(NotConnected):
        xkit.get_credential("slack", context="v")
    with pytest.raises(PlatformUnavailable):
        xkit.get_credential("slack", context="w")
    xkit.close()
    ended(xkit)

    told = [(event.kind, event.context, event.fingerprint, event.detail) for event in recorder.events]
    assert sorted(told, key=str) == sorted(
        [
            ("fetched", "u", held.fingerprint, None),
            ("cache_hit", "u", held.fingerprint, None),
            ("unavailable", "v", None, "NotConnected"),
            ("fetch_failed", "w", None, "PlatformUnavailable"),
        ],
        key=str,
    )
    assert "token-1" not in repr(recorder.events)


def ended(xkit: Xkit) -> None:
    """Wait until the threads of a closed Xkit have ended."""
    for thread in threading.enumerate():
        if thread.name == "xkit-auth" and thread.ident is not None:  # not one whose start was interrupted
            thread.join(20)


def test_a_listener_that_exits_keeps_no_caller_waiting(make_xkit):
    class Exits:
        @hookimpl
        def xkit_auth_event(self, event: Any) -> None:
            if event.kind in ("fetched", "fetch_failed"):
                raise SystemExit

    xkit = make_xkit(plugins=[Exits()], max_calls=1)
    for context in "abc":
        assert xkit.get_credential("slack", context=context).reveal() == "token-1"


def test_a_listener_that_raises_disturbs_nobody(make_xkit, caplog):
    class Broken:
        @hookimpl
        def xkit_auth_event(self) -> None:
            raise RuntimeError("secret text")

    recorder = Recorder()
    xkit = make_xkit(plugins=[Broken(), recorder])
    for _ in range(3):
        xkit.get_credential("slack", context="u")
    xkit.close()
    ended(xkit)

    assert sorted(recorder.kinds) == ["cache_hit", "cache_hit", "fetched"]
    assert len(caplog.records) == 1
    assert "Broken" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "secret text" not in caplog.text


@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
def test_asking_from_inside_a_call_is_an_error_and_no_deadlock(make_xkit, method):
    errors = []

    class Asking:
        @hookimpl
        def xkit_auth_event(self, event: Any) -> None:
            if event.kind == "fetched":
                try:
                    getattr(xkit, method)("slack", context="other")
                except Exception as error:
                    errors.append(error)

    xkit = make_xkit(plugins=[Asking()], max_calls=1)
    xkit.get_credential("slack", context="u")
    xkit.close()
    ended(xkit)

    (error,) = errors
    assert isinstance(error, ConfigurationError)
    assert "inside a call" in str(error)


# The process's own


def test_the_default_is_made_when_it_is_first_needed_and_stays(environment):
    assert Xkit._the_default is None

    first = Xkit.default()

    assert Xkit.default() is first
    assert first.is_settled


def test_without_keys_there_is_no_default(environment):
    environment.delenv("XKIT_PUBLISHABLE_KEY")

    with pytest.raises(ConfigurationError, match="XKIT_PUBLISHABLE_KEY"):
        Xkit.default()


def test_a_closed_default_makes_way_for_a_new_one(environment):
    first = Xkit.default()
    first.close()

    assert Xkit.default() is not first
    assert not Xkit.default().broker.is_closed


def test_beside_another_account_there_is_no_default(environment):
    default = Xkit.default()
    other = Xkit(publishable_key="pk_other", secret_key="sk_other")
    assert not default.is_settled  # auth objects that rely on it look again

    with pytest.raises(ConfigurationError, match="xkit="):
        Xkit.default()
    other.close()
    assert Xkit.default() is default
    assert default.is_settled


def test_another_xkit_of_the_same_account_does_no_harm(environment, keys):
    with Xkit(**keys):
        assert Xkit.default().is_settled


def test_an_xkit_that_nobody_holds_any_more_does_no_harm(environment):
    other = Xkit(publishable_key="pk_other", secret_key="sk_other")
    del other
    gc.collect()

    assert Xkit.default()


# Copies and pickles


def test_a_copy_of_an_xkit_is_the_same_xkit(xkit):
    assert copy.copy(xkit) is copy.deepcopy(xkit) is xkit


def test_an_xkit_does_not_pickle(xkit):
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(xkit)


# The HTTP library


def test_the_first_adapter_in_use_is_the_one_that_calls_xkit(keys, adapter, transport):
    with Xkit(**keys) as xkit:
        xkit.broker.prefer(adapter)
        xkit.broker.prefer("another_one")
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    assert len(transport.calls) == 1


def test_without_any_http_library_the_error_says_how_to_get_one():
    program = """
import sys
sys.modules.update(requests=None, httpx=None, httpx2=None)
import xkit_auth
try:
    xkit_auth.Xkit(publishable_key="pk", secret_key="sk").get_credential("slack", context="u")
except xkit_auth.ConfigurationError as error:
    print(error.connector, error.context, error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.startswith("slack u No HTTP library is installed")
    assert "install xkit-auth[httpx]," in ran.stdout


LIBRARIES = ["httpx2", "httpx", "requests"]


def test_adapters_whose_library_is_missing_are_passed_over(keys, monkeypatch):
    for library in LIBRARIES:
        monkeypatch.setitem(sys.modules, f"xkit_auth.{library}", None)  # as good as not installed

    with Xkit(**keys) as xkit, pytest.raises(ConfigurationError, match="No HTTP library"):
        xkit.get_credential("slack", context="u")


@pytest.mark.parametrize("installed", LIBRARIES)
def test_the_first_adapter_whose_library_is_there_makes_the_calls(keys, monkeypatch, transport, installed):
    for library in LIBRARIES:
        module = None if library != installed else types.SimpleNamespace(open_transport=lambda **_options: transport)
        monkeypatch.setitem(sys.modules, f"xkit_auth.{library}", module)

    with Xkit(**keys) as xkit:
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_a_direct_call_uses_the_first_library_that_is_installed(keys):
    with Xkit(**keys, base_url="http://127.0.0.1:1") as xkit:
        with pytest.raises(PlatformError):
            xkit.get_credential("slack", context="u")
        installed = type(xkit.broker._transport).__module__

    assert installed in ("xkit_auth._clients.httpx.transport", "xkit_auth._clients.requests.transport")


# Fork


@pytest.fixture(params=["Python's", "C's"])
def in_child(request: Any) -> Any:
    """Run a check in a forked child, which ends without any cleaning up. Of a fork in C, Python learns nothing."""
    return partial(run_in_child, os.fork if request.param == "Python's" else ctypes.PyDLL(None).fork)


def run_in_child(fork: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads, which are the point here
        child = fork()
    if child == 0:
        status = 1
        signal.alarm(20)  # a child that hangs is ended, and the test fails
        try:
            check()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_a_forked_child_serves_what_was_held_and_asks_with_threads_of_its_own(xkit, transport, in_child):
    xkit.get_credential("slack", context="u")
    calls_before = len(transport.calls)

    def check() -> None:
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
        assert len(transport.calls) == calls_before
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="other").reveal() == "token-1"

    in_child(check)
    assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_a_forked_child_inherits_no_call_that_was_under_way(xkit, transport, answers, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    call = transport.next_call()

    def check() -> None:
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"

    run_in_child(os.fork, check)
    call.answer(answers.active("token-parent"))
    assert waiting().reveal() == "token-parent"


def test_a_call_under_way_whose_thread_is_not_in_this_process_is_waited_for_by_nobody(xkit, transport, in_child):
    # Without a thread: a fork in C while one does something in Python would leave the interpreter itself locked.
    here = xkit.broker._here()
    wish = _WishForCredential(("slack", "u"), xkit.broker, here)
    here.flights[wish.key] = wish
    here.calls._begin(wish, time.monotonic())

    def check() -> None:
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"

    in_child(check)


def test_a_fork_while_other_threads_hold_every_lock_leaves_the_child_free(xkit, transport, in_thread, in_child):
    def check() -> None:
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
        xkit.directory.plugins()

    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with xkit.broker._here().lock, xkit.directory._lock(), Xkit._default_lock():
            holding.set()
            done.wait(20)

    held = in_thread(hold)
    holding.wait(20)
    try:
        in_child(check)
    finally:
        done.set()
    held()


def test_the_default_of_a_forked_child_is_free_to_be_made(environment, keys, in_child):
    with Xkit._default_lock():
        in_child(Xkit.default)


def test_the_errors_that_are_not_about_xkit_are_part_of_the_same_tree():
    assert issubclass(HostNotAllowed, xkit_auth.XkitAuthError)


# Denied for want of rights


def test_nobody_is_asked_in_the_background_for_what_must_not_be_asked_now(make_xkit, transport, answers):
    xkit = make_xkit()
    held = xkit.get_credential("slack", context="u")
    transport.replies(NoAnswer("down"))
    with pytest.raises(PlatformUnavailable):
        xkit.get_connection("slack", context="u")
    xkit.broker.denied(("slack", "u"), held)  # while the key is left alone
    here = xkit.broker._here()
    with here.lock:
        here.calls.pauses.answered(("slack", "u"))
        xkit.broker.denied(("slack", "u"), held)  # as in a signal handler that has interrupted this very thread
    xkit.close()
    xkit.broker.denied(("slack", "u"), held)

    assert len(transport.calls) == 2
