"""A key that somebody puts where another thing belongs is in no text and in no frame of the error that says so."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import pytest

import xkit_auth
from xkit_auth import ConfigurationError, Connector, Credential, Failure, Placement, Verdict, Xkit
from xkit_auth._values.calling import says_how_to_call
from xkit_auth._values.text import quoted
from xkit_auth.requests import XkitAuth
from xkit_auth.sdk import bind, with_credential

OURS = str(Path(xkit_auth.__file__).parent)
KEY = "sk_live_Wq8rT5yPz2LmKd7Gh4"


@pytest.fixture
def xkit():
    with Xkit(publishable_key="pk", secret_key="another-secret") as xkit:
        yield xkit


def xkit_with(**arguments):
    return Xkit(publishable_key="pk", secret_key="another-secret", **arguments)


def decorated(xkit, connector="slack", argument="token", function=lambda token: token, **more):
    return with_credential(connector, context="user-1", xkit=xkit, argument=argument, **more)(function)()


def connector_with(**arguments):
    return Connector("acme", **{"hosts": ["api.acme.example"], **arguments})


def auth(account, connector="slack", **arguments):
    return XkitAuth(connector, **{"context": "user-1", "xkit": account, **arguments})


PLACES = {
    "a credential of bytes": lambda xkit: Credential(KEY.encode()),
    "a credential in a list": lambda xkit: Credential([KEY]),
    "a token as a field": lambda xkit: Credential("x").reveal(KEY),
    "a token as a field, as bytes": lambda xkit: Credential("x").reveal(KEY.encode()),
    "a token as a field of several": lambda xkit: Credential({"a": KEY, "b": KEY}).reveal(KEY),
    "a number": lambda xkit: xkit_with(timeout=KEY),
    "an age": lambda xkit: xkit_with(max_age=KEY),
    "slugs": lambda xkit: xkit_with(connectors=KEY),
    "plugins": lambda xkit: xkit_with(plugins=KEY),
    "a plugin": lambda xkit: xkit_with(plugins=[KEY]),
    "a link": lambda xkit: xkit_with(reconnect_url=KEY + "{"),
    "a slot of a link": lambda xkit: xkit_with(reconnect_url="{" + KEY + "}"),
    "a link of bytes": lambda xkit: xkit_with(reconnect_url=KEY.encode()),
    "a base URL": lambda xkit: xkit_with(base_url=KEY),
    "a base URL with a login": lambda xkit: xkit_with(base_url=f"https://user:{KEY}@x.example"),
    "a connector": lambda xkit: auth(xkit, KEY),
    "a connector of bytes": lambda xkit: auth(xkit, KEY.encode()),
    "a connector that is asked for": lambda xkit: xkit.get_credential(KEY, context="user-1"),
    "a connector of a function": lambda xkit: decorated(xkit, KEY),
    "a connector to bind": lambda xkit: bind(object(), KEY, context="user-1", xkit=xkit),
    "a context of bytes": lambda xkit: auth(xkit, context=KEY.encode()),
    "a context with a line break": lambda xkit: auth(xkit, context=f"{KEY}\n"),
    "a context that is asked for": lambda xkit: asyncio.run(xkit.aget_credential("slack", context=f"{KEY}\n")),
    "an account": lambda xkit: auth(xkit, xkit=KEY),
    "hosts": lambda xkit: auth(xkit, hosts=KEY),
    "a host": lambda xkit: auth(xkit, hosts=[KEY + "/"]),
    "a host with a login": lambda xkit: auth(xkit, hosts=["https://me:hunter2-" + KEY + "@x.example"]),
    "a port": lambda xkit: auth(xkit, hosts=[f"{KEY.replace('_', '-')}.example:0"]),
    "a top-level domain": lambda xkit: auth(xkit, hosts=[f"*.{KEY.replace('_', '-')}"]),
    "params": lambda xkit: auth(xkit, params=KEY),
    "a param of bytes": lambda xkit: auth(xkit, params={"a": KEY.encode()}),
    "a kind of bytes": lambda xkit: auth(xkit, kind=KEY.encode()),
    "what to do elsewhere": lambda xkit: auth(xkit, off_host=KEY),
    "what was rejected": lambda xkit: xkit.get_credential("slack", context="user-1", rejected=KEY),
    "what is forgotten": lambda xkit: xkit.forget(KEY.encode()),
    "a connector's host": lambda xkit: connector_with(hosts=[KEY + "/"]),
    "a connector's header": lambda xkit: connector_with(header={KEY + ":": "{token}"}),
    "a connector's template": lambda xkit: connector_with(header={"X-Key": "{" + KEY + "}"}),
    "a connector's path": lambda xkit: connector_with(paths=[KEY]),
    "a rule": lambda xkit: Failure(Verdict.REFETCH, json=KEY),
    "a place": lambda xkit: connector_with(kinds={"oauth2": Placement(query={"k": "{" + KEY})}),
    "an argument": lambda xkit: decorated(xkit, argument=KEY),
    "arguments": lambda xkit: decorated(xkit, argument={KEY: KEY}),
    "who judges": lambda xkit: decorated(xkit, rejected=KEY),
    "what is bound": lambda xkit: bind(KEY, "slack", context="user-1", xkit=xkit),
}


def chain_of(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("place", PLACES)
def test_a_key_in_a_wrong_place_is_in_no_text_and_in_no_frame(xkit, walk, place):
    with pytest.raises(ConfigurationError) as caught:
        PLACES[place](xkit)

    shown = [[str(error), repr(error), vars(error)] for error in chain_of(caught.value)]
    frames = [frame for error in chain_of(caught.value) for frame, _ in traceback.walk_tb(error.__traceback__)]
    seen = [dict(frame.f_locals) for frame in frames if frame.f_code.co_filename.startswith(OURS)]
    for key in (KEY, KEY.replace("_", "-")):
        assert walk([key]).found_in(shown, "told") == []
        assert walk([key], enters=lambda value: type(value).__module__ == "builtins").found_in(seen, "frames") == []
        assert key not in repr(seen)


@pytest.mark.parametrize("text", [KEY, f"{{{KEY}}}", "https://me:pass@x.example", "a1b2c3d4e5f6a7b8", "ghp_1234567890"])
def test_what_looks_like_a_key_is_not_quoted(text):
    assert quoted(text) == "[redacted]"


@pytest.mark.parametrize("text", ["user", "https://api-v2.a-long-name-of-a-company.example.com/x", "shop", "tenant_id"])
def test_what_looks_like_a_name_is_quoted(text):
    assert quoted(text) == repr(text)


def test_what_led_to_an_error_about_an_argument_is_told_without_its_frames():
    @says_how_to_call
    def refuses(key):
        try:
            raise ValueError("no such thing")
        except ValueError as error:
            raise ConfigurationError("It cannot be used") from error

    with pytest.raises(ConfigurationError) as caught:
        refuses(KEY)

    cause = caught.value.__cause__
    assert str(cause) == "no such thing"
    assert cause.__traceback__ is None
