"""Ways round the promises that an attack on the library has found, each shut by now."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import json
import os
import random
import subprocess
import sys
import threading
from array import array
from collections import deque
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

import xkit_auth._credentials.cache
import xkit_auth._values.disguise
from xkit_auth import (
    ConfigurationError,
    Connector,
    Credential,
    NotConnected,
    Placement,
    Xkit,
    XkitAuthError,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.sdk import with_credential
from xkit_auth.sdk._redacted import redacted

TOKEN = "tok-Wq8rT5yPz2LmKd7Gh4"
KEYS = {"publishable_key": "pk_test_Qm7", "secret_key": "sk_test_Zw4hJ9vRkU2"}
PATIENCE = 20.0


# The wrong user


class Turn:
    """A context manager of an application's own, whose ``__enter__`` leaves the work to another method."""

    def __init__(self, user):
        self._block = use_context(user)

    def __enter__(self):
        return self._begin()

    def _begin(self):
        return self._block.__enter__()

    def __exit__(self, *reason):
        return self._block.__exit__(*reason)


def now():
    """Whose turn it is; ``None`` if it is nobody's, or that is refused."""
    try:
        return current_context.get(None)
    except ConfigurationError:
        return None


def test_h8_async_generators_in_turns_never_have_each_other_s_user_whatever_class_is_their_with():
    async def steps(user):
        with Turn(user):
            yield now()
            yield now()

    async def in_turns():
        ann, bob = steps("ann"), steps("bob")
        seen = [(user, await anext(whose)) for _ in range(2) for user, whose in (("ann", ann), ("bob", bob))]
        return seen, now()

    try:
        seen, between = asyncio.run(in_turns())
    except ConfigurationError:  # as for a generator that holds the block itself
        return
    assert [who for user, who in seen if who not in (user, None)] == []
    assert between is None


def test_h8_a_stream_whose_steps_run_in_copies_is_never_somebody_else_s_whatever_class_is_its_with():
    """As Starlette runs each step of an ordinary generator: in a thread, in a copy of the request's context."""

    def steps():
        with Turn("ann"):
            yield now()
            yield now()

    with use_context("bob"):
        stream = steps()
        try:
            seen = [contextvars.copy_context().run(next, stream) for _ in range(2)]
        except ConfigurationError:
            return
    assert "bob" not in seen


# A credential on another origin


@contextmanager
def provider(answer):
    """A provider on a port of its own: ``answer(handler)`` sends what it says. Yields its URL and what arrived."""
    arrived = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            arrived.append((self.path, dict(self.headers)))
            answer(self)

        def log_message(self, *_about):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived
    finally:
        server.shutdown()
        server.server_close()


def says(status, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def knowing(sandbox, *connectors):
    """An ``Xkit`` with connectors whose hosts are what they say."""

    class Plugin:
        @hookimpl
        def xkit_auth_connectors(self):
            return connectors

    sandbox.connect("acme", "amy", credential=TOKEN)
    keys = {"publishable_key": sandbox.publishable_key, "secret_key": sandbox.secret_key, "base_url": sandbox.base_url}
    return Xkit(**keys, plugins=[Plugin()])


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("header", ["X-Api-Key", "Authorization"])
def test_h2_an_adapter_may_put_headers_of_other_case_in_their_place(sandbox, driver, header):
    """A plain dictionary, in lower case: the names are the same, and so is what stands under them."""
    from requests import Session
    from requests.adapters import HTTPAdapter

    class InLowerCase(HTTPAdapter):
        def send(self, request, **how):
            request.headers = {name.lower(): value for name, value in request.headers.items()}
            return super().send(request, **how)

    with provider(says(200)) as (elsewhere, arrived), provider(says(307, Location=f"{elsewhere}/there")) as (home, _):
        placement = Placement(header={header: "Bearer {token}"})
        acme = Connector("acme", hosts=[home.removeprefix("http://")], kinds={"it": placement})
        with knowing(sandbox, acme) as xkit, Session() as session:
            session.mount("http://", InLowerCase())
            session.get(f"{home}/start", auth=driver.auth("acme", context="amy", xkit=xkit))
    assert len(arrived) == 1
    assert TOKEN not in str(arrived)


# A credential shown


class Holder:
    """An SDK's answer: an object that has one thing."""

    def __init__(self, body):
        self.body = body


@pytest.mark.parametrize(
    "makes",
    [
        lambda: deque([TOKEN]),
        lambda: ValueError(f"no such token: {TOKEN}"),
        lambda: ExceptionGroup("all of them", [ValueError(TOKEN)]),
        lambda: memoryview(TOKEN.encode()),
        lambda: array("b", TOKEN.encode()),
        lambda: {TOKEN: 1}.keys(),
        lambda: {1: TOKEN}.values(),
        lambda: iter([TOKEN]),
    ],
    ids=["deque", "exception", "group", "memoryview", "array", "keys", "values", "iterator"],
)
def test_the_credential_is_masked_in_an_sdk_s_answer_in_whatever_it_is_kept(makes):
    answer = redacted(Holder(makes()), [Credential(TOKEN)])
    body = getattr(answer, "body", None)
    texts = [repr(body), str(getattr(body, "args", ""))]
    if isinstance(body, (memoryview, array)):
        texts.append(bytes(body).decode())
    elif hasattr(body, "__next__"):
        texts.append(str(list(body)))
    assert TOKEN not in " ".join(texts)


# One stops all, or breaks what should not break

A_NUMBER_WITHOUT_END = f"&#{'1' * 5000};"
"""``html.unescape`` makes a number of it, and Python makes none of more than 4,300 digits."""


@pytest.mark.parametrize("kind", ["header", "query"])
def test_h4_a_redirect_with_a_reference_that_is_no_number_breaks_nothing(sandbox, driver, kind):
    kinds = {"header": Placement(header={"X-Api-Key": "{token}"}), "query": Placement(query={"key": "{token}"})}
    with provider(says(302, Location=f"/there?x={A_NUMBER_WITHOUT_END}")) as (home, _):
        acme = Connector("acme", hosts=[home.removeprefix("http://")], kinds=kinds)
        with knowing(sandbox, acme) as xkit:
            auth = driver.auth("acme", context="amy", xkit=xkit, kind=kind)
            assert driver.send("GET", f"{home}/start", auth=auth).status == 302


def test_an_answer_of_an_sdk_with_a_reference_that_is_no_number_does_not_hide_what_happened(sandbox, xkit):
    sandbox.connect("acme", "amy", credential=TOKEN)

    class SdkError(Exception):
        response = SimpleNamespace(status_code=401, headers={}, text=A_NUMBER_WITHOUT_END)

    @with_credential("acme", context="amy", xkit=xkit)
    def call(token):
        sandbox.forget_connection("acme", "amy")
        raise SdkError

    with pytest.raises(NotConnected):
        call()


@pytest.fixture
def looked_through(monkeypatch):
    """How many characters were looked through for secrets."""
    count, plain = [0], xkit_auth._values.disguise.readings_of

    def counted(text):
        readings, are_all = plain(text)
        count[0] += sum(map(len, readings))
        return readings, are_all

    monkeypatch.setattr(xkit_auth._values.disguise, "readings_of", counted)
    return count


MANY_READINGS = "&amp;amp;amp;%25252525\\x5cx41 "
A_LOT = 16_000_000
"""Characters: a second or two of the processor. An answer of Xkit's has one million at the most."""


def test_h11_an_answer_with_texts_that_can_be_read_in_many_ways_costs_no_more_than_others(sandbox, looked_through):
    """14 s of the processor, for one answer of 1 MB: ``{"errors": […]}``, 240 times 4 KB."""
    xkit = sandbox.xkit(timeout=300)
    broken = {"connection": {"enabled": True, "authorization": {"status": "error"}}}
    sandbox.answer_with(json.dumps({**broken, "errors": [(MANY_READINGS * 200)[:4000]] * 240}))
    with pytest.raises(XkitAuthError):
        xkit.get_credential("acme", context="amy")
    assert looked_through[0] < A_LOT


def test_masking_an_sdk_s_answer_costs_no_more_the_more_texts_are_in_it(looked_through):
    """37 s of the processor for 15,000 texts of 400 characters: texts are not among what is counted."""
    rows = [f"{number} text &amp; %2525 " * 20 for number in range(3_000)]
    redacted(SimpleNamespace(data=[*rows, TOKEN]), [Credential(TOKEN)])
    assert looked_through[0] < A_LOT


COLD_CALL = """
import logging, sys
from xkit_auth import Xkit
xkit = Xkit(publishable_key="pk", secret_key="sk_0123456789", base_url=sys.argv[1], timeout=5)
with logging._lock:  # as logging.config.dictConfig holds it while it makes a handler
    print(xkit.get_credential("acme", context="amy").reveal())
"""


def test_h20_who_holds_loggings_lock_gets_an_answer_to_the_very_first_call_too():
    """Our thread imports the HTTP library then, which asks for its loggers."""
    body = json.dumps({"connection": {"enabled": True, "authorization": {"status": "active", "credential": TOKEN}}})

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    with provider(answer) as (url, _):
        done = subprocess.run(
            [sys.executable, "-c", COLD_CALL, f"{url}/api"], capture_output=True, text=True, timeout=600, check=False
        )
    assert done.stdout.strip() == TOKEN, done.stderr[-300:]


@pytest.mark.parametrize("host", ["proxy..example", f"{'a' * 64}.example", ".", "a" * 300])
@pytest.mark.parametrize("adapter", ["requests", "httpx", "httpx2"])
def test_a_proxy_whose_name_can_be_none_is_the_machine_s_mistake(monkeypatch, adapter, host):
    pytest.importorskip(adapter)
    for name in ("https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{host}:3128")
    with Xkit(**KEYS, base_url="https://xkit.invalid/api", timeout=PATIENCE) as xkit:
        xkit.broker.prefer(f"xkit_auth.{adapter}")
        with pytest.raises(ConfigurationError, match="HTTPS_PROXY"):
            xkit.get_credential("acme", context="amy")


# A fork that Python does not see


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_h17_f10_workers_that_were_forked_in_c_do_not_have_their_chances_in_common():
    """Python gives a forked process chances of its own in a hook that never runs: all workers renew together."""
    random.random()
    reader, writer = os.pipe()
    for _ in range(2):
        process = ctypes.PyDLL(None).fork()
        if process == 0:
            os.write(writer, f"{xkit_auth._credentials.cache.fresh_random()}\n".encode())
            os._exit(0)
        os.waitpid(process, 0)
    os.close(writer)
    with os.fdopen(reader) as told:
        chances = told.read().split()
    assert len(set(chances)) == 2


# What is kept, and what comes back


def test_h11_of_auth_objects_for_garbage_slugs_nothing_is_kept(driver, xkit):
    """An application may take the slug out of a URL. Neither ``forget()`` nor ``close()`` frees what was kept."""
    for number in range(2_000):
        with suppress(XkitAuthError):
            driver.auth(f"{number}-{'x' * 500}", context="amy", xkit=xkit)
    xkit.forget()
    kept = sum(sys.getsizeof(key) + sum(map(sys.getsizeof, key)) for key in xkit.directory._shared)
    assert kept < 100_000


@pytest.mark.drivers(httpx=True, sync=True)
def test_h1_whoever_follows_by_hand_without_auth_in_between_gets_nothing_back_either(sandbox, driver):
    """httpx makes the next request of the one before, extensions included; what we know of that is lost on the way."""
    way = {"/start": lambda: f"{elsewhere}/there", "/there": lambda: f"{home}/back"}

    def answer(handler):
        says(307, Location=way[handler.path]())(handler) if handler.path in way else says(200)(handler)

    with provider(answer) as (home, arrived), provider(answer) as (there, _):
        elsewhere = there.replace("127.0.0.1", "localhost")
        with knowing(sandbox, Connector("acme", hosts=[home.removeprefix("http://")])) as xkit:
            auth = driver.auth("acme", context="amy", xkit=xkit)
            with driver.lib.Client(auth=auth, timeout=30, trust_env=False) as client:
                away = client.get(f"{home}/start").next_request
                back = client.send(away, auth=None).next_request
                client.send(back)
    assert [path for path, headers in arrived if TOKEN in str(headers)] == ["/start"]
