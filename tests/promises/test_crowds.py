"""Many callers at once, in threads and tasks: they wait together and hold up nobody else."""

from __future__ import annotations

import gc
import signal
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

from helpers.crowds import (
    PATIENCE,
    acme,  # noqa: F401
    beside,
    client,
    run,
)
from xkit_auth import Connector, hookimpl
from xkit_auth._credentials.flight import Flight


@pytest.fixture
def waiting(monkeypatch):
    """Gives ``waiting(number)``: it returns once so many more callers wait for a call to Xkit, or have done so."""
    came = threading.Semaphore(0)
    wait, wait_async = Flight.wait, Flight.wait_async

    def noted(flight, timeout):
        came.release()
        return wait(flight, timeout)

    def anoted(flight, timeout):
        came.release()
        return wait_async(flight, timeout)

    def waiting(number):
        for _ in range(number):
            assert came.acquire(timeout=PATIENCE), "nobody else has come to wait"

    monkeypatch.setattr(Flight, "wait", noted)
    monkeypatch.setattr(Flight, "wait_async", anoted)
    return waiting


@contextmanager
def woken():
    """Fails if somebody inside was not woken, but noticed what had happened when their own time was up."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < PATIENCE


# A call that began before the refusal


class BeginsACall:
    """With the first refusal that it hears of there is a call to Xkit under way, begun just before."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self.xkit = None
        self.thread = None

    @hookimpl
    def xkit_auth_event(self, event):
        if event.kind == "rejected" and self.thread is None:
            self.xkit.forget()
            self.thread = threading.Thread(target=lambda: self.xkit.get_credential("acme", context="ann"))
            self.thread.start()
            self._sandbox.wait_for_calls(1)


@pytest.mark.parametrize("has_newer", [True, False])
def test_c15_what_an_older_call_brings_is_compared_and_asked_for_once_more(sandbox, driver, acme, waiting, has_newer):
    older = BeginsACall(sandbox)
    older.xkit = xkit = sandbox.xkit(plugins=[older])
    auth = driver.auth("acme", context="ann", xkit=xkit)
    assert driver.send("GET", acme.url, auth=auth).status == 200
    sandbox.expire("acme", "ann", renews=False)
    sandbox.clear()
    waiting(1)
    with ExitStack() as held:
        held.enter_context(sandbox.hold())
        with driver.together(1, "GET", acme.url, auth=auth) as replies:
            waiting(2)  # the older call's own caller, and ours
            assert sandbox.call_count() == 1
            if has_newer:
                sandbox.rotate("acme", "ann")
            held.close()
            (reply,) = replies()
    older.thread.join()
    assert (reply.status, reply.history) == ((200, [401]) if has_newer else (401, []))
    assert sandbox.call_count() == 2
    assert len(sandbox.arrivals("acme")) == (2 if has_newer else 1)
    assert driver.send("GET", acme.url, auth=auth).status == reply.status
    assert sandbox.call_count() == 2


# Who gives up


@pytest.mark.drivers(tasks=True)
@pytest.mark.parametrize("leaving", [[0], [2], [0, 1, 2]], ids=["the first", "the last", "everybody"])
def test_e4_tasks_that_are_cancelled_stop_waiting_alone(sandbox, driver, acme, waiting, leaving):
    import anyio

    statuses = {}

    async def crowd():
        async with client(driver, auth=acme.auth) as shared, anyio.create_task_group() as group:
            scopes = [anyio.CancelScope() for _ in range(3)]
            gone = [anyio.Event() for _ in range(3)]

            async def one(number):
                with scopes[number]:
                    statuses[number] = (await shared.get(acme.url)).status_code
                gone[number].set()

            with sandbox.hold(), anyio.fail_after(PATIENCE):
                for number in range(3):
                    group.start_soon(one, number)
                    await anyio.to_thread.run_sync(waiting, 1)
                for number in leaving:
                    scopes[number].cancel()
                    await gone[number].wait()
                assert statuses == {}
                assert [event.is_set() for event in gone] == [number in leaving for number in range(3)]

    run(driver, crowd)
    assert statuses == {number: 200 for number in range(3) if number not in leaving}
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert sandbox.call_count() == 1


class Interrupted(BaseException):
    """What Ctrl-C raises in the main thread, under a name of our own."""


@pytest.mark.drivers(sync=True)
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="threads cannot be interrupted here")
def test_e4_a_thread_that_is_interrupted_stops_waiting_alone(sandbox, driver, acme, waiting):
    raised, ended = [], threading.Event()

    def interrupt(_number, _frame):
        if not raised:
            raised.append(True)
            raise Interrupted

    def interrupt_the_main_one():
        waiting(4)
        while not ended.wait(0.01):  # again, because Python does not see a signal that comes just before it waits
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    interrupter = threading.Thread(target=interrupt_the_main_one)
    interrupter.start()
    try:
        with ExitStack() as held:
            held.enter_context(sandbox.hold())
            with driver.together(3, "GET", acme.url, auth=acme.auth) as others:
                with pytest.raises(Interrupted):
                    driver.send("GET", acme.url, auth=acme.auth)
                held.close()
                assert [reply.status for reply in others()] == [200] * 3
    finally:
        ended.set()
        interrupter.join()
        signal.signal(signal.SIGUSR1, before)
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert sandbox.call_count() == 1


# Threads and event loops


@pytest.mark.drivers(tasks=True)
def test_e6_one_auth_serves_one_loop_after_another(sandbox, driver, acme, xkit, waiting):
    for other in (driver, driver, beside(driver, "trio" if driver.loop == "asyncio" else "asyncio")):
        xkit.forget()
        sandbox.clear()
        with woken(), ExitStack() as held:
            held.enter_context(sandbox.hold())
            with other.together(10, "GET", acme.url, auth=acme.auth) as replies:
                waiting(10)
                held.close()
                assert [reply.status for reply in replies()] == [200] * 10
        assert sandbox.call_count() == 1
        sandbox.expire("acme", "ann")
        with woken(), other.together(10, "GET", acme.url, auth=acme.auth) as replies:
            assert [reply.status for reply in replies()] == [200] * 10
        assert sandbox.call_count() == 2


def everybody_at_once(sandbox, url, auths, waiting):
    """Let five requests each wait for one call on all of the drivers together, and then be refused together."""
    with woken(), ExitStack() as stack:
        held = stack.enter_context(ExitStack())
        held.enter_context(sandbox.hold())
        crowds = [stack.enter_context(driver.together(5, "GET", url, auth=auth)) for driver, auth in auths]
        waiting(5 * len(auths))
        held.close()
        assert [reply.status for replies in crowds for reply in replies()] == [200] * 5 * len(auths)
    assert sandbox.call_count() == 1
    sandbox.expire("acme", "ann")
    with woken(), ExitStack() as stack:
        crowds = [stack.enter_context(driver.together(5, "GET", url, auth=auth)) for driver, auth in auths]
        assert [reply.status for replies in crowds for reply in replies()] == [200] * 5 * len(auths)
    assert sandbox.call_count() == 2


@pytest.mark.drivers(httpx=True, sync=True)
def test_e6_e7_threads_and_loops_of_both_kinds_share_one_auth_and_its_calls(sandbox, driver, acme, waiting):
    drivers = [driver, *(beside(driver, loop) for loop in ("asyncio", "asyncio", "trio", "trio"))]
    everybody_at_once(sandbox, acme.url, [(each, acme.auth) for each in drivers], waiting)


@pytest.mark.needs_all
@pytest.mark.drivers(requests=True)
def test_e7_auths_of_every_library_share_the_calls_of_one_xkit(sandbox, driver, acme, xkit, waiting):
    drivers = [type(driver)(library, loop) for library in ("httpx", "httpx2") for loop in (None, "asyncio", "trio")]
    auths = [(each, each.auth("acme", context="ann", xkit=xkit)) for each in (driver, *drivers)]
    everybody_at_once(sandbox, acme.url, auths, waiting)


@pytest.mark.drivers(tasks=True)
def test_e5_e7_e8_a_loop_goes_on_while_one_users_call_is_held(sandbox, driver, acme):
    import anyio

    done = []

    async def both():
        async with client(driver) as shared, anyio.create_task_group() as group:

            async def one(user, auth):
                assert (await shared.get(acme.url, auth=auth)).status_code == 200
                done.append(user)

            sandbox.down("hang", times=1)
            group.start_soon(one, "ann", acme.auth)
            await anyio.to_thread.run_sync(sandbox.wait_for_calls, 1)
            await one("bob", acme.auth_of_bob)
            sandbox.up()

    run(driver, both)
    assert done == ["bob", "ann"]


@pytest.mark.drivers(tasks=True)
def test_e7_tasks_that_wait_take_no_thread_each(sandbox, driver, acme):
    import anyio

    async def crowd():
        before = set(threading.enumerate())
        async with client(driver, auth=acme.auth) as shared, anyio.create_task_group() as group:
            with sandbox.hold():
                for _ in range(20):
                    group.start_soon(shared.get, acme.url)
                await anyio.wait_all_tasks_blocked()
                return set(threading.enumerate()) - before

    # One of them asks Xkit; a loop may keep another one for business of its own.
    assert len(run(driver, crowd)) <= 2
    assert [arrival.status for arrival in sandbox.arrivals("acme")] == [200] * 20
    assert sandbox.call_count() == 1


# What is left half-way


# On trio an async generator that is dropped says so.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "dropped"])
def test_e10_a_flow_that_is_left_half_way_locks_nothing(sandbox, driver, xkit, is_closed):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-Api-Key": "{token}"}))
    sandbox.connect("acme", "ann")
    url = sandbox.provider_url("acme")
    auth = driver.auth("acme", context="ann", xkit=xkit)
    requests = [driver.lib.Request("GET", url) for _ in range(2)]

    def begun():
        """A flow whose request is under way, and one whose request is being sent again."""
        flows = [auth.sync_auth_flow(request) for request in requests]
        for flow, request in zip(flows, requests, strict=True):
            assert next(flow) is request
        sandbox.rotate("acme", "ann")
        assert flows[1].send(driver.lib.Response(401, request=requests[1])) is requests[1]
        return flows

    async def abegun():
        flows = [auth.async_auth_flow(request) for request in requests]
        for flow, request in zip(flows, requests, strict=True):
            assert await flow.__anext__() is request
        sandbox.rotate("acme", "ann")
        assert await flows[1].asend(driver.lib.Response(401, request=requests[1])) is requests[1]
        return flows

    async def leave():
        import anyio

        flows = await abegun()
        if is_closed:
            async with anyio.create_task_group() as others:
                for flow in flows:
                    others.start_soon(flow.aclose)
        else:
            del flows
            gc.collect()

    if driver.loop:
        run(driver, leave)
    else:
        flows = begun()
        if is_closed:
            for flow in flows:
                flow.close()
        else:
            del flows
            gc.collect()
    assert not any("x-api-key" in each.headers or "trace" in each.extensions for each in requests)
    assert driver.send("GET", url, auth=auth).status == 200
    sandbox.expire("acme", "ann")
    with driver.together(3, "GET", url, auth=auth) as replies:
        assert [reply.status for reply in replies()] == [200] * 3
    assert sandbox.call_count() == 3
