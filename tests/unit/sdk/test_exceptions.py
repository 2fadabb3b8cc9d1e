"""Finding our error and the provider's response in an SDK's exceptions."""

from __future__ import annotations

from email import message_from_string
from http import HTTPStatus
from itertools import pairwise
from types import MappingProxyType

import pytest

from helpers.sdk_parts import MINE
from xkit_auth import NotConnected
from xkit_auth.sdk import find_error, with_credential
from xkit_auth.sdk._exceptions import answer_in

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
