"""One call, many waiters: in threads, on asyncio, on trio, and all of them together."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import trio
import trio.testing

from xkit_auth._credentials.flight import Flight

PATIENCE = 20.0


@pytest.fixture
def flight() -> Flight[str]:
    return Flight()


def somebody_waits(flight: Flight[Any], loops: int = 1) -> bool:
    return sum(len(alarms) for _, alarms in list(flight._rooms.values())) >= loops


@pytest.fixture(params=["asyncio", "trio"])
def run(request: Any) -> Any:
    """Run an async function to its end on one of the two loops."""
    return (lambda function: asyncio.run(function())) if request.param == "asyncio" else trio.run


async def pause() -> None:
    """Let the other tasks of this loop run."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await trio.lowlevel.checkpoint()
    else:
        await asyncio.sleep(0)


# How it ends


def test_it_ends_with_a_result(flight):
    assert not flight.ended

    flight.land("result")

    assert flight.ended
    assert (flight.result, flight.error) == ("result", None)
    assert flight.wait(PATIENCE)


def test_it_ends_with_an_error(flight):
    error = ValueError("x")

    flight.crash(error)

    assert flight.wait(PATIENCE)
    assert (flight.result, flight.error) == (None, error)


def test_it_ends_once(flight):
    flight.land("first")
    flight.land("second")
    flight.crash(ValueError("third"))

    assert (flight.result, flight.error) == ("first", None)


# Waiters


def test_a_thread_waits_until_it_ends(flight, in_thread):
    waiting = [in_thread(lambda: flight.wait(PATIENCE)) for _ in range(5)]
    flight.land("result")

    assert [result() for result in waiting] == [True] * 5


def test_a_task_waits_until_it_ends_in_another_thread(flight, run, in_thread):
    async def wait() -> Any:
        return await flight.wait_async(PATIENCE), flight.result

    waiting = in_thread(lambda: run(wait))
    while not somebody_waits(flight):
        pass
    flight.land("result")

    assert waiting() == (True, "result")


def test_a_task_waits_until_it_ends_in_the_same_loop(flight):
    async def on_asyncio() -> list[bool]:
        waiting = [asyncio.ensure_future(flight.wait_async(PATIENCE)) for _ in range(3)]
        await asyncio.sleep(0)
        flight.land("result")
        return await asyncio.gather(*waiting)

    assert asyncio.run(on_asyncio()) == [True] * 3


def test_threads_and_tasks_of_several_loops_wait_together(flight, in_thread):
    async def wait() -> bool:
        return await flight.wait_async(PATIENCE)

    async def many_on_asyncio() -> list[bool]:
        return await asyncio.gather(*(wait() for _ in range(10)))

    async def many_on_trio() -> list[bool]:
        ended: list[bool] = []

        async def one() -> None:
            ended.append(await wait())

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(one)
        return ended

    waiting = [
        in_thread(lambda: asyncio.run(many_on_asyncio())),
        in_thread(lambda: asyncio.run(many_on_asyncio())),
        in_thread(lambda: trio.run(many_on_trio)),
        in_thread(lambda: [flight.wait(PATIENCE)]),
    ]
    while not somebody_waits(flight, 30):
        pass
    assert len(flight._rooms) == 3  # one knock wakes all of a loop
    flight.land("result")

    assert [result() for result in waiting] == [[True] * 10, [True] * 10, [True] * 10, [True]]


def test_one_flight_serves_one_loop_after_another(run):
    for _ in range(3):
        flight: Flight[str] = Flight()

        async def wait(flight: Flight[str] = flight) -> bool:
            threading.Thread(target=flight.land, args=("result",)).start()
            return await flight.wait_async(PATIENCE)

        assert run(wait)


def test_who_comes_late_does_not_wait(flight, run):
    flight.land("result")

    async def wait() -> bool:
        return await flight.wait_async(PATIENCE)

    assert run(wait)
    assert flight.wait(0)


def test_it_may_end_while_somebody_is_about_to_wait(flight, run):
    class EndsWhenSomebodyEnters(Flight[str]):
        def _enter(self, *arguments: Any) -> bool:
            self.land("result")
            return super()._enter(*arguments)

    flight = EndsWhenSomebodyEnters()

    async def wait() -> bool:
        return await flight.wait_async(PATIENCE)

    assert run(wait)
    assert not somebody_waits(flight)


def test_a_thread_may_come_while_it_ends(flight):
    class EndsWhenSomebodyHasPutDownTheirAlarm(list[Any]):
        def append(self, alarm: Any) -> None:
            super().append(alarm)
            flight.land("result")

    flight._alarms = EndsWhenSomebodyHasPutDownTheirAlarm()

    assert flight.wait(PATIENCE)
    assert flight._alarms == []


# Who gives up


@pytest.mark.parametrize("timeout", [0.001, 0.0, -1.0])
def test_whose_time_is_up_is_told_that_it_has_not_ended(flight, run, timeout):
    async def wait() -> bool:
        return await flight.wait_async(timeout)

    assert run(wait) is False
    assert flight.wait(timeout) is False
    assert not somebody_waits(flight)
    flight.land("result")
    assert flight.wait(0)


def test_who_is_cancelled_on_asyncio_leaves_alone(flight):
    async def scenario() -> list[Any]:
        leaves, stays = (asyncio.ensure_future(flight.wait_async(PATIENCE)) for _ in range(2))
        await asyncio.sleep(0)
        assert somebody_waits(flight, 2)
        leaves.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaves
        assert not somebody_waits(flight, 2)
        assert not flight.ended
        flight.land("result")
        return [await stays]

    assert asyncio.run(scenario()) == [True]


def test_who_is_cancelled_on_trio_leaves_alone(flight):
    ended = []

    async def stays() -> None:
        ended.append(await flight.wait_async(PATIENCE))

    async def leaves(scope: trio.CancelScope) -> None:
        with scope:
            await flight.wait_async(PATIENCE)
            raise AssertionError("it was not cancelled")

    async def scenario() -> None:
        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stays)
            nursery.start_soon(leaves, scope)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
            await trio.testing.wait_all_tasks_blocked()
            assert not flight.ended
            flight.land("result")

    trio.run(scenario)
    assert ended == [True]


def test_who_is_cancelled_just_when_it_ends_harms_nobody(flight):
    async def scenario() -> bool:
        leaves, stays = (asyncio.ensure_future(flight.wait_async(PATIENCE)) for _ in range(2))
        await asyncio.sleep(0)
        leaves.cancel()
        flight.land("result")  # the alarm is rung for both, one of which is leaving
        with pytest.raises(asyncio.CancelledError):
            await leaves
        return await stays

    assert asyncio.run(scenario())


def test_an_alarm_that_is_rung_twice_harms_nobody(flight):
    async def scenario() -> bool:
        waiting = asyncio.ensure_future(flight.wait_async(PATIENCE))
        await asyncio.sleep(0)
        ((_, alarms),) = flight._rooms.values()
        alarms[0]()
        flight.land("result")
        return await waiting

    assert asyncio.run(scenario())


def test_a_loop_that_is_closed_while_its_tasks_wait_harms_nobody(flight):
    loop = asyncio.new_event_loop()

    async def wait() -> None:
        await flight.wait_async(PATIENCE)

    async def begin() -> Any:
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        return task

    task = loop.run_until_complete(begin())
    room = dict(flight._rooms)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    flight._rooms = room

    flight.land("result")

    assert flight.ended


def test_a_trio_that_has_ended_while_its_tasks_wait_harms_nobody(flight):
    rooms: dict[Any, Any] = {}

    async def begin() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flight.wait_async, PATIENCE)
            await trio.testing.wait_all_tasks_blocked()
            rooms.update(flight._rooms)
            nursery.cancel_scope.cancel()

    trio.run(begin)
    flight._rooms = rooms

    flight.land("result")

    assert flight.ended


def test_trio_as_a_guest_on_asyncio_is_trio(flight):
    """A task of trio that runs inside an asyncio loop is no task of asyncio."""
    outcome: list[Any] = []

    async def trio_main() -> bool:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, flight.land, "result")
            return await flight.wait_async(PATIENCE)

    async def host() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        trio.lowlevel.start_guest_run(
            trio_main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=done.set_result,
        )
        outcome.append((await done).unwrap())

    asyncio.run(host())
    assert outcome == [True]
