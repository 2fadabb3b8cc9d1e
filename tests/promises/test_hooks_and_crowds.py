"""Hooks that use a client themselves, and users whose credentials all change at once."""

from __future__ import annotations

import gc
import io
import random
import sys
import threading
from contextlib import ExitStack
from contextvars import ContextVar
from functools import partial

import pytest

from helpers.crowds import (
    PATIENCE,
    acme,  # noqa: F401
    beside,
    client,
    run,
)
from xkit_auth import ConfigurationError, Connector, hookimpl

# Who asks while asking


def test_e13_a_context_function_may_use_a_client_with_our_auth_itself(sandbox, driver, acme, xkit):
    inner = []

    def who():
        inner.extend(beside(driver).send("GET", acme.url, auth=auth).status for auth in (acme.auth_of_bob, acme.auth))
        return "ann"

    auth = driver.auth("acme", context=who, xkit=xkit)
    assert driver.send("GET", acme.url, auth=auth).status == 200
    sandbox.expire("acme", "ann")
    assert driver.send("GET", acme.url, auth=auth).status == 200
    assert inner == [200] * 4
    assert sandbox.call_count() == 3


HOOKS = ("fetched", "cache_hit", "rejected", "resent", "format", "classify")


class Nosy:
    """A plugin that does in each of its hooks what it may not: it sends a request, for another connector."""

    def __init__(self, ask):
        self.ask = ask
        self.outcomes = {}

    def note(self, hook, slug):
        if slug == "acme" and hook not in self.outcomes:
            self.outcomes[hook] = None
            try:
                self.outcomes[hook] = self.ask(hook)
            except ConfigurationError as error:
                self.outcomes[hook] = str(error)

    @hookimpl
    def xkit_auth_format_headers(self, connector):
        self.note("format", connector.slug)

    @hookimpl
    def xkit_auth_classify_response(self, connector):
        self.note("classify", connector.slug)

    @hookimpl
    def xkit_auth_event(self, event):
        self.note(event.kind, event.connector)


@pytest.mark.parametrize("is_held", [True, False])
def test_e13_a_hook_that_uses_a_client_with_our_auth_works_or_is_told_and_never_waits_for_itself(
    sandbox, driver, acme, is_held
):
    other = sandbox.provider_url("other")
    nosy = Nosy(lambda hook: beside(driver).send("GET", other, auth=auths[hook]).status)
    xkit = sandbox.xkit(plugins=[nosy], max_calls=1, timeout=PATIENCE)
    auths = {hook: driver.auth("other", context=hook, xkit=xkit) for hook in HOOKS}
    for hook in HOOKS:
        sandbox.connect("other", hook)
        if is_held:
            assert beside(driver).send("GET", other, auth=auths[hook]).status == 200
    auth = driver.auth("acme", context="ann", xkit=xkit)
    for _ in range(2):
        assert driver.send("GET", acme.url, auth=auth).status == 200
        sandbox.expire("acme", "ann")
    # One hook is called on the thread that asks Xkit, and with max_calls=1 there is no other.
    told = nosy.outcomes.pop("fetched")
    assert told == 200 if is_held else "inside a call" in told
    assert nosy.outcomes == dict.fromkeys(HOOKS[1:], 200)


@pytest.fixture
def no_garbage_is_collected():
    """A finaliser that is run where the stack has come to its end fails, whosever it is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_is_collected")
def test_e13_a_hook_that_asks_for_what_it_is_asked_for_is_told(sandbox, driver):
    class Endless:
        @hookimpl
        def xkit_auth_format_headers(self):
            return {"X-Signature": send("GET", url).text}

    xkit = sandbox.xkit(plugins=[Endless()])
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "ann")
    auth = driver.auth("acme", context="ann", xkit=xkit)
    with (
        beside(driver).session(auth=auth) as send,
        pytest.raises(ConfigurationError, match=r"xkit_auth_format_headers raised RecursionError"),
    ):
        driver.send("GET", url, auth=auth)
    assert sandbox.arrivals("acme") == []


# Nobody gets what is another's


def without_sockets(driver, answer):
    """Options for a session whose requests end at ``answer(url, headers)``, which gives a status."""
    if driver.library == "requests":
        from requests.adapters import BaseAdapter

        class Adapter(BaseAdapter):
            def send(self, request, **_how):
                response = driver.lib.Response()
                response.request, response.url, response.connection = request, request.url, self
                response.status_code, response.raw = answer(request.url, request.headers), io.BytesIO()
                return response

            def close(self):
                pass

        return {"adapters": {"https://": Adapter()}}

    def handle(request):
        return driver.lib.Response(answer(str(request.url), request.headers))

    async def ahandle(request):
        import anyio

        await anyio.lowlevel.checkpoint()
        return handle(request)

    return {"transport": driver.lib.MockTransport(ahandle if driver.loop else handle)}


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_e14_nobody_ever_carries_anothers_credential_while_all_of_them_change(sandbox, driver, xkit, header):
    # Not over sockets, so that the threads spend their time where they could get into each other's way.
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={header: "{token}"}))
    users = ["ann", "bob", "eve"]
    issued = {user: [sandbox.connect("acme", user)] for user in users}
    current = ContextVar("current")
    auth = driver.auth("acme", context=current, xkit=xkit, hosts=["api.acme.example"])
    arrived, failures = [], []

    def answer(url, headers):
        user, token = url.rpartition("/")[2], headers[header]
        arrived.append((user, token))
        return 200 if token == sandbox.credential("acme", user) else 401

    def rounds(seed):
        chosen = random.Random(seed)
        for _ in range(60):
            user = chosen.choice(users)
            what = chosen.random()
            if what < 0.1:
                issued[user].append(sandbox.rotate("acme", user))
            if what < 0.05:
                xkit.forget("acme", context=user)
            current.set(user)
            yield f"https://api.acme.example/{user}"

    def in_a_thread(send, seed):
        for url in rounds(seed):
            send("GET", url)

    async def in_tasks(seeds):
        import anyio

        async def one(seed):
            for url in rounds(seed):
                await shared.get(url)

        async with client(driver, auth=auth, **options) as shared, anyio.create_task_group() as group:
            for seed in seeds:
                group.start_soon(one, seed)

    def work(job, *arguments):
        try:
            job(*arguments)
        except BaseException as failure:
            failures.append(failure)

    options = without_sockets(driver, answer)
    interval = sys.getswitchinterval()
    with ExitStack() as stack:
        if driver.loop:
            jobs = [(run, driver, partial(in_tasks, seeds)) for seeds in ([0, 1], [2, 3], [4, 5])]
        else:
            send = stack.enter_context(driver.session(auth=auth, **options))
            jobs = [(in_a_thread, send, seed) for seed in range(6)]
        threads = [threading.Thread(target=work, args=job) for job in jobs]
        stack.callback(sys.setswitchinterval, interval)
        sys.setswitchinterval(1e-6)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(arrived) >= 360
    assert [(user, token) for user, token in arrived if token not in issued[user]] == []
    assert {user for user, token in arrived if token != issued[user][0]} == set(users)
