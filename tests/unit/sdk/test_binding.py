"""What ``bind`` puts into an object and takes out again, and the plugins that know it."""

from __future__ import annotations

import importlib.util
import sys
import threading
from types import SimpleNamespace

import pytest

import xkit_auth.sdk
from helpers.sdk_parts import (
    DISGUISES,
    MINE,
    THEIRS,
    TOKEN,
    Binds,
    Plain,
    bound,
    xkit_with_token,  # noqa: F401
)
from xkit_auth import ANY, ConfigurationError, ConflictWarning, NotConnected, Verdict
from xkit_auth.sdk import Binder, Binding, bind


def test_without_wrapt_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "wrapt", None)
    with pytest.raises(ImportError, match=r"xkit_auth\.sdk needs wrapt: install xkit-auth\[sdk\], from"):
        importlib.reload(xkit_auth.sdk)


def test_what_is_public_is_there():
    assert sorted(xkit_auth.sdk.__all__) == ["Binder", "Binding", "bind", "find_error", "with_credential"]
    assert all(getattr(xkit_auth.sdk, name) for name in xkit_auth.sdk.__all__)


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
