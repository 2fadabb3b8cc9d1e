"""``Xkit``: the default account, the library that makes calls, and forks."""

from __future__ import annotations

import copy
import ctypes
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from functools import partial
from typing import Any

import pytest

import xkit_auth
from helpers.account_xkit import environment  # noqa: F401
from xkit_auth import (
    ConfigurationError,
    HostNotAllowed,
    PlatformError,
    PlatformUnavailable,
    Xkit,
)
from xkit_auth._credentials.broker import _WishForCredential
from xkit_auth._sources.platform import NoAnswer

# The process's own


def test_the_default_is_made_when_it_is_first_needed_and_stays(environment):
    assert Xkit._the_default is None

    first = Xkit.default()

    assert Xkit.default() is first
    assert first.is_settled


def test_without_keys_there_is_no_default(environment):
    environment.delenv("XKIT_PUBLISHABLE_KEY")

    with pytest.raises(ConfigurationError, match="XKIT_PUBLISHABLE_KEY"):
        Xkit.default()


def test_a_closed_default_makes_way_for_a_new_one(environment):
    first = Xkit.default()
    first.close()

    assert Xkit.default() is not first
    assert not Xkit.default().broker.is_closed


def test_beside_another_account_there_is_no_default(environment):
    default = Xkit.default()
    other = Xkit(publishable_key="pk_other", secret_key="sk_other")
    assert not default.is_settled  # auth objects that rely on it look again

    with pytest.raises(ConfigurationError, match="xkit="):
        Xkit.default()
    other.close()
    assert Xkit.default() is default
    assert default.is_settled


def test_another_xkit_of_the_same_account_does_no_harm(environment, keys):
    with Xkit(**keys):
        assert Xkit.default().is_settled


def test_an_xkit_that_nobody_holds_any_more_does_no_harm(environment):
    other = Xkit(publishable_key="pk_other", secret_key="sk_other")
    del other
    gc.collect()

    assert Xkit.default()


# Copies and pickles


def test_a_copy_of_an_xkit_is_the_same_xkit(xkit):
    assert copy.copy(xkit) is copy.deepcopy(xkit) is xkit


def test_an_xkit_does_not_pickle(xkit):
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(xkit)


# The HTTP library


def test_the_first_adapter_in_use_is_the_one_that_calls_xkit(keys, adapter, transport):
    with Xkit(**keys) as xkit:
        xkit.broker.prefer(adapter)
        xkit.broker.prefer("another_one")
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
    assert len(transport.calls) == 1


def test_without_any_http_library_the_error_says_how_to_get_one():
    program = """
import sys
sys.modules.update(requests=None, httpx=None, httpx2=None)
import xkit_auth
try:
    xkit_auth.Xkit(publishable_key="pk", secret_key="sk").get_credential("slack", context="u")
except xkit_auth.ConfigurationError as error:
    print(error.connector, error.context, error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.startswith("slack u No HTTP library is installed")
    assert "install xkit-auth[httpx]," in ran.stdout


LIBRARIES = ["httpx2", "httpx", "requests"]


def test_adapters_whose_library_is_missing_are_passed_over(keys, monkeypatch):
    for library in LIBRARIES:
        monkeypatch.setitem(sys.modules, f"xkit_auth.{library}", None)  # as good as not installed

    with Xkit(**keys) as xkit, pytest.raises(ConfigurationError, match="No HTTP library"):
        xkit.get_credential("slack", context="u")


@pytest.mark.parametrize("installed", LIBRARIES)
def test_the_first_adapter_whose_library_is_there_makes_the_calls(keys, monkeypatch, transport, installed):
    for library in LIBRARIES:
        module = None if library != installed else types.SimpleNamespace(open_transport=lambda **_options: transport)
        monkeypatch.setitem(sys.modules, f"xkit_auth.{library}", module)

    with Xkit(**keys) as xkit:
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_a_direct_call_uses_the_first_library_that_is_installed(keys):
    with Xkit(**keys, base_url="http://127.0.0.1:1") as xkit:
        with pytest.raises(PlatformError):
            xkit.get_credential("slack", context="u")
        installed = type(xkit.broker._transport).__module__

    assert installed in ("xkit_auth._clients.httpx.transport", "xkit_auth._clients.requests.transport")


# Fork


@pytest.fixture(params=["Python's", "C's"])
def in_child(request: Any) -> Any:
    """Run a check in a forked child, which ends without any cleaning up. Of a fork in C, Python learns nothing."""
    return partial(run_in_child, os.fork if request.param == "Python's" else ctypes.PyDLL(None).fork)


def run_in_child(fork: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads, which are the point here
        child = fork()
    if child == 0:
        status = 1
        signal.alarm(20)  # a child that hangs is ended, and the test fails
        try:
            check()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_a_forked_child_serves_what_was_held_and_asks_with_threads_of_its_own(xkit, transport, in_child):
    xkit.get_credential("slack", context="u")
    calls_before = len(transport.calls)

    def check() -> None:
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
        assert len(transport.calls) == calls_before
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="other").reveal() == "token-1"

    in_child(check)
    assert xkit.get_credential("slack", context="u").reveal() == "token-1"


def test_a_forked_child_inherits_no_call_that_was_under_way(xkit, transport, answers, in_thread):
    transport.by_hand = True
    waiting = in_thread(lambda: xkit.get_credential("slack", context="u"))
    call = transport.next_call()

    def check() -> None:
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"

    run_in_child(os.fork, check)
    call.answer(answers.active("token-parent"))
    assert waiting().reveal() == "token-parent"


def test_a_call_under_way_whose_thread_is_not_in_this_process_is_waited_for_by_nobody(xkit, transport, in_child):
    # Without a thread: a fork in C while one does something in Python would leave the interpreter itself locked.
    here = xkit.broker._here()
    wish = _WishForCredential(("slack", "u"), xkit.broker, here)
    here.flights[wish.key] = wish
    here.calls._begin(wish, time.monotonic())

    def check() -> None:
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"

    in_child(check)


def test_a_fork_while_other_threads_hold_every_lock_leaves_the_child_free(xkit, transport, in_thread, in_child):
    def check() -> None:
        xkit.broker._transport = type(transport)()
        assert xkit.get_credential("slack", context="u").reveal() == "token-1"
        xkit.directory.plugins()

    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with xkit.broker._here().lock, xkit.directory._lock(), Xkit._default_lock():
            holding.set()
            done.wait(20)

    held = in_thread(hold)
    holding.wait(20)
    try:
        in_child(check)
    finally:
        done.set()
    held()


def test_the_default_of_a_forked_child_is_free_to_be_made(environment, keys, in_child):
    with Xkit._default_lock():
        in_child(Xkit.default)


def test_the_errors_that_are_not_about_xkit_are_part_of_the_same_tree():
    assert issubclass(HostNotAllowed, xkit_auth.XkitAuthError)


# Denied for want of rights


def test_nobody_is_asked_in_the_background_for_what_must_not_be_asked_now(make_xkit, transport, answers):
    xkit = make_xkit()
    held = xkit.get_credential("slack", context="u")
    transport.replies(NoAnswer("down"))
    with pytest.raises(PlatformUnavailable):
        xkit.get_connection("slack", context="u")
    xkit.broker.denied(("slack", "u"), held)  # while the key is left alone
    here = xkit.broker._here()
    with here.lock:
        here.calls.pauses.answered(("slack", "u"))
        xkit.broker.denied(("slack", "u"), held)  # as in a signal handler that has interrupted this very thread
    xkit.close()
    xkit.broker.denied(("slack", "u"), held)

    assert len(transport.calls) == 2
