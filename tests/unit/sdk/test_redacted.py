"""An answer that somebody else's code got with the credential, of whatever library, is freed of that or let go."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

pytest.importorskip("wrapt")

from xkit_auth import Credential
from xkit_auth.sdk._redacted import redacted

SECRET = "Wq8/T5yPz2LmKd7Gh4"
CREDENTIAL = Credential(SECRET)
BASIC = "Basic " + b64encode(f"ann:{SECRET}".encode()).decode()


@dataclass(frozen=True)
class Frozen:
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, repr=False)
class FrozenInSlots:
    url: str
    headers: Mapping[str, str]
    not_set: str = field(init=False)


class Info(NamedTuple):
    """As aiohttp has it."""

    url: str
    headers: Mapping[str, str]


class Url:
    """As yarl has it: one object for all that ask for the same, which must never be changed."""

    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text


class OnlyOnce(Url):
    """As the same, of a library that takes no text."""

    def __init__(self, _one, _two):
        self._text = f"https://a.example/?key={quote(SECRET, safe='')}"


class Lower(dict):
    """Headers of a library that knows them by lower-case names."""

    def __setitem__(self, name, value):
        super().__setitem__(name.lower(), value)


def message(*pairs):
    made = Message()
    for name, value in pairs:
        made[name] = value
    return made


async def waits(token):
    """Never awaited."""


def yields(token):
    yield token


def begun(token):
    generator = yields(token)
    next(generator)
    return generator


def returning(token):
    return lambda: token


def closed(token):
    body = io.BytesIO(token.encode())
    body.close()
    return body


REQUESTS = {
    "a header": lambda: SimpleNamespace(headers={"Authorization": f"Bearer {SECRET}", "Accept": "a"}),
    "a header in bytes": lambda: SimpleNamespace(headers=[(b"authorization", f"Bearer {SECRET}".encode())]),
    "HTTP Basic": lambda: SimpleNamespace(headers=Lower(authorization=BASIC)),
    "the name of a header": lambda: SimpleNamespace(headers={SECRET: "x"}),
    "headers that do not change": lambda: SimpleNamespace(
        headers=MappingProxyType({"X-Api-Key": SECRET, "Accept": "a"})
    ),
    "headers of a message": lambda: SimpleNamespace(hdrs=message(("X-Api-Key", SECRET), ("Accept", "a"))),
    "query": lambda: SimpleNamespace(url=f"https://a.example/x?b=c&key={quote(SECRET, safe='')}"),
    "path": lambda: SimpleNamespace(url=f"https://a.example/bot{SECRET}/x"),
    "a url of its own": lambda: SimpleNamespace(_url=Url(f"https://a.example/?key={quote(SECRET)}")),
    "another of its own": lambda: SimpleNamespace(_url=OnlyOnce(1, 2)),
    "json": lambda: SimpleNamespace(body=json.dumps({"token": SECRET, "a": 1}).encode()),
    "json of objects": lambda: SimpleNamespace(json={"auth": [{"token": SECRET}], "a": 1}),
    "form": lambda: SimpleNamespace(body=bytearray(f"a=1&token={quote(SECRET, safe='')}".encode())),
    "latin-1": lambda: SimpleNamespace(body=b"\xe9 " + SECRET.encode() + b" \xe9"),
    "base64": lambda: SimpleNamespace(body=b64encode(b"x" + SECRET.encode())),
    "hex": lambda: SimpleNamespace(params={"key": SECRET.encode().hex()}),
    "reversed": lambda: SimpleNamespace(params=(SECRET[::-1], 1)),
    "spaced": lambda: SimpleNamespace(params={" ".join(SECRET)}),
    "a long text": lambda: SimpleNamespace(body="x" * 1024 * 1024 + SECRET),
    "a file": lambda: SimpleNamespace(body=io.BytesIO(SECRET.encode())),
    "a text file": lambda: SimpleNamespace(body=io.StringIO(SECRET)),
    "a file that is closed": lambda: SimpleNamespace(body=[closed(SECRET), SECRET]),
    "a closure": lambda: SimpleNamespace(hooks={"response": [lambda token=SECRET: token]}),
    "a cell": lambda: SimpleNamespace(hooks=returning(SECRET)),
    "a partial": lambda: SimpleNamespace(hooks=[partial(print, SECRET)]),
    "a method": lambda: SimpleNamespace(hooks=SimpleNamespace(token=SECRET, call=Url(SECRET).__str__)),
    "a generator": lambda: SimpleNamespace(body=begun(SECRET)),
    "frozen": lambda: Frozen(f"https://a.example/?{SECRET}", {"X": SECRET}, SECRET.encode()),
    "frozen, in slots": lambda: FrozenInSlots(f"https://a.example/?{SECRET}", {"X": SECRET}),
    "named tuple": lambda: Info(f"https://a.example/?{SECRET}", {"X": SECRET}),
    "a mapping": lambda: {"method": "GET", "headers": {"X": SECRET}, "url": f"https://a.example/?{SECRET}"},
}


@pytest.mark.parametrize("holds", ["request", "_request_info", "history", "next_request"])
@pytest.mark.parametrize("makes", REQUESTS.values(), ids=REQUESTS)
def test_the_credential_is_nowhere_in_what_an_answer_leads_to(walk, makes, holds):
    held = [SimpleNamespace(status_code=401, request=makes())] if holds == "history" else makes()
    answer = SimpleNamespace(status_code=401, headers={"Date": "today"}, content=b"no", **{holds: held})
    assert walk([SECRET]).found_in(answer) != []
    assert redacted(answer, [CREDENTIAL]) is answer
    assert walk([SECRET]).found_in(answer) == []
    assert (answer.status_code, answer.headers, answer.content) == (401, {"Date": "today"}, b"no")


def test_what_is_harmless_stays_around_it():
    request = SimpleNamespace(
        method="GET",
        url=f"https://a.example/x?key={SECRET}&b=c",
        headers={"Authorization": f"Bearer {SECRET}", "Accept": "a"},
        body=f'{{"token": "{SECRET}", "a": 1}}'.encode(),
    )
    redacted(SimpleNamespace(request=request), [CREDENTIAL])
    assert request.method == "GET"
    assert request.url == "https://a.example/x?key=[redacted]&b=c"
    assert request.headers == {"Authorization": "Bearer [redacted]", "Accept": "a"}
    assert request.body == b'{"token": "[redacted]", "a": 1}'


def test_whatever_is_disguised_is_masked_as_a_whole():
    request = SimpleNamespace(headers={"Authorization": BASIC}, body=b64encode(SECRET.encode()))
    redacted(SimpleNamespace(request=request), [CREDENTIAL])
    assert request.headers == {"Authorization": "[redacted]"}
    assert request.body == b"[redacted]"


def test_an_answer_without_it_is_left_alone():
    inner = SimpleNamespace(url="https://a.example", headers={"Accept": "a"}, hooks=[print], body=None)
    client = SimpleNamespace(request=inner, more=(1, "a", {"b": b"c"}), stream=begun("x"))
    answer = SimpleNamespace(request=inner, history=[], client=client)
    answer.itself = answer
    assert redacted(answer, [CREDENTIAL]) is answer
    assert (answer.request, answer.client, answer.itself) == (inner, client, answer)


def test_every_part_and_every_credential_that_was_sent_is_looked_for(walk):
    request = SimpleNamespace(url="https://a.example/?user=ann-of-acme&password=first-pass&key=second-one&a=me")
    parts = Credential({"user": "ann-of-acme", "password": "first-pass", "me": "me"})
    redacted(SimpleNamespace(request=request), [parts, Credential("second-one")])
    assert request.url == "https://a.example/?user=[redacted]&password=[redacted]&key=[redacted]&a=me"


def test_a_credential_of_nothing_but_a_few_letters_is_not_looked_for():
    answer = SimpleNamespace(request=SimpleNamespace(url="https://a.example/?me"))
    assert redacted(answer, [Credential("me")]) is answer
    assert answer.request.url == "https://a.example/?me"


# What is not of the exchange


def test_the_client_of_an_sdk_is_let_go_and_not_changed():
    client = SimpleNamespace(token=SECRET, headers={"Authorization": f"Bearer {SECRET}"})
    answer = SimpleNamespace(status=401, _client=client, request=SimpleNamespace(session=client, url="x"))
    assert redacted(answer, [CREDENTIAL]) is answer
    assert (answer._client, answer.request.session, answer.request.url) == (None, None, "x")
    assert client.token == SECRET
    assert client.headers == {"Authorization": f"Bearer {SECRET}"}


def test_what_has_no_end_is_let_go():
    deep: Any = None
    for _ in range(600):
        deep = [deep]
    answer = SimpleNamespace(connection=SimpleNamespace(deep=deep), status=401)
    assert redacted(answer, [CREDENTIAL]) is answer
    assert (answer.connection, answer.status) == (None, 401)


def test_a_coroutine_that_waits_with_it_is_let_go():
    coroutine = waits(SECRET)
    answer = SimpleNamespace(task=coroutine)
    redacted(answer, [CREDENTIAL])
    assert answer.task is None
    coroutine.close()


# What cannot be helped


class Stubborn:
    """It cannot be changed."""

    __slots__ = ("__dict__",)

    @property
    def __dict__(self):
        return {"url": SECRET}


class Angry(dict):
    def items(self):
        raise RuntimeError("no")

    def __delitem__(self, key):
        raise RuntimeError("no")


class Unwilling(dict):
    def __delitem__(self, key):
        raise RuntimeError("no")


def test_a_request_that_cannot_be_freed_is_let_go(walk):
    answer = SimpleNamespace(status=401, request=Unwilling({SECRET: "x"}))
    assert redacted(answer, [CREDENTIAL]) is answer
    assert answer.request is None


def test_an_answer_that_cannot_be_freed_is_none():
    assert redacted(Unwilling({SECRET: "x"}), [CREDENTIAL]) is None
    assert redacted(Stubborn(), [CREDENTIAL]) is None


def test_what_can_only_be_made_anew_is():
    assert redacted(Info(SECRET, {"X": SECRET}), [CREDENTIAL]) == ("[redacted]", {"X": "[redacted]"})
    assert redacted(f"no {SECRET}", [CREDENTIAL]) == "no [redacted]"
    assert redacted(None, [CREDENTIAL]) is None
    assert redacted({"headers": Angry()}, [CREDENTIAL]) == {"headers": {}}
