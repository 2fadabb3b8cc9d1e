"""The parts of ``xkit_auth.sdk``, each by itself: what is put back, what is found, what is understood."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import inspect
import pickle
import sys
import threading
import typing
from base64 import b64encode
from contextlib import contextmanager
from email import message_from_string
from functools import cached_property, partial
from http import HTTPStatus
from itertools import pairwise
from types import MappingProxyType, SimpleNamespace
from urllib.parse import quote

import pytest

import xkit_auth.sdk
from xkit_auth import ANY, ConfigurationError, ConflictWarning, NotConnected, ReauthorizationRequired, Verdict, hookimpl
from xkit_auth.sdk import Binder, Binding, bind, find_error, with_credential
from xkit_auth.sdk._call import nothing
from xkit_auth.sdk._exceptions import answer_in

MINE, THEIRS = object(), object()


def test_without_wrapt_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "wrapt", None)
    with pytest.raises(ImportError, match=r"xkit_auth\.sdk needs wrapt: install xkit-auth\[sdk\], from"):
        importlib.reload(xkit_auth.sdk)


def test_what_is_public_is_there():
    assert sorted(xkit_auth.sdk.__all__) == ["Binder", "Binding", "bind", "find_error", "with_credential"]
    assert all(getattr(xkit_auth.sdk, name) for name in xkit_auth.sdk.__all__)


# Binding: what was done, and the way back


class Plain:
    shared = "of the class"

    def method(self):
        return "of the class"

    @cached_property
    def cached(self):
        return "computed"


class WithProperty:
    def __init__(self):
        self._value = THEIRS

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        self._value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self):
        self.value = THEIRS

    def method(self):
        return "of the class"


class SlottedBelow(Slotted):
    """Has a dictionary, and still the value in the slot of its base."""


class Own:
    """A descriptor of an SDK's own."""

    def __get__(self, owner, _kind):
        return self if owner is None else owner._own

    def __set__(self, owner, value):
        owner._own = value

    def __delete__(self, owner):
        del owner._own


class WithDescriptor:
    value = Own()

    def __init__(self):
        self._own = THEIRS


def with_value():
    return SimpleNamespace(value=THEIRS)


@pytest.mark.parametrize("make", [with_value, WithProperty, Slotted, SlottedBelow, WithDescriptor])
def test_a_value_is_put_there_and_put_back_wherever_the_object_keeps_it(make):
    owner, binding = make(), Binding()
    binding.put(owner, "value", MINE)
    assert owner.value is MINE
    binding.release()
    assert owner.value is THEIRS


@pytest.mark.parametrize("name", ["shared", "method", "cached", "new"])
def test_what_the_object_did_not_have_itself_is_gone_again(name):
    owner, binding = Plain(), Binding()
    binding.put(owner, name, MINE)
    assert getattr(owner, name) is MINE
    binding.release()
    assert vars(owner) == {}
    assert "new" not in vars(Plain)


def test_an_empty_slot_is_empty_again():
    owner, binding = Slotted(), Binding()
    del owner.value
    binding.put(owner, "value", MINE)
    binding.release()
    assert not hasattr(owner, "value")


def test_what_was_put_several_times_goes_back_to_the_first():
    owner, binding = with_value(), Binding()
    for value in (object(), object(), MINE):
        binding.put(owner, "value", value)
    binding.release()
    assert owner.value is THEIRS


@pytest.mark.parametrize("release", [Binding.release, lambda binding: binding.__exit__()], ids=["release", "with"])
def test_what_somebody_has_changed_since_stays_with_a_warning(release):
    owner, binding = with_value(), Binding()
    binding.put(owner, "value", MINE)
    owner.value = "newer"
    with pytest.warns(ConflictWarning, match=r"SimpleNamespace\.value was changed after bind\(\)"):
        release(binding)
    assert owner.value == "newer"


def test_the_warning_points_at_the_line_that_released():
    owner, binding = with_value(), Binding()
    binding.put(owner, "value", MINE)
    owner.value = "newer"
    with pytest.warns(ConflictWarning) as caught:
        binding.release()
    assert [warning.filename for warning in caught] == [__file__]


def test_what_somebody_has_deleted_since_is_not_put_back():
    owner, binding = with_value(), Binding()
    binding.put(owner, "value", MINE)
    del owner.value
    with pytest.warns(ConflictWarning):
        binding.release()
    assert not hasattr(owner, "value")


def test_a_warning_that_is_turned_into_an_error_does_not_keep_the_rest_from_going_back():
    owner, changed, binding = with_value(), with_value(), Binding()
    binding.put(owner, "value", MINE)
    binding.put(changed, "value", MINE)
    changed.value = "newer"
    with pytest.raises(ConflictWarning):  # pytest makes errors of warnings here
        binding.release()
    assert owner.value is THEIRS


def test_a_plugin_s_function_that_fails_does_not_keep_the_rest_from_going_back():
    owner, binding = with_value(), Binding()
    binding.put(owner, "value", MINE)
    binding.undo_with(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        binding.release()
    assert owner.value is THEIRS


def test_an_attribute_that_is_bound_cannot_be_bound_again_before_it_is_released():
    owner, first, second = with_value(), Binding(), Binding()
    ours = Plain()
    first.put(owner, "value", ours)
    with pytest.raises(ConfigurationError, match="This SimpleNamespace is bound already") as caught:
        second.put(owner, "value", Plain())
    assert "Release its binding first" in caught.value.hint
    assert owner.value is ours
    assert not second
    first.release()
    second.put(owner, "value", ours)
    assert second


def test_a_value_that_is_bound_in_one_place_may_be_what_another_object_has_itself():
    shared, bound, other = Plain(), with_value(), SimpleNamespace()
    other.value = shared
    first, second = Binding(), Binding()
    first.put(bound, "value", shared)
    second.put(other, "value", MINE)
    second.release()
    assert other.value is shared


def test_one_binding_may_wrap_a_method_twice(binder):
    owner = Plain()
    for name in ("inner", "outer"):
        binder.wrap(owner, "method", lambda wrapped, instance, args, kwargs, name=name: f"{name}({wrapped()})")
    assert owner.method() == "outer(inner(of the class))"
    binder.binding.release()
    assert vars(owner) == {}


def test_what_a_plugin_wants_done_is_done_before_anything_is_put_back_the_latest_first():
    owner, binding, done = with_value(), Binding(), []
    binding.undo_with(lambda: done.append(("first", owner.value)))
    binding.put(owner, "value", MINE)
    binding.undo_with(lambda: done.append(("second", owner.value)))
    for _ in range(2):
        binding.release()
    assert done == [("second", MINE), ("first", MINE)]


def test_threads_that_release_together_release_once(in_thread):
    binding, done, together = Binding(), [], threading.Barrier(4)
    binding.undo_with(lambda: done.append(1))

    def release():
        together.wait(20)
        binding.release()

    for result in [in_thread(release) for _ in range(4)]:
        result()
    assert done == [1]


def test_a_binding_tells_what_is_bound_and_shows_no_value():
    owner, binding = SimpleNamespace(value="t0ken-text"), Binding()
    assert (bool(binding), repr(binding)) == (False, "Binding(released)")
    binding.put(owner, "value", "t1ken-text")
    binding.put(owner, "other", 1)
    assert (bool(binding), repr(binding)) == (True, "Binding(SimpleNamespace.value, SimpleNamespace.other)")
    binding.release()
    assert (bool(binding), repr(binding)) == (False, "Binding(released)")


@pytest.mark.parametrize(("owner", "name"), [(Slotted(), "method"), (Slotted(), "new"), ((), "value"), (MINE, "value")])
def test_an_object_that_does_not_allow_it_is_named_and_left_alone(owner, name):
    binding = Binding()
    with pytest.raises(
        ConfigurationError, match=f"{type(owner).__name__} does not allow that its {name} is set"
    ) as caught:
        binding.put(owner, name, MINE)
    assert "Bind the HTTP client inside it" in caught.value.hint
    assert not binding
    binding.release()


# Binder: what a plugin has in its hands


@pytest.fixture
def binder(xkit):
    return Binder("acme", {"context": "user-1", "xkit": xkit})


def test_a_method_is_wrapped_for_one_object_and_unwrapped_again(binder):
    owner, seen = Plain(), []

    def wrapper(wrapped, instance, args, kwargs):
        seen.append((instance, args, kwargs))
        return f"wrapped: {wrapped(*args, **kwargs)}"

    binder.wrap(owner, "method", wrapper)
    assert (owner.method(), Plain().method()) == ("wrapped: of the class", "of the class")
    assert seen == [(owner, (), {})]
    binder.binding.release()
    assert owner.method() == "of the class"
    assert vars(owner) == {}


def test_a_method_of_the_object_itself_comes_back(binder):
    owner = Plain()
    owner.method = own = lambda: "its own"
    binder.wrap(owner, "method", lambda wrapped, instance, args, kwargs: f"wrapped: {wrapped()}")
    assert owner.method() == "wrapped: its own"
    binder.binding.release()
    assert owner.method is own


@pytest.mark.parametrize("name", ["missing", "shared"])
def test_a_method_that_is_not_there_is_named(binder, name):
    owner = Plain()
    with pytest.raises(ConfigurationError, match=f"Plain has no method {name}") as caught:
        binder.wrap(owner, name, lambda *_: None)
    assert "newer plugin" in caught.value.hint
    assert vars(owner) == {}


def test_a_method_in_a_class_with_slots_cannot_be_wrapped(binder):
    with pytest.raises(ConfigurationError, match="Slotted does not allow that its method is set"):
        binder.wrap(Slotted(), "method", lambda *_: None)


@pytest.mark.parametrize("client", [None, object(), "client", Plain, SimpleNamespace(auth=None)])
def test_what_is_no_client_is_not_filled(binder, client):
    assert binder.fill(client) is False
    assert not binder.binding


def test_a_binder_shows_the_connector_alone(binder):
    assert repr(binder) == "Binder('acme')"


def test_values_and_functions_go_through_the_binder(binder):
    owner, done = with_value(), []
    binder.put(owner, "value", MINE)
    binder.when_released(lambda: done.append(owner.value))
    binder.binding.release()
    assert (done, owner.value) == ([MINE], THEIRS)


# bind: the plugin's answer


class Binds:
    """A plugin whose hook is the function it is given."""

    def __init__(self, hook):
        self.hook = hook

    @hookimpl
    def xkit_auth_bind(self, target, auth):
        return self.hook(target, auth)


def bound(make_xkit, hook, target, connector="acme"):
    return bind(target, connector, context="user-1", xkit=make_xkit(plugins=[Binds(hook)]))


@pytest.mark.parametrize("connector", ["acme", ANY], ids=repr)
def test_an_object_that_nobody_knows_is_named(xkit, connector):
    with pytest.raises(ConfigurationError, match=r"object of the class .*\.Plain") as caught:
        bind(Plain(), connector, context="user-1", xkit=xkit)
    assert caught.value.connector == (None if connector is ANY else connector)
    assert "install the plugin" in caught.value.hint


@pytest.mark.parametrize("target", [Plain, importlib, None, "client", 42], ids=repr)
def test_a_class_a_module_or_a_value_is_nothing_to_bind(xkit, target):
    with pytest.raises(
        ConfigurationError, match=r"Nobody knows how to bind an object of the class|was given \w+ itself"
    ):
        bind(target, "acme", context="user-1", xkit=xkit)


def test_an_auth_object_that_was_bound_once_can_be_set_by_hand_and_bound_over(make_xkit):
    clients = [each for each in ("requests", "httpx", "httpx2") if importlib.util.find_spec(each)]
    library = importlib.import_module(clients[0])
    client = library.Session() if clients[0] == "requests" else library.Client()
    xkit = make_xkit()
    with client:
        with bind(client, "acme", context="user-1", xkit=xkit):
            auth = client.auth
        client.auth = auth
        with bind(client, "acme", context="user-1", xkit=xkit):
            assert client.auth is not auth
        assert client.auth is auth


def test_the_plugin_is_handed_the_object_and_a_binder(make_xkit):
    seen = []

    def hook(target, auth):
        seen.append(target)
        auth.put(target, "value", MINE)
        return True

    target = with_value()
    with bound(make_xkit, hook, target) as binding:
        assert binding
        assert target.value is MINE
    assert seen == [target]
    assert target.value is THEIRS


def test_plugins_are_asked_in_their_order_until_one_knows_the_object(make_xkit):
    asked = []

    def hook(name, answer):
        return Binds(lambda target, auth: asked.append(name) or answer)

    plugins = [hook("first", None), hook("second", True), hook("third", True)]
    bind(Plain(), "acme", context="user-1", xkit=make_xkit(plugins=plugins))
    assert asked == ["first", "second"]


@pytest.mark.parametrize("answer", [None, False, 0, ""], ids=repr)
@pytest.mark.parametrize("half_done", [False, True])
def test_a_plugin_that_does_not_say_that_it_did_leaves_nothing_behind(make_xkit, answer, half_done):
    target, released = with_value(), []

    def hook(target, auth):
        if half_done:
            auth.put(target, "value", MINE)
            auth.when_released(lambda: released.append(1))
        return answer

    with pytest.raises(ConfigurationError, match="Nobody knows how to bind"):
        bound(make_xkit, hook, target)
    assert target.value is THEIRS
    assert released == [1] * half_done


@pytest.mark.parametrize("answer", ["not mine", object(), Verdict.ACCEPTED], ids=["text", "object", "verdict"])
def test_a_plugin_that_answers_with_nonsense_is_a_mistake(make_xkit, answer):
    target = with_value()

    def hook(target, auth):
        auth.put(target, "value", MINE)
        return answer

    with pytest.raises(ConfigurationError):
        bound(make_xkit, hook, target)
    assert target.value is THEIRS


class BoolFails:
    def __bool__(self):
        raise LookupError("is it?")


@pytest.mark.parametrize(
    ("raised", "told"), [(LookupError("no slot"), "LookupError: no slot"), (None, "LookupError: is it")]
)
def test_a_plugin_that_fails_half_way_leaves_nothing_behind(make_xkit, raised, told):
    target = with_value()

    def hook(target, auth):
        auth.put(target, "value", MINE)
        auth.put(target, "more", MINE)
        if raised is None:
            return BoolFails()
        raise raised

    with pytest.raises(ConfigurationError, match=f"xkit_auth_bind raised {told}") as caught:
        bound(make_xkit, hook, target)
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.hint == "Correct the plugin. Nothing was bound."
    assert vars(target) == {"value": THEIRS}


TOKEN = "a-tOken_of-5ome/length"
DISGUISES = {
    "plain": str,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "reversed": lambda text: text[::-1],
    "spaced": " ".join,
    "percent-encoded": lambda text: quote(text, safe=""),
}


@pytest.fixture
def xkit_with_token(make_xkit, transport, answers):
    """An account that holds a credential."""
    transport.reply = lambda _call: answers.active(TOKEN)

    def make(*plugins):
        xkit = make_xkit(plugins=list(plugins))
        xkit.get_credential("acme", context="user-1")
        return xkit

    return make


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("context", ["user-1", lambda: "user-1"], ids=["text", "function"])
def test_a_plugin_that_fails_with_the_credential_in_its_text_is_named_without_that(xkit_with_token, context, disguise):
    said = f"no luck with {DISGUISES[disguise](TOKEN)}"

    def hook(target, auth):
        raise ValueError(said)

    with pytest.raises(ConfigurationError, match=r"xkit_auth_bind raised ValueError: \[redacted\]") as caught:
        bind(with_value(), "acme", context=context, xkit=xkit_with_token(Binds(hook)))
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "Nothing was bound" in caught.value.hint


def no_context():
    raise LookupError("nobody's turn")


@pytest.mark.parametrize("context", ["user-2", no_context])
def test_a_token_of_the_sdk_itself_is_not_shown_either(make_xkit, context):
    def hook(target, auth):
        raise ValueError("no luck with xoxb-1234567890-its0wn")

    with pytest.raises(ConfigurationError, match=r"raised ValueError: \[redacted\]") as caught:
        bind(with_value(), "acme", context=context, xkit=make_xkit(plugins=[Binds(hook)]))
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("raised", [NotConnected("ours"), KeyboardInterrupt()], ids=repr)
def test_errors_of_ours_and_interruptions_pass_and_leave_nothing_behind_either(make_xkit, raised):
    target = with_value()

    def hook(target, auth):
        auth.put(target, "value", MINE)
        raise raised

    with pytest.raises(type(raised)) as caught:
        bound(make_xkit, hook, target)
    assert caught.value is raised
    assert target.value is THEIRS


def test_a_method_that_is_not_there_is_said_in_the_plugin_s_place(make_xkit):
    def hook(target, auth):
        auth.put(target, "value", MINE)
        auth.wrap(target, "no_such_method", lambda *_: None)

    target = with_value()
    with pytest.raises(ConfigurationError, match="SimpleNamespace has no method no_such_method"):
        bound(make_xkit, hook, target)
    assert target.value is THEIRS


# find_error


OURS = NotConnected("Nobody has connected")


def chained(*errors, by="__cause__"):
    for outer, inner in pairwise(errors):
        setattr(outer, by, inner)
    return errors[0]


def in_a_cycle(*more):
    first, second = ValueError("1"), ValueError("2")
    first.__context__, second.__context__ = second, first
    second.__cause__ = more[0] if more else None
    return first


FOUND = {
    "itself": lambda: OURS,
    "its cause": lambda: chained(ValueError(), OURS),
    "what was being handled": lambda: chained(ValueError(), OURS, by="__context__"),
    "far away": lambda: chained(*[ValueError(str(number)) for number in range(5_000)], OURS),
    "both ways": lambda: chained(ValueError(), chained(KeyError(), OURS, by="__context__")),
    "beside a cycle": lambda: in_a_cycle(OURS),
    "in a group": lambda: ExceptionGroup("", [ValueError(), OURS]),
    "in a group of a group": lambda: ExceptionGroup(
        "", [ExceptionGroup("", [ValueError(), chained(KeyError(), OURS)])]
    ),
    "in a group with an interruption": lambda: BaseExceptionGroup("", [KeyboardInterrupt(), OURS]),
    "behind an interruption": lambda: chained(KeyboardInterrupt(), OURS),
}


@pytest.mark.parametrize("make", FOUND.values(), ids=FOUND)
def test_ours_is_found_wherever_an_sdk_has_put_it(make):
    assert find_error(make()) is OURS


def test_one_that_an_sdk_hides_with_from_none_is_found():
    def hidden():
        try:
            raise OURS
        except NotConnected:
            raise ValueError("the SDK's own") from None

    with pytest.raises(ValueError) as caught:
        hidden()
    assert find_error(caught.value) is OURS


def test_the_nearest_is_found_first():
    far = NotConnected("farther away")
    assert find_error(chained(ValueError(), chained(NotConnected("near"), far))).args == ("near",)


@pytest.mark.parametrize("make", [ValueError, in_a_cycle, lambda: ExceptionGroup("", [in_a_cycle()]), lambda: None])
def test_where_there_is_none_none_is_found(make):
    assert find_error(make()) is None


# Exceptions' forms


class Bearing(Exception):
    """An exception with attributes."""

    def __init__(self, **attributes):
        super().__init__("the SDK's own words")
        vars(self).update(attributes)


class Part:
    """An SDK's own answer."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


class Closed:
    """An answer of which the library gives some things no more."""

    status_code = 401
    headers = MappingProxyType({"X-A": "1"})

    @property
    def content(self):
        raise RuntimeError("the content was consumed already")

    text = content
    body = "what is left"


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"status": 401}, (401, {}, None)),
        ({"status_code": 403}, (403, {}, None)),
        ({"http_status": 400}, (400, {}, None)),
        ({"response_code": 599}, (599, {}, None)),
        ({"status": HTTPStatus.UNAUTHORIZED}, (401, {}, None)),
        ({"status": "error", "status_code": 401}, (401, {}, None)),
        ({"status": None, "http_status": 401}, (401, {}, None)),
        ({"status": 401, "headers": {"X-A": "1", "X-B": 2, 3: "c"}}, (401, {"x-a": "1", "3": "c"}, None)),
        ({"status": 401, "headers": [("X-A", "1")]}, (401, {}, None)),
        ({"status": 401, "headers": message_from_string("X-A: 1\n\n")}, (401, {"x-a": "1"}, None)),
        ({"status": 401, "headers": None, "body": None}, (401, {}, None)),
        ({"status": 401, "body": b"\xff"}, (401, {}, b"\xff")),
        ({"status": 401, "body": "dé\ud800"}, (401, {}, b"d\xc3\xa9?")),
        ({"status": 401, "body": {"a": 1}}, (401, JSON, b'{"a": 1}')),
        ({"status": 401, "body": [1]}, (401, JSON, b"[1]")),
        ({"status": 401, "body": {"a": MINE}}, (401, JSON, f'{{"a": "{MINE}"}}'.encode())),
        ({"status": 401, "body": {}, "headers": {"Content-Type": "text/x"}}, (401, {"content-type": "text/x"}, b"{}")),
        ({"status": 401, "body": object(), "data": {"a": 1}}, (401, JSON, b'{"a": 1}')),
        ({"response": Part(status=401, body="a"), "status": 403}, (401, {}, b"a")),
        ({"response": Part(message="none"), "status": 403, "body": "b"}, (403, {}, b"b")),
        ({"response": {"status": 401}, "status": 403}, (403, {}, None)),
        ({"response": Closed()}, (401, {"x-a": "1"}, b"what is left")),
        ({"response": None, "status": 403}, (403, {}, None)),
    ],
)
def test_an_answer_is_read_out_of_what_an_exception_has(attributes, said):
    answer = answer_in(Bearing(**attributes))
    assert (answer.status, answer.headers, answer.body()) == said


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"status": True},
        {"status": 99},
        {"status": 600},
        {"status": -401},
        {"status": 401.0},
        {"status": "active"},
        {"code": 401},
        {"response": "HTTP 401"},
        {"response": Part(headers={}, body="x")},
        {"args": (401,)},
    ],
)
def test_where_there_is_no_status_there_is_no_answer(attributes):
    assert answer_in(Bearing(**attributes)) is None


def in_itself():
    body: dict[str, object] = {}
    body["again"] = body
    return body


@pytest.mark.parametrize("body", [{("a", "b"): 1}, in_itself(), [in_itself()]], ids=["key", "in itself", "in a list"])
def test_a_body_that_is_no_json_after_all_is_none(body):
    answer = answer_in(Bearing(status=401, body=body))
    assert (answer.status, answer.body()) == (401, None)


class StatusFails(Exception):
    @property
    def status(self):
        raise RuntimeError("there was no answer")


ODD = {
    "a body that is no JSON": lambda: Bearing(status=401, body={("a", "b"): 1}),
    "a body that holds itself": lambda: Bearing(status=401, body=in_itself()),
    "an attribute that raises": StatusFails,
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_an_exception_that_cannot_be_read_is_still_the_caller_s(xkit, make):
    error = make()

    @with_credential("acme", context="user-1", xkit=xkit)
    def get(*, token):
        raise error

    with pytest.raises(type(error)) as caught:
        get()
    assert caught.value is error


# What with_credential decorates


@pytest.fixture
def decorate(xkit):
    return with_credential("acme", context="user-1", xkit=xkit)


class Methods:
    """Every form that a method has."""

    name = "of the class"

    def __init__(self):
        self.name = "of the object"

    @staticmethod
    def decorated_by(decorate):
        class Decorated(Methods):
            @decorate
            def method(self, limit: int = 5, *, token: str) -> list[object]:
                """Its words."""
                return [self.name, limit, token]

            @classmethod
            @decorate
            def of_class(cls, limit: int = 5, *, token: str) -> list[object]:
                """Its words."""
                return [cls.name, limit, token]

            @decorate
            @classmethod
            def of_class_outside(cls, limit: int = 5, *, token: str) -> list[object]:
                """Its words."""
                return [cls.name, limit, token]

            @staticmethod
            @decorate
            def static(limit: int = 5, *, token: str) -> list[object]:
                """Its words."""
                return ["static", limit, token]

            @decorate
            @staticmethod
            def static_outside(limit: int = 5, *, token: str) -> list[object]:
                """Its words."""
                return ["static", limit, token]

        return Decorated


FORMS = {
    "method": "of the object",
    "of_class": "of the class",
    "of_class_outside": "of the class",
    "static": "static",
    "static_outside": "static",
}


@pytest.mark.parametrize(("form", "owner"), FORMS.items())
def test_all_forms_of_methods_get_it_and_look_like_themselves(decorate, form, owner):
    made = Methods.decorated_by(decorate)()
    method = getattr(made, form)
    assert method() == [owner, 5, "token-1"]
    assert method(7) == method(limit=7) == [owner, 7, "token-1"]
    assert method(token="mine") == [owner, 5, "mine"]
    assert (method.__name__, method.__doc__) == (form, "Its words.")
    assert method.__qualname__.endswith(f"Decorated.{form}")
    assert str(inspect.signature(method)) == "(limit: 'int' = 5) -> 'list[object]'"
    assert typing.get_type_hints(method)["limit"] is int
    assert not inspect.iscoroutinefunction(method)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "method"])
def test_those_of_a_class_can_be_called_on_it(decorate, form):
    method = getattr(Methods.decorated_by(decorate), form)
    assert method(7)[1:] == [7, "token-1"]
    assert list(inspect.signature(method).parameters) == ["limit"]


def test_a_method_can_be_called_through_its_class(decorate):
    made = Methods.decorated_by(decorate)
    assert made.method(made(), 7) == ["of the object", 7, "token-1"]
    assert list(inspect.signature(made.method).parameters) == ["self", "limit"]


def test_a_method_of_one_object_can_be_decorated_from_outside(decorate):
    class Sdk:
        def call(self, limit, *, token):
            return self, limit, token

    sdk = Sdk()
    call = decorate(sdk.call)
    assert call(7) == (sdk, 7, "token-1")
    assert list(inspect.signature(call).parameters) == ["limit"]


def test_an_async_function_is_one_still(decorate):
    @decorate
    async def get(limit: int, *, token: str) -> str:
        """Its words."""
        return token

    assert inspect.iscoroutinefunction(get)
    assert (get.__name__, get.__doc__) == ("get", "Its words.")
    assert str(inspect.signature(get)) == "(limit: 'int') -> 'str'"


def test_an_object_whose_call_is_async_is_called_once_more_too(make_xkit, transport, answers):
    transport.replies(answers.active("token-1"), answers.active("token-2"))
    tokens = []

    class Get:
        async def __call__(self, *, token):
            tokens.append(token)
            raise ValueError

    get = with_credential("acme", context="user-1", xkit=make_xkit(), rejected=ValueError)(Get())
    with pytest.raises(ValueError):
        asyncio.run(get())
    assert tokens == ["token-1", "token-2"]


def test_a_partial_is_decorated_like_any_function(decorate):
    get = decorate(partial(lambda site, limit, *, token: (site, limit, token), "eu"))
    assert get(7) == ("eu", 7, "token-1")
    assert list(inspect.signature(get).parameters) == ["limit"]


def test_a_decorated_function_can_be_decorated_again_for_another_argument(make_xkit, transport, answers):
    transport.reply = lambda call: answers.active("of-acme" if "acme" in call.url else "of-other")
    xkit = make_xkit()

    @with_credential("acme", context="user-1", xkit=xkit, argument="first")
    @with_credential("other", context="user-1", xkit=xkit, argument="second")
    def get(limit, *, first, second):
        return limit, first, second

    assert get(1) == (1, "of-acme", "of-other")
    assert list(inspect.signature(get).parameters) == ["limit"]


CALLS = {
    "keyword-only": (lambda limit=1, *, token: (limit, token), (7,)),
    "last": (lambda limit, token: (limit, token), (7,)),
    "by its default": (lambda limit, token=None: (limit, token), (7,)),
    "first": (lambda token, limit: (limit, token), (7,)),
    "first, before a default": (lambda token, limit=1: (limit, token), (7,)),
    "between": (lambda limit, token, other=2: (limit, token, other), (7, 3)),
    "among any": (lambda limit, **more: (limit, more["token"]), (7,)),
}


@pytest.mark.parametrize(("function", "args"), CALLS.values(), ids=CALLS)
def test_it_is_called_as_its_signature_says_wherever_the_argument_is(decorate, function, args):
    decorated = decorate(function)
    inspect.signature(decorated).bind(*args)
    limit, token, *other = decorated(*args)
    assert (limit, token) == (7, "token-1")
    assert other in ([], [3])


def test_who_passes_it_by_name_has_it_their_way(decorate, transport):
    def get(token=None):
        return token

    assert decorate(get)(token="mine") == "mine"
    assert decorate(lambda **more: more["token"])(token="mine") == "mine"
    assert transport.calls == []


def test_who_passes_one_of_several_has_them_all_their_way(xkit, transport):
    @with_credential("acme", context="user-1", xkit=xkit, argument={"user": "name", "password": "word"})
    def get(*, user, password="default"):
        return user, password

    assert get(user="mine") == ("mine", "default")
    assert transport.calls == []


def test_wrong_arguments_are_a_type_error_and_xkit_is_not_asked(decorate, transport):
    @decorate
    def get(limit, *, token):
        raise AssertionError("not called")

    with pytest.raises(TypeError):
        get(1, 2, 3)
    with pytest.raises(TypeError):
        get(unknown=1)
    assert transport.calls == []


def gives(token):
    yield token


async def agives(token):
    yield token


class Gives:
    def __call__(self, token):
        yield token


GENERATORS = {
    "function": gives,
    "async function": agives,
    "partial": partial(gives),
    "staticmethod": staticmethod(gives),
    "classmethod": classmethod(agives),
    "object": Gives(),
}


@pytest.mark.parametrize("function", GENERATORS.values(), ids=GENERATORS)
def test_generators_are_refused_with_what_to_do_instead(decorate, function):
    with pytest.raises(ConfigurationError, match="is a generator") as caught:
        decorate(function)
    assert "call that from the generator" in caught.value.hint


@pytest.mark.parametrize("thing", [None, "function", 42, Plain, property(lambda self: 1)])
def test_what_is_no_function_is_refused(decorate, thing):
    with pytest.raises(ConfigurationError, match="decorates a function"):
        decorate(thing)


@pytest.mark.parametrize(
    "function",
    [lambda: 1, lambda key: 1, lambda token, /: 1, lambda *token: 1, lambda *args: 1],
)
def test_a_function_without_the_argument_is_refused_by_name(decorate, function):
    with pytest.raises(ConfigurationError, match="has no argument 'token' that can be passed by its name") as caught:
        decorate(function)
    assert 'argument="api_key"' in caught.value.hint


def test_each_of_several_arguments_must_be_there(xkit):
    decorate = with_credential("acme", context="user-1", xkit=xkit, argument={"user": "name", "password": "word"})
    with pytest.raises(ConfigurationError, match="no argument 'password'"):
        decorate(lambda user: 1)


def test_a_callable_object_is_named_by_its_class(decorate):
    class Calls:
        def __call__(self, limit):
            return limit

    with pytest.raises(ConfigurationError, match="Calls has no argument 'token'"):
        decorate(Calls())


@pytest.mark.parametrize("connector", ["", None, ANY, 42], ids=repr)
def test_a_wrong_connector_is_found_when_it_is_decorated(xkit, connector):
    with pytest.raises(ConfigurationError, match="The connector"):
        with_credential(connector, context="user-1", xkit=xkit)


@pytest.mark.parametrize(
    "wrong",
    [{"context": ""}, {"context": None}, {"xkit": "sk_test"}, {"rejected": 401}, {"rejected": (401,)}],
    ids=repr,
)
def test_other_wrong_arguments_are_found_then_too(xkit, wrong):
    with pytest.raises(ConfigurationError):
        with_credential("acme", **{"context": "user-1", "xkit": xkit, **wrong})


@pytest.mark.parametrize("context", ["", lambda: None, lambda: ""], ids=["empty", "none given", "empty given"])
def test_a_wrong_context_is_found_before_the_function_is_called(xkit, transport, context):
    def get(token):
        raise AssertionError("not called")

    with pytest.raises(ConfigurationError):
        with_credential("acme", context=context, xkit=xkit)(get)()
    assert transport.calls == []


def test_a_function_that_says_which_exception_it_is_and_fails_does_not_hide_the_exception(xkit):
    def fails(error):
        raise KeyError("of the function")

    @with_credential("acme", context="user-1", xkit=xkit, rejected=fails)
    def get(*, token):
        raise ValueError("of the SDK")

    with pytest.raises(Exception) as caught:
        get()
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert "of the SDK" in [str(each) for each in chain]


class Classifies:
    def __init__(self, fails):
        self.fails = fails

    @hookimpl
    def xkit_auth_classify_exception(self, connector, exception):
        self.fails(exception)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("who", ["the application", "a plugin", "a plugin with an error of ours"])
def test_who_judges_an_exception_and_fails_does_not_say_the_credential(xkit_with_token, who, disguise):
    said = f"no luck with {DISGUISES[disguise](TOKEN)}"

    def fails(error):
        raise (NotConnected if "ours" in who else ValueError)(said)

    xkit = xkit_with_token(*[Classifies(fails)] if "plugin" in who else [])
    rejected = fails if who == "the application" else None

    @with_credential("acme", context="user-1", xkit=xkit, rejected=rejected)
    def get(*, token):
        raise ValueError("of the SDK")

    with pytest.raises(ConfigurationError, match=r"raised \w+: \[redacted\]") as caught:
        get()
    assert str(caught.value.__cause__) == "of the SDK"
    assert caught.value.__context__ in (None, caught.value.__cause__)
    assert said not in str(caught.value)


def test_a_call_of_a_function_has_no_request_that_could_be_seen():
    view = nothing()
    assert (view.method, view.url, dict(view.headers), view.body) == ("", "", {}, None)


def test_interruptions_are_nobody_s_business(xkit, transport):
    @with_credential("acme", context="user-1", xkit=xkit, rejected=BaseException)
    def get(*, token):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get()
    assert len(transport.calls) == 1


@pytest.mark.parametrize("raised", [StopIteration("end"), StopAsyncIteration("end")], ids=repr)
def test_exceptions_that_end_a_loop_are_exceptions_like_any_other(decorate, raised):
    @decorate
    def get(*, token):
        raise raised

    with pytest.raises(type(raised)) as caught:
        get()
    assert caught.value is raised


def test_an_exception_whose_response_cannot_be_had_does_not_hide_our_error(make_xkit, transport, answers):
    transport.replies(answers.active("token-1"), answers.in_error())

    class Broken(Exception):
        @property
        def response(self):
            raise RuntimeError("there is none")

    @with_credential("acme", context="user-1", xkit=make_xkit(), rejected=Broken)
    def get(*, token):
        raise Broken

    with pytest.raises(ReauthorizationRequired) as caught:
        get()
    assert isinstance(caught.value.__cause__, Broken)


def test_an_argument_behind_star_args_and_before_them_is_put_in_its_place(decorate):
    assert decorate(lambda limit, token, *rest: (limit, token, rest))(7, 8, 9) == (7, "token-1", (8, 9))
    assert decorate(lambda *rest, token: (rest, token))(7, 8) == ((7, 8), "token-1")
    assert decorate(lambda limit=1, token=None, *rest: (limit, token, rest))() == (1, "token-1", ())
    assert decorate(lambda limit=1, /, token=None, **more: (limit, token, more))(a=2) == (1, "token-1", {"a": 2})


def test_errors_of_ours_pickle_with_what_they_carry(make_xkit, transport, answers):
    transport.replies(answers.active("token-1"), answers.in_error(error_code="access_denied"))

    @with_credential("acme", context="user-1", xkit=make_xkit(), rejected=ValueError)
    def get(*, token):
        raise ValueError("dead")

    with pytest.raises(Exception) as caught:
        get()
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.connector, again.context, again.error_code) == ("acme", "user-1", "access_denied")
    assert str(caught.value.__cause__) == "dead"
    assert caught.value.response is None


@pytest.mark.parametrize("argument", [("a", "b"), None, {}, "", {"a": 3}, {"": "b"}, 5], ids=repr)
def test_an_argument_that_makes_no_sense_is_found_when_it_is_decorated(xkit, argument):
    with pytest.raises(ConfigurationError, match="argument= is neither"):
        with_credential("acme", context="user-1", xkit=xkit, argument=argument)


async def says_so(_error):
    return True


@pytest.mark.parametrize("rejected", [says_so, int, (ValueError, int)])
def test_what_cannot_say_that_an_exception_is_a_refusal_is_found_then_too(xkit, rejected):
    with pytest.raises(ConfigurationError, match="rejected= is a class of exceptions"):
        with_credential("acme", context="user-1", xkit=xkit, rejected=rejected)


def test_a_builtin_that_does_not_tell_its_arguments_is_refused(decorate):
    with pytest.raises(ConfigurationError, match="has no argument"):
        decorate(max)


def test_what_is_behind_a_wrapper_of_a_generator_is_refused(decorate):
    with pytest.raises(ConfigurationError, match="is a generator"):
        decorate(contextmanager(gives))


async def late(token):
    return token


@pytest.mark.parametrize("makes", [late, lambda token: gives(token), lambda token: agives(token)])
def test_a_plain_function_that_returns_what_goes_on_later_is_refused(decorate, makes):
    @decorate
    def get(*, token):
        return makes(token)

    with pytest.raises(ConfigurationError, match="returned a generator or something to be awaited"):
        get()


def test_a_copy_of_what_is_bound_is_not_bound_to_another_user(make_xkit):
    def hook(target, auth):
        auth.wrap(target, "method", lambda wrapped, instance, args, kwargs: ("bound", wrapped(*args, **kwargs)))
        return True

    target, xkit = Plain(), make_xkit(plugins=[Binds(hook)])
    plain = target.method()
    with bind(target, "acme", context="user-1", xkit=xkit):
        copied = copy.copy(target)
        assert target.method() == ("bound", plain)
        with pytest.raises(ConfigurationError, match="a copy of one that was"):
            bind(copied, "acme", context="user-2", xkit=xkit)
    assert copied.method() == plain
