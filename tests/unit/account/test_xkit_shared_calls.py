"""``Xkit``: calls that callers share, rejected credentials, and reading connections."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import trio

from xkit_auth import (
    Credential,
    NotConnected,
    PlatformUnavailable,
)
from xkit_auth._credentials.broker import _Wish
from xkit_auth._sources.platform import NoAnswer

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
