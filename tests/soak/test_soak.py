"""The soak: a crowd of users in threads and tasks, while credentials rotate, Xkit fails, requests are cancelled and
processes fork. It lasts three seconds; ``pytest tests/soak --soak 600`` lasts ten minutes.
"""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from contextvars import ContextVar

import pytest

from xkit_auth import XkitAuthError

USERS = [f"user-{number}" for number in range(200)]
CONNECTORS = ("slack", "github", "acme")
PATHS = {"slack": "/api/auth.test", "github": "/user", "acme": "/things"}
MAX_AGE = 2.0
SHORTEST_HOLD = MAX_AGE * 0.9 * 0.8  # with the most jitter, and renewed at four fifths of that
OUTAGES = ("500", "502", "503", "429", "reset", "garbage", "hang")

user_now: ContextVar[str] = ContextVar("user_now")


class World:
    """Users, their credentials, what has been done to them, and what has become of each request."""

    def __init__(self, sandbox, seconds):
        self.sandbox = sandbox
        self.urls = {connector: sandbox.provider_url(connector) + PATHS[connector] for connector in CONNECTORS}
        self.owners = {}
        self.rotations = Counter()
        self.injected = 0
        self.extra_calls = 0
        self.outcomes = Counter()
        self.surprises = []
        self._lock = threading.Lock()
        for user in USERS:
            self.connect(user)
        self.xkit = sandbox.xkit(timeout=5, max_age=MAX_AGE, max_stale=60)
        # What is imported for the first call must not be in the middle of that when a child is made of the process.
        self.xkit.get_credential(CONNECTORS[0], context=USERS[-1])
        self.extra_calls += 1
        self.began = time.monotonic()
        self.over = threading.Event()
        self.ends = self.began + seconds

    def connect(self, user):
        for connector in CONNECTORS:
            self.owners[self.sandbox.connect(connector, user)] = (connector, user)

    @property
    def goes_on(self):
        return time.monotonic() < self.ends and not self.over.is_set()

    def pick(self):
        """A connector and a user, some more often than others."""
        return random.choice(CONNECTORS), USERS[int(random.triangular(0, len(USERS) - 1, 0))]

    def note(self, outcome):
        with self._lock:
            self.outcomes[outcome] += 1

    def surprise(self, what):
        with self._lock:
            self.surprises.append(what)

    def look_at(self, connector, user, response):
        """What a provider answered: it says itself whose credential it saw, or that it took none."""
        answer = response.json()
        is_refused = response.status_code == 401 or answer.get("ok") is False
        named = answer.get("login") or answer.get("user")
        if is_refused:
            # Two in a row are the caller's, and then Xkit is left alone for a while: it takes two rotations.
            if self.rotations[connector, user] < 2:
                self.surprise(f"{connector} refused {user}, whose credential was rotated less than twice")
            self.note("refused")
        elif response.status_code != 200 or (connector != "acme" and named != user):
            self.surprise(f"{connector} answered {response.status_code} for {named} to {user}")
        else:
            self.note("answered")

    # What goes wrong

    def wreak_havoc(self):
        while self.goes_on:
            if random.random() < 0.95:
                self.rotate()
            else:
                self.break_xkit()
            self.over.wait(random.uniform(0, 0.04))
        self.sandbox.up()

    def rotate(self):
        key = self.pick()
        self.rotations[key] += 1  # before: a request may meet it at once
        self.owners[self.sandbox.rotate(*key)] = key

    def break_xkit(self):
        how, times = random.choice(OUTAGES), random.randint(1, 3)
        self.injected += times
        self.sandbox.down(how, times=times, retry_after=0.05 if how == "429" else None)
        if how == "hang":
            self.over.wait(0.05)
            self.sandbox.up()

    # Who sends requests

    def send_from_a_thread(self, session, auths):
        while self.goes_on:
            connector, user = self.pick()
            user_now.set(user)
            try:
                response = session.get(
                    self.urls[connector], auth=auths[connector], headers={"x-user": user}, timeout=30
                )
            except XkitAuthError as error:
                self.note(type(error).__name__)
            else:
                self.look_at(connector, user, response)

    async def send_from_a_task(self, client, auths):
        import anyio

        while self.goes_on:
            connector, user = self.pick()
            user_now.set(user)
            patience = random.choice((30, 30, random.uniform(0, 0.05)))
            with anyio.move_on_after(patience) as scope:
                try:
                    response = await client.get(
                        self.urls[connector], auth=auths[connector], headers={"x-user": user}, timeout=30
                    )
                except XkitAuthError as error:
                    self.note(type(error).__name__)
                else:
                    self.look_at(connector, user, response)
            if scope.cancelled_caught:
                self.note("cancelled")

    def fork(self, number):
        """A child asks with what it has inherited, and for a user that nobody has asked for."""
        newcomer = f"child-{number}"
        self.connect(newcomer)
        others = [random.choice(USERS) for _ in range(2)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads, which are the point
            child = os.fork()
        if child == 0:
            status = 1
            # A child that hangs shows where, and is ended, and the test fails.
            faulthandler.register(signal.SIGALRM, chain=True)
            signal.alarm(60)
            try:
                status = self.run_as_child([newcomer, *others])
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        self.extra_calls += len(CONNECTORS) * (1 + 3 * len(others))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 0:
            self.surprise(f"child {number} ended with {status}")

    def run_as_child(self, users):
        import requests

        import xkit_auth.requests

        self._lock = threading.Lock()  # a thread that is not here may have had the other
        self.surprises.clear()
        self.rotations.update((connector, user) for connector in CONNECTORS for user in users for _ in range(2))
        for user in users:
            for connector in CONNECTORS:
                auth = xkit_auth.requests.XkitAuth(connector, context=user, xkit=self.xkit)
                try:
                    headers = {"x-user": user}
                    response = requests.get(self.urls[connector], auth=auth, headers=headers, timeout=30)
                except XkitAuthError:
                    continue
                self.look_at(connector, user, response)
        sys.stderr.writelines(f"{surprise}\n" for surprise in self.surprises)
        return len(self.surprises)


@pytest.fixture
def seconds(request):
    return request.config.getoption("--soak")


def in_thread(world, work, *arguments):
    def run():
        try:
            work(*arguments)
        except BaseException as error:
            world.surprise(repr(error))
            world.over.set()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def threads_of_clients(world):
    """Two threads for each sync client, each with a session of its own."""
    import httpx
    import httpx2
    import requests

    import xkit_auth.httpx
    import xkit_auth.httpx2
    import xkit_auth.requests

    def work(open_session, adapter):
        auths = {one: adapter.XkitAuth(one, context=user_now, xkit=world.xkit) for one in CONNECTORS}
        with open_session() as session:
            world.send_from_a_thread(session, auths)

    kinds = [(requests.Session, xkit_auth.requests), (httpx.Client, xkit_auth.httpx), (httpx2.Client, xkit_auth.httpx2)]
    return [in_thread(world, work, *kind) for kind in kinds for _ in range(2)]


def threads_of_loops(world):
    """An event loop in a thread for each async client, and one of trio, with ten tasks in each."""
    import anyio
    import httpx
    import httpx2

    import xkit_auth.httpx
    import xkit_auth.httpx2

    async def main(library, adapter):
        auths = {one: adapter.XkitAuth(one, context=user_now, xkit=world.xkit) for one in CONNECTORS}
        async with library.AsyncClient() as client, anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(world.send_from_a_task, client, auths)

    def run(loop, *arguments):
        anyio.run(main, *arguments, backend=loop)

    kinds = [
        ("asyncio", httpx, xkit_auth.httpx),
        ("asyncio", httpx2, xkit_auth.httpx2),
        ("trio", httpx, xkit_auth.httpx),
    ]
    return [in_thread(world, run, *kind) for kind in kinds]


@pytest.mark.needs_all
def test_a_crowd_is_served_right_whatever_goes_wrong(sandbox, seconds, record_testsuite_property):
    threads_before = set(threading.enumerate())
    world = World(sandbox, seconds)
    threads = [*threads_of_clients(world), *threads_of_loops(world), in_thread(world, world.wreak_havoc)]
    forks = 0
    while world.goes_on:
        world.fork(forks)
        forks += 1
        world.over.wait(0.3)
    for thread in threads:
        thread.join(60)
    lasted = time.monotonic() - world.began

    assert world.surprises == []
    assert not any(thread.is_alive() for thread in threads)
    assert world.outcomes["answered"] > 0
    assert forks > 0

    # Nobody's credential but the user's own, at the provider's end.
    for connector in CONNECTORS:
        arrivals = sandbox.arrivals(connector)
        assert len(arrivals) > 0
        for arrival in arrivals:
            token = arrival.headers["authorization"].removeprefix("Bearer ")
            assert world.owners[token] == (connector, arrival.headers["x-user"])

    # Xkit is asked for what is new, for what has become old, and again after a failure; for nothing else.
    age_outs = int(lasted / SHORTEST_HOLD) + 1
    asked_for = {(call.connector, call.context) for call in sandbox.calls}
    allowed = sum(age_outs + world.rotations[key] for key in asked_for)
    assert sandbox.call_count() <= allowed + world.injected + world.extra_calls

    # Nothing is left open.
    broker = world.xkit.broker
    assert not broker._here().flights
    assert not broker._here().readings
    world.xkit.close()
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(20)
        assert not thread.is_alive()
    counts = {"forks": forks, "calls": sandbox.call_count(), "calls allowed": allowed, **world.outcomes}
    record_testsuite_property("soak", f"{lasted:.0f} s: {counts}")
