"""A settled connector: where a credential may go, how it is written, and what plugins may say."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.connectors_policy import SENDING, TOKEN, acme, no_view
from xkit_auth import (
    ConfigurationError,
    Credential,
    Default,
    HostNotAllowed,
    Placement,
    PlatformProtocolError,
)
from xkit_auth._connectors.policy import Sending
from xkit_auth._values.origin import Hosts


def written(policy: Any, credential: Credential = TOKEN, view: Any = None) -> dict[str, str]:
    headers: dict[str, str] = {}
    policy.write(credential, view).put_on(headers)
    return headers


# Where it may go


def test_it_goes_to_the_hosts_over_https(policy_of):
    policy = policy_of()

    assert policy.allows("https://api.acme.example/x")
    assert not policy.allows("https://evil.example/x")
    assert not policy.allows("http://api.acme.example/x")
    assert not policy.allows("https://user@api.acme.example/x")
    assert not policy.allows("nonsense")


@pytest.mark.parametrize("http_to_loopback", [True, False])
def test_it_goes_to_a_sandbox_only_if_xkit_is_one(policy_of, http_to_loopback):
    policy = policy_of(hosts=Hosts(["127.0.0.1:8000"]), http_to_loopback=http_to_loopback)

    assert policy.allows("http://127.0.0.1:8000/") is http_to_loopback


# How it is written


def test_it_is_written_as_the_placement_of_its_kind_says(policy_of):
    connector = acme(kinds={"oauth2": Placement(), "key": Placement(header={"X-Key": "{token}"})})

    assert written(policy_of(connector)) == {"Authorization": "Bearer token-1"}
    assert written(policy_of(connector, kind="key")) == {"X-Key": "token-1"}


@pytest.mark.parametrize(
    ("connector", "headers"),
    [
        (acme(), {"Authorization": "Bearer token-1"}),
        (acme(header={"X": "a{token}b"}), {"X": "atoken-1b"}),
        (acme(header={"X": "{param.t}:{token}/{param.t}."}, params={"t": "label"}), {"X": "T:token-1/T."}),
        (acme(header={"X": "{token}{token}"}), {"X": "token-1token-1"}),
        (acme(header={"X": "é{token}"}), {"X": "étoken-1"}),
        (acme(header={"X": "{token}", "Authorization": "{token}"}), {"X": "token-1", "Authorization": "token-1"}),
        (acme(basic=("{token}", "")), {"Authorization": "Basic dG9rZW4tMTo="}),
    ],
)
def test_a_sending_tells_the_same_of_its_headers_however_they_are_made(policy_of, connector, headers):
    sending = policy_of(connector, params={"t": "T"} if connector.params else {}).write(TOKEN, no_view)
    put_on: dict[str, str] = {}
    sending.put_on(put_on)

    assert put_on == headers
    assert sending.names == tuple(headers)
    assert sending.is_on(headers, "https://api.acme.example/")
    assert not sending.is_on({**headers, next(iter(headers)): "other"}, "https://api.acme.example/")
    assert sending.encoded() == [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    assert sending.is_ascii is ("é" not in str(headers))
    assert sending.hidden == (("X",) if "X" in headers else ())
    stripped, hidden = sending.split()
    assert (*hidden.names, *stripped.names) == sending.names
    assert stripped.names == (("Authorization",) if "Authorization" in headers else ())
    assert "token-1" not in repr(sending)


def test_a_plugin_that_writes_headers_is_asked_even_if_the_template_would_do(policy_of, request_of):
    asked: list[str] = []
    policy_of(format_hook=lambda **names: asked.append(names["connector"].slug)).write(TOKEN, request_of)

    assert asked == ["acme"]


def test_what_the_plugin_makes_is_sent(policy_of, request_of):
    def sign(connector: Any, credential: Any, request: Any, **_more: Any) -> Any:
        return {"X-Signature": f"{credential.reveal()} {request.method} {connector.slug}"}

    assert written(policy_of(format_hook=sign), view=request_of) == {"X-Signature": "token-1 GET acme"}


def test_if_the_plugin_makes_nothing_the_template_does(policy_of, request_of):
    policy = policy_of(format_hook=lambda **_names: None)

    assert written(policy, view=request_of) == {"Authorization": "Bearer token-1"}


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ({}, "returned neither None nor names"),
        (7, "returned neither None nor names"),
        ([("X", "token-1")], "returned neither None nor names"),
        ({"a b": "token-1"}, "not a name"),
        ({7: "token-1"}, "not a name"),
        ({"": "token-1"}, "not a name"),
        ({"X": "token-1\r\nY: z"}, "value for X .* line break"),
        ({"X": "token-1€"}, "value for X .* latin-1"),
        ({"X": ""}, "value for X .* empty"),
        ({"X": b"token-1"}, "value for X .* not a text"),
        ({"Good": "a", "X": None}, "value for X .* not a text"),
    ],
)
def test_what_a_plugin_makes_is_checked_like_a_token(policy_of, request_of, made, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        policy_of(format_hook=lambda **_names: made).write(TOKEN, request_of)

    assert "xkit_auth_format_headers" in str(caught.value)
    assert caught.value.connector == "acme"
    assert "token-1" not in str(caught.value)


def test_a_plugin_that_raises_is_named_with_the_place_and_without_the_credential(policy_of, request_of):
    def sign(connector: Any, credential: Any, request: Any, **_more: Any) -> Any:
        raise KeyError("the clock is wrong")

    with pytest.raises(
        ConfigurationError, match=r"raised KeyError: 'the clock is wrong' \(line \d+ of sign\)"
    ) as caught:
        policy_of(format_hook=sign).write(TOKEN, request_of)

    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "No request was sent" in caught.value.hint


def test_what_a_plugin_says_of_the_credential_is_withheld(policy_of, request_of):
    def sign(connector: Any, credential: Any, request: Any, **_more: Any) -> Any:
        raise ValueError(f"cannot sign with {credential.reveal()}")

    with pytest.raises(ConfigurationError, match=r"\[redacted\]") as caught:
        policy_of(format_hook=sign).write(TOKEN, request_of)

    assert "cannot sign" not in str(caught.value)


@pytest.mark.parametrize("error", [ConfigurationError("mine"), HostNotAllowed("mine", connector="other")])
def test_an_error_of_ours_that_a_plugin_raises_stays_and_gets_the_connector(policy_of, request_of, error):
    def sign(connector: Any, credential: Any, request: Any, **_more: Any) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        policy_of(format_hook=sign).write(TOKEN, request_of)

    assert caught.value is error
    assert caught.value.connector in ("acme", "other")


@pytest.mark.parametrize(
    "placement", [Placement(), Placement(basic=("{token}", "")), Placement(header={"X": "{token}"})]
)
@pytest.mark.parametrize("token", ["a\nb", "a€b"])
def test_a_rendered_header_is_checked_like_a_token(policy_of, placement, token):
    policy = policy_of(acme(kinds={"oauth2": placement}))
    if placement.basic and token == "a\nb":
        token = "a€b"  # base64 would carry a line break well

    with pytest.raises(PlatformProtocolError, match="cannot be sent") as caught:
        policy.write(Credential(token), None)
    assert caught.value.connector == "acme"
    assert token not in repr(caught.value)


def test_a_credential_of_another_shape_is_an_error_that_names_the_connector(policy_of):
    with pytest.raises(ConfigurationError, match="asked for is one text") as caught:
        policy_of().write(Credential({"a": "1", "b": "2"}), None)

    assert caught.value.connector == "acme"


def test_extra_headers_are_set_and_defaults_give_way_to_the_callers(policy_of):
    connector = acme(extra={"X-Fixed": "{param.t}", "X-Version": Default("1")}, params={"t": "label"})
    policy = policy_of(connector, params={"t": "team"})
    mine = {"X-Fixed": "mine", "X-Version": "mine"}
    empty: dict[str, str] = {}

    policy.add_extra(mine)
    policy.add_extra(empty)

    assert mine == {"X-Fixed": "team", "X-Version": "mine"}
    assert empty == {"X-Fixed": "team", "X-Version": "1"}


def test_headers_are_set_in_place_of_others_of_the_same_name():
    headers = {"Authorization": "Basic other", "Accept": "a"}

    SENDING.put_on(headers)

    assert headers == {"Authorization": "Bearer token-1", "X-Key": "clé", "Accept": "a"}


def test_it_is_known_whether_headers_carry_exactly_this():
    headers: dict[str, str] = {}
    assert not SENDING.is_on(headers, "https://api.acme.example/")
    SENDING.put_on(headers)
    assert SENDING.is_on({**headers, "Accept": "a"}, "https://api.acme.example/")
    assert not SENDING.is_on({**headers, "X-Key": "other"}, "https://api.acme.example/")


def test_headers_are_split_by_what_clients_strip_on_a_redirect():
    stripped, hidden = SENDING.split()

    assert (stripped.names, hidden.names) == (("Authorization",), ("X-Key",))
    assert (SENDING.hidden, stripped.hidden, hidden.hidden) == (("X-Key",), (), ("X-Key",))
    assert Sending(TOKEN, [("AUTHORIZATION", "x")]).hidden == ()
    assert stripped.credential is hidden.credential is TOKEN


def test_headers_go_over_the_wire_as_latin_1():
    assert SENDING.encoded() == [(b"Authorization", b"Bearer token-1"), (b"X-Key", b"cl\xe9")]
    assert not SENDING.is_ascii
    assert SENDING.split()[0].is_ascii


def test_what_is_sent_shows_the_names_alone():
    assert repr(SENDING) == "Sending(Authorization, X-Key: [redacted])"
