"""``Xkit``: forgetting, closing, webhooks, reconnect links and events."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from helpers.account_xkit import Recorder, wait_until_queued
from xkit_auth import (
    ConfigurationError,
    Connector,
    NotConnected,
    PlatformUnavailable,
    ReauthorizationRequired,
    Xkit,
    hookimpl,
)
from xkit_auth._sources.platform import NoAnswer


def webhook(event_type: str, connector: str = "slack", context: str = "u") -> bytes:
    payload = {"connector": {"slug": connector}, "context": {"external_id": context}}
    return json.dumps({"event_type": event_type, "payload": payload}).encode()


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
