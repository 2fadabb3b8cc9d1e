"""``with_credential`` on every kind of function, and its arguments."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import typing
from contextlib import contextmanager
from functools import partial

import pytest

from helpers.sdk_parts import (
    DISGUISES,
    TOKEN,
    Binds,
    Plain,
    xkit_with_token,  # noqa: F401
)
from xkit_auth import ANY, ConfigurationError, NotConnected, ReauthorizationRequired, hookimpl
from xkit_auth.sdk import bind, with_credential
from xkit_auth.sdk._call import nothing

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
