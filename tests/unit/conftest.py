"""What the tests of the core share: a clock that stands still, an Xkit that a test answers for, and views."""

from __future__ import annotations

import json
import queue
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xkit_auth import Connector, RequestView, ResponseView, Xkit
from xkit_auth._connectors.policy import Policy
from xkit_auth._sources.account import Account
from xkit_auth._sources.platform import Answer
from xkit_auth._values.origin import Hosts

PATIENCE = 20.0
"""Seconds after which a test that waits for something fails. Nothing is ever slow enough to need it."""

KEYS = {"publishable_key": "pk_test_Qm7", "secret_key": "sk_test_Zw4hJ9vRkU2"}


class Clock:
    """Both clocks of a cache, which move only when they are told to."""

    def __init__(self) -> None:
        self.monotonic_now = 5_000.0
        self.wall_now = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.monotonic_now

    def wall(self) -> float:
        return self.wall_now

    def advance(self, seconds: float) -> None:
        self.monotonic_now += seconds
        self.wall_now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def json_answer(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, json.dumps(body).encode())


def active(credential: object, **authorization: object) -> Answer:
    """Xkit's answer for a connection that can be used."""
    inside = {"status": "active", "credential": credential, **authorization}
    return json_answer({"connection": {"enabled": True, "authorization": inside}})


def in_error(**authorization: object) -> Answer:
    """Xkit's answer for a connection that the user must make anew."""
    return json_answer({"connection": {"enabled": True, "authorization": {"status": "error", **authorization}}})


def not_found() -> Answer:
    """Xkit's answer for a connection that it does not know."""
    return json_answer({"error": "not_found"}, status=404)


class AskedCall:
    """One call that reached the fake Xkit, and what comes of it."""

    def __init__(self, url: str, headers: Any, deadline: float) -> None:
        self.url = url
        self.headers = headers
        self.deadline = deadline
        self._outcome: Answer | BaseException | None = None
        self._decided = threading.Event()

    def answer(self, outcome: Answer | BaseException) -> None:
        self._outcome = outcome
        self._decided.set()

    def outcome(self) -> Answer:
        assert self._decided.wait(PATIENCE), "the test never answered this call"
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome


class FakeTransport:
    """A ``Transport`` without a network. It answers with ``reply``, or, ``by_hand``, when the test says so."""

    def __init__(self) -> None:
        self.calls: list[AskedCall] = []
        # A simple one has no lock that an interrupted test could leave taken.
        self.arrived: queue.SimpleQueue[AskedCall] = queue.SimpleQueue()
        self.by_hand = False
        self.reply: Callable[[AskedCall], Answer | BaseException] = lambda _call: active("token-1")

    def get(self, url: str, headers: Any, deadline: float) -> Answer:
        call = AskedCall(url, headers(), deadline)
        self.calls.append(call)
        if not self.by_hand:
            call.answer(self.reply(call))
        self.arrived.put(call)
        return call.outcome()

    def replies(self, *outcomes: Answer | BaseException) -> None:
        """Answer with these, one after the other."""
        left = list(outcomes)
        self.reply = lambda _call: left.pop(0)

    def next_call(self) -> AskedCall:
        return self.arrived.get(timeout=PATIENCE)


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def adapter(transport: FakeTransport, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that brings ``transport``, as the adapter of an HTTP library brings its own."""
    module = types.ModuleType("an_adapter_of_the_tests")
    module.open_transport = lambda **_options: transport  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


@pytest.fixture
def make_xkit(adapter: str) -> Iterator[Callable[..., Xkit]]:
    made: list[Xkit] = []

    def make(**arguments: Any) -> Xkit:
        xkit = Xkit(**{**KEYS, **arguments})
        xkit.broker.prefer(adapter)
        made.append(xkit)
        return xkit

    yield make
    for xkit in made:
        xkit.close()


@pytest.fixture
def xkit(make_xkit: Callable[..., Xkit]) -> Xkit:
    return make_xkit()


@pytest.fixture
def keys() -> dict[str, str]:
    return dict(KEYS)


@pytest.fixture
def account() -> Account:
    return Account(KEYS["publishable_key"], KEYS["secret_key"], "https://xkit.example/api/platform")


@pytest.fixture
def answers() -> Any:
    """The makers of Xkit's answers: ``active(…)``, ``in_error(…)``, ``json(…)``, ``not_found()``."""

    class Answers:
        active = staticmethod(active)
        in_error = staticmethod(in_error)
        json = staticmethod(json_answer)
        not_found = staticmethod(not_found)

    return Answers


def request_view(**changes: Any) -> RequestView:
    return RequestView(**{"method": "GET", "url": "https://api.acme.example/x", "headers": {}, "body": b"", **changes})


@pytest.fixture
def request_of() -> Callable[..., RequestView]:
    return request_view


@pytest.fixture
def answer_of() -> Callable[..., ResponseView]:
    """A provider's answer: ``answer_of(401, headers={…}, json={…})``."""

    def make(status: int, *, headers: dict[str, str] | None = None, json: object = None) -> ResponseView:
        return ResponseView(status=status, headers=headers or {}, json=json, request=request_view())

    return make


@pytest.fixture
def policy_of() -> Callable[..., Policy]:
    """A settled connector: ``policy_of(connector, params={…}, format_hook=…)``."""

    def make(connector: Connector | None = None, **changes: Any) -> Policy:
        connector = connector or Connector("acme", hosts=["api.acme.example"])
        settings: dict[str, Any] = {
            "kind": next(iter(connector.kinds)),
            "hosts": Hosts(["api.acme.example"]),
            "params": {},
            "http_to_loopback": False,
            "format_hook": None,
            "query_hook": None,
            "classify_hook": None,
        }
        return Policy(connector.slug, connector, **{**settings, **changes})

    return make


@pytest.fixture
def in_thread() -> Iterator[Callable[..., Any]]:
    """Run something in a thread: ``in_thread(function)()`` waits and gives what it returned or raised."""
    threads: list[threading.Thread] = []

    def start(function: Callable[[], Any]) -> Callable[[], Any]:
        outcome: list[tuple[bool, Any]] = []

        def run() -> None:
            try:
                outcome.append((True, function()))
            except BaseException as error:
                outcome.append((False, error))

        thread = threading.Thread(target=run, daemon=True)
        threads.append(thread)
        thread.start()

        def result() -> Any:
            thread.join(PATIENCE)
            assert outcome, "the thread did not end"
            worked, value = outcome[0]
            if not worked:
                raise value
            return value

        return result

    yield start
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
