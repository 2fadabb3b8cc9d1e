"""When something comes in between: signal handlers, finalisers, the end of the interpreter.

A signal handler runs between any two steps of a thread. Here a trace function does, at each line in its turn: what it
raises is raised there, and what it asks for is asked for there.
"""

from __future__ import annotations

import gc
import json
import linecache
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import xkit_auth
from xkit_auth import ConfigurationError, Credential, PlatformUnavailable, Xkit

PACKAGE = xkit_auth.__file__.removesuffix("__init__.py")
_FILES = (
    "account/xkit",
    *(f"credentials/{name}" for name in ("broker", "calls", "flight", "cache", "pauses")),
    "values/process",
)
OURS = tuple(f"{PACKAGE}_{name}.py" for name in _FILES)
EVERYWHERE = (*OURS, threading.__file__)
KEY = ("slack", "u")


class Interrupted(BaseException):
    """As a signal handler may raise one."""


class AtLine:
    """Does something at the n-th line of ours, or of ``threading``, that this thread comes to in the block."""

    def __init__(self, number: int, act: Callable[[], object], files: tuple[str, ...]) -> None:
        self.left = number
        self._act = act
        self._files = files
        self._been_at: set[tuple[int, int]] = set()

    def __enter__(self) -> AtLine:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_reason: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: Any, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(self._files):
            return None
        if event == "line" and not self._is_a_block_being_left(frame):
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                self._act()
        return self._trace

    def _is_a_block_being_left(self, frame: Any) -> bool:
        """Between the last line of a block and the release of its lock, Python looks for no signal."""
        place = id(frame), frame.f_lineno
        again = place in self._been_at
        self._been_at.add(place)
        return again and linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with ")


@pytest.fixture(autouse=True)
def nobody_waits_for_who_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who look whether somebody else has come so far look often, as there are hundreds of lines to be tried."""
    monkeypatch.setattr(xkit_auth._credentials.calls, "_A_THREAD_COMES_WITHIN", 0.01)
    monkeypatch.setattr(xkit_auth._credentials.broker, "_LOOK_AGAIN_AFTER", 0.02)


@pytest.fixture(autouse=True)
def no_thread_is_left_half_started() -> Any:
    yield
    threading._limbo.clear()  # threading's own note of threads that are being started: whoever did that was interrupted


def interrupt() -> None:
    raise Interrupted


def cold(xkit: Xkit, _clock: Any) -> Callable[[], object]:
    return lambda: xkit.get_credential("slack", context="u")


def refused(xkit: Xkit, _clock: Any) -> Callable[[], object]:
    held = xkit.get_credential("slack", context="u")
    return lambda: xkit.get_credential("slack", context="u", rejected=held)


def renewal(xkit: Xkit, clock: Any) -> Callable[[], object]:
    xkit.broker.cache.monotonic, xkit.broker.cache.wall = clock.monotonic, clock.wall
    xkit.get_credential("slack", context="u")
    clock.advance(299 * 0.9)
    return lambda: xkit.get_credential("slack", context="u")


def reading(xkit: Xkit, _clock: Any) -> Callable[[], object]:
    return lambda: xkit.get_connection("slack", context="u")


def at_each_line(
    make_xkit: Any, clock: Any, situation: Any, act: Callable[[Xkit], object], files: tuple[str, ...] = EVERYWHERE
) -> Any:
    """Yields what came of each try, with ``act`` at one line after the other, until there are no more lines."""
    number = 0
    while True:
        number += 1
        xkit = make_xkit(timeout=30, max_calls=2)
        xkit.directory._listeners = []  # looking for plugins would take most of the time
        asks = situation(xkit, clock)
        outcome: object = None
        with AtLine(number, lambda: act(xkit), files) as line:  # noqa: B023 - it is called at once
            try:
                outcome = asks()
            except (Interrupted, ConfigurationError, PlatformUnavailable) as error:
                outcome = error
        yield xkit, asks, outcome
        xkit.close()
        if line.left > 0:
            assert number > 50, "there are more lines than these"
            return


@pytest.mark.parametrize("situation", [cold, renewal, reading])
def test_whoever_is_interrupted_at_any_line_leaves_the_key_as_good_as_it_was(make_xkit, clock, in_thread, situation):
    interrupted = 0
    files = EVERYWHERE if situation is cold else OURS
    for xkit, asks, outcome in at_each_line(make_xkit, clock, situation, lambda _xkit: interrupt(), files):
        interrupted += isinstance(outcome, Interrupted)
        assert asks()
        assert in_thread(lambda: xkit.get_credential("slack", context="u"))().reveal() == "token-1"  # noqa: B023
        assert in_thread(lambda: xkit.get_credential("slack", context="v"))().reveal() == "token-1"  # noqa: B023
    assert interrupted > 50


@pytest.mark.parametrize("situation", [cold, refused])
def test_who_waits_with_one_who_is_interrupted_gets_the_answer(make_xkit, clock, in_thread, situation):
    """Others who had joined the call before go on, whatever its first caller had come to."""
    together = threading.Barrier(2)
    waiting: list[Any] = []

    def join_and_interrupt(xkit: Xkit) -> None:
        waiting.append(in_thread(lambda: (together.wait(20), xkit.get_credential("slack", context="u"))[1]))
        together.wait(20)
        raise Interrupted

    # Not inside of threading, which cannot start one thread while it starts another.
    for _ in at_each_line(make_xkit, clock, situation, join_and_interrupt, OURS):
        while waiting:
            assert waiting.pop()().reveal() == "token-1"


@pytest.mark.parametrize(
    ("situation", "context"), [(cold, "u"), (cold, "another"), (refused, "u"), (renewal, "u"), (reading, "u")]
)
def test_a_handler_that_asks_for_something_itself_gets_it_and_so_does_whom_it_interrupted(
    make_xkit, clock, situation, context
):
    asked = []

    def ask(xkit: Xkit) -> None:
        asked.append(xkit.get_credential("slack", context=context).reveal())
        asked.append(xkit.get_connection("slack", context=context).credential.reveal())

    files = EVERYWHERE if situation is cold else OURS
    for _, _, outcome in at_each_line(make_xkit, clock, situation, ask, files):
        assert not isinstance(outcome, BaseException)
        assert set(asked) == {"token-1"}
    assert len(asked) > 100


@pytest.mark.parametrize(
    ("situation", "act"), [(cold, "forget"), (cold, "handle_webhook"), (cold, "close"), (renewal, "close")]
)
def test_a_handler_that_forgets_or_closes_keeps_nobody_waiting(make_xkit, clock, situation, act):
    payload = {"connector": {"slug": "slack"}, "context": {"external_id": "u"}}
    webhook = json.dumps({"event_type": "connection.errored", "payload": payload})

    def handler(xkit: Xkit) -> None:
        getattr(xkit, act)(*[webhook] if act == "handle_webhook" else [])

    for xkit, _, outcome in at_each_line(make_xkit, clock, situation, handler, OURS):
        if act == "close":
            assert outcome is not None
            assert xkit.broker.is_closed or outcome
        else:
            assert not isinstance(outcome, BaseException)
            assert xkit.get_credential("slack", context="u")


def test_a_finaliser_that_runs_under_the_lock_gets_what_is_held_or_asks_for_itself(xkit, transport):
    asked: list[Any] = []

    class Farewell:
        def __del__(self) -> None:
            asked.append(xkit.get_credential("slack", context="u"))
            asked.append(xkit.get_connection("slack", context="u"))

    for _ in range(2):
        with xkit.broker._here().lock:
            farewell = Farewell()
            del farewell
            gc.collect()
        xkit.get_credential("slack", context="u")

    assert [each.reveal() if isinstance(each, Credential) else each.status for each in asked] == [
        "token-1",
        "active",
    ] * 2
    assert len(transport.calls) == 5  # the second time, the credential was held


def test_an_error_that_somebody_gets_under_the_lock_is_their_own(xkit, transport, answers):
    transport.reply = lambda _call: answers.json({}, status=500)

    with xkit.broker._here().lock, pytest.raises(PlatformUnavailable) as caught:
        xkit.get_credential("slack", context="u")

    assert caught.value.context == "u"
    transport.reply = lambda _call: answers.active("token-1")
    assert xkit.get_credential("slack", context="u")  # nothing is noted of it


# Calls that their caller makes


@pytest.fixture
def no_thread_starts(monkeypatch: Any) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_without_threads_an_interrupted_caller_leaves_the_key_as_good_as_it_was(make_xkit, clock, no_thread_starts):
    interrupted = 0
    # Not inside of threading, which the transport of the tests uses in this thread, too.
    for _, asks, outcome in at_each_line(make_xkit, clock, cold, lambda _xkit: interrupt(), OURS):
        interrupted += isinstance(outcome, Interrupted)
        assert asks()
    assert interrupted > 50


def test_without_threads_a_handler_on_top_of_a_call_asks_for_itself(make_xkit, clock, no_thread_starts):
    asked = []

    def ask(xkit: Xkit) -> None:
        asked.append(xkit.get_credential("slack", context="u").reveal())

    for _, _, outcome in at_each_line(make_xkit, clock, cold, ask, OURS):
        assert not isinstance(outcome, BaseException)
    assert set(asked) == {"token-1"}


# The end of the interpreter

PROGRAM = """
import atexit, sys, types
import xkit_auth
from xkit_auth._sources.platform import Answer

class Transport:
    def get(self, url, headers, deadline):
        authorization = b'{"status": "active", "credential": "token-1"}'
        return Answer(200, {}, b'{"connection": {"enabled": true, "authorization": %s}}' % authorization)

adapter = sys.modules["adapter"] = types.ModuleType("adapter")
adapter.open_transport = lambda **_options: Transport()
xkit = xkit_auth.Xkit(publishable_key="pk", secret_key="sk", timeout=30)
xkit.broker.prefer("adapter")

class Farewell:
    def __del__(self, xkit=xkit, XkitAuthError=xkit_auth.XkitAuthError):
        try:
            print(xkit.get_credential("slack", context="end").reveal(), flush=True)
        except XkitAuthError as error:
            print(type(error).__name__, flush=True)
        xkit.forget()
        xkit.close()

farewell = Farewell()
atexit.register(lambda xkit=xkit: print("exit", xkit.get_credential("slack", context="exit").reveal(), flush=True))
xkit.get_credential("slack", context="main")
del xkit
"""


def test_when_the_interpreter_ends_a_cold_call_still_works_and_nothing_hangs():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=600)

    at_exit, *afterwards = ran.stdout.splitlines()
    assert at_exit == "exit token-1"
    # Whether objects are finalised so late, and what can still be imported then, depends on the Python.
    assert set(afterwards) <= {"token-1", "PlatformUnavailable"}
    assert ran.stderr == ""


def test_when_the_interpreter_ends_no_lock_is_waited_for(xkit, monkeypatch, in_thread):
    held, done = threading.Event(), threading.Event()

    def stop_for_ever() -> None:
        with xkit.broker._here().lock:
            held.set()
            done.wait(20)

    stopped = in_thread(stop_for_ever)
    assert held.wait(20)
    with monkeypatch.context() as inside:
        inside.setattr(sys, "is_finalizing", lambda: True)
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
        assert xkit.get_connection("slack", context="u").status == "active"
        xkit.broker.hint(KEY, bad=True)
        xkit.forget()
        xkit.close()
    done.set()
    stopped()
