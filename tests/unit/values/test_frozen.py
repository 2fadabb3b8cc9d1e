"""A process that is frozen while a call to Xkit is under way: a Lambda between two events, a laptop with its lid shut.

One of the clocks, or both, stand a day later when it goes on. The call is dead, and that says nothing about Xkit.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import trio

from xkit_auth import Credential, PlatformUnavailable, Xkit
from xkit_auth._credentials.broker import awaited, waited
from xkit_auth._sources.platform import NoAnswer

A_DAY = 86_400.0
DIED = NoAnswer("the answer did not end in time")


class Time:
    """In the place of the module, where calls and pauses look at the clock."""

    def __init__(self, clock: Any) -> None:
        self.monotonic = clock.monotonic


@pytest.fixture(params=["both", "monotonic", "wall"])
def thaw(request: Any, clock: Any) -> Any:
    """Let a day go by on some of the clocks."""

    def after_a_day() -> None:
        clock.monotonic_now += A_DAY if request.param != "wall" else 0.0
        clock.wall_now += A_DAY if request.param != "monotonic" else 0.0

    return after_a_day


@pytest.fixture
def xkit(make_xkit: Any, clock: Any, monkeypatch: Any) -> Xkit:
    for module in ("_credentials.broker", "_credentials.calls"):
        monkeypatch.setattr(f"xkit_auth.{module}.time", Time(clock))
    xkit = make_xkit(max_age=10 * A_DAY)
    xkit.broker.cache.monotonic, xkit.broker.cache.wall = clock.monotonic, clock.wall
    return xkit


@pytest.fixture
def renewing(xkit: Any, transport: Any, clock: Any) -> Any:
    """The one held credential, and the call that renews it in the background: it is under way."""
    held = xkit.get_credential("slack", context="u")
    transport.next_call()
    transport.by_hand = True
    clock.advance(8.5 * A_DAY)
    assert xkit.get_credential("slack", context="u") == held
    return held, transport.next_call()


@pytest.mark.parametrize("ends_first", [True, False])
def test_after_the_thaw_a_refused_credential_is_asked_for_anew_whatever_becomes_of_the_dead_call(
    xkit, transport, answers, thaw, renewing, in_thread, ends_first
):
    held, dead = renewing
    thaw()
    if ends_first:
        dead.answer(DIED)
        at_rest(xkit)
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u", rejected=held))
    transport.next_call().answer(answers.active("token-2"))

    assert waiting().reveal() == "token-2"
    if not ends_first:
        dead.answer(DIED)
        at_rest(xkit)
    assert xkit.get_credential("slack", context="u").reveal() == "token-2"
    assert len(transport.calls) == 3


def at_rest(xkit: Xkit) -> None:
    """Wait until no call is under way."""
    calls = xkit.broker._here().calls
    while calls._running:
        pass


def test_a_dead_call_pauses_nobody_and_does_not_count_towards_an_outage(xkit, transport, thaw, in_thread):
    transport.by_hand = True
    waiting = [in_thread(lambda name=name: xkit.get_credential("slack", context=name)) for name in "abcde"]
    dead = [transport.next_call() for _ in waiting]
    thaw()
    for call in dead:
        call.answer(DIED)
    anew = [transport.next_call() for _ in waiting]
    calls = xkit.broker._here().calls
    assert not calls.pauses.of_key
    assert not calls.pauses._suspects
    for call in anew:
        call.answer(NoAnswer("reset"))
    for each in waiting:
        with pytest.raises(PlatformUnavailable, match="reset"):
            each()
    assert len(calls.pauses.of_key) == 5


def test_a_call_that_fails_in_its_time_pauses_its_key_as_before(xkit, transport, clock, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    call = transport.next_call()
    clock.advance(10)
    call.answer(DIED)

    with pytest.raises(PlatformUnavailable, match="did not end in time"):
        waiting()
    with pytest.raises(PlatformUnavailable, match="did not end in time"):
        xkit.get_credential("slack", context="u")
    assert len(transport.calls) == 1


@pytest.mark.parametrize("method", ["get_credential", "get_connection"])
def test_who_waited_when_the_process_froze_gets_the_answer_to_a_new_call(
    xkit, transport, answers, thaw, in_thread, method
):
    transport.by_hand = True
    waiting = in_thread(lambda: getattr(xkit, method)("slack", context="u"))
    dead = transport.next_call()
    thaw()
    dead.answer(DIED)
    transport.next_call().answer(answers.active("token-2"))

    answer = waiting()
    assert (answer if method == "get_credential" else answer.credential).reveal() == "token-2"


@pytest.mark.parametrize("loop", [None, trio.run, lambda function: asyncio.run(function())])
def test_who_waits_for_a_dead_call_that_never_ends_finds_out_with_the_next_look_at_the_clock(
    xkit, transport, answers, thaw, loop
):
    """The waiting is done by hand: the first wait ends without an answer, after a day."""
    transport.by_hand = True

    def steps() -> Any:
        asking = xkit.broker.asking("slack", "u", None, may_block=True)
        step = next(asking)
        transport.next_call()
        thaw()
        step = asking.send(False)
        transport.next_call().answer(answers.active("token-2"))
        while True:
            try:
                step = asking.send((yield step))
            except StopIteration as stop:
                return stop.value

    async def in_a_task() -> Any:
        return await awaited(steps())

    answer = waited(steps()) if loop is None else loop(in_a_task)
    assert answer.reveal() == "token-2"
    transport.calls[0].answer(DIED)


def test_after_three_dead_calls_in_a_row_the_failure_is_told(xkit, transport, thaw, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    for _ in range(3):
        call = transport.next_call()
        thaw()
        call.answer(DIED)

    with pytest.raises(PlatformUnavailable, match="did not end in time"):
        waiting()


def test_a_dead_call_that_brought_an_answer_all_the_same_is_believed(xkit, transport, answers, thaw, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    call = transport.next_call()
    thaw()
    call.answer(answers.active("token-1"))

    assert waiting() == Credential("token-1")


def test_a_hint_that_a_dead_call_was_about_keeps_its_turn(xkit, transport, answers, thaw, in_thread):
    xkit.get_credential("slack", context="u")
    transport.next_call()
    transport.by_hand = True
    xkit.broker.hint(("slack", "u"), bad=False)
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    dead = transport.next_call()
    thaw()
    dead.answer(DIED)
    transport.next_call().answer(answers.active("token-2"))

    assert waiting().reveal() == "token-2"
