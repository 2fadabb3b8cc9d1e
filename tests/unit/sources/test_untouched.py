"""What calls to Xkit go through, as it was before somebody replaced it."""

from __future__ import annotations

import functools
import importlib
import socket
import types
from types import FunctionType

import pytest

from xkit_auth import ConfigurationError
from xkit_auth._sources.untouched import Kept, check_sockets, is_its_own


class Pool:
    def send(self):
        return "the library's own"


def replaced(_self):
    return "somebody else's"


def foreign(method, name="recorder"):
    """A function as it would be if another module had made it and called it the library's."""
    made = FunctionType(method.__code__, {"__name__": name})
    made.__module__ = __name__
    return made


def test_a_method_is_kept_as_it_was(monkeypatch):
    kept = Kept([(Pool, "send")])
    monkeypatch.setattr(Pool, "send", foreign(replaced))
    kept.check()
    assert kept.method(Pool, "send")(Pool()) == "the library's own"


def test_what_was_replaced_before_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(Pool, "send", foreign(replaced))
    with pytest.raises(ConfigurationError, match=r"had replaced .*Pool\.send before xkit-auth was imported"):
        Kept([(Pool, "send")]).check()


def test_a_wrapper_that_says_what_it_has_wrapped_is_left_out(monkeypatch):
    wrapper = functools.wraps(Pool.send)(foreign(replaced))
    monkeypatch.setattr(Pool, "send", wrapper)
    kept = Kept([(Pool, "send")])
    kept.check()
    assert kept.method(Pool, "send")(Pool()) == "the library's own"


def test_a_wrapper_of_wrapt_is_left_out(monkeypatch):
    wrapt = pytest.importorskip("wrapt")
    monkeypatch.setattr(Pool, "send", wrapt.FunctionWrapper(Pool.send, lambda *_args: "somebody else's"))
    kept = Kept([(Pool, "send")])
    kept.check()
    assert kept.method(Pool, "send")(Pool()) == "the library's own"


@pytest.mark.parametrize("thing", [functools.partial(replaced), Pool, None, foreign(replaced)])
def test_only_a_function_of_its_module_is_its_own(thing):
    assert not is_its_own(thing)


@pytest.mark.parametrize("package", ["httpretty", "mocket", "pytest_socket"])
def test_sockets_of_a_test_library_are_refused_by_name(monkeypatch, package):
    fake = type("socket", (socket.socket,), {"__module__": f"{package}.core"})
    monkeypatch.setattr(socket, "socket", fake)
    with pytest.raises(ConfigurationError, match=f"{package} has replaced"):
        check_sockets()


@pytest.mark.parametrize("module", ["socket", "gevent._socket3", "eventlet.greenio.base"])
def test_sockets_of_the_system_or_of_a_loop_are_taken(monkeypatch, module):
    monkeypatch.setattr(socket, "socket", type("socket", (socket.socket,), {"__module__": module}))
    check_sockets()


@pytest.mark.parametrize("name", ["httpcore", "httpcore2"])
def test_a_stand_in_for_a_class_whose_library_is_missing_is_left_as_it_is(name):
    library = types.SimpleNamespace(**vars(pytest.importorskip(name)))
    library.SOCKSProxy = type("SOCKSProxy", (), {})
    core = importlib.import_module("xkit_auth._clients.httpx.transport").Core(library)
    assert core.SOCKSProxy is library.SOCKSProxy
    assert core.HTTPProxy is not library.HTTPProxy
