"""Where a credential is written on a request."""

from __future__ import annotations

from base64 import b64decode

import pytest

from xkit_auth import ConfigurationError, Credential, Default, Placement, PlatformProtocolError
from xkit_auth._placement import Template, compiled

PARTS = Credential({"email": "me@acme.example", "api_key": "k1"})


def headers(placement: Placement, credential: Credential, **params: str) -> dict[str, str]:
    return dict(compiled(placement, params).headers_for(credential, params))


@pytest.mark.parametrize(
    ("text", "filled"),
    [("", ""), ("plain", "plain"), ("{a}", "<a>"), ("x{a}y{b}{a}z", "x<a>y<b><a>z")],
)
def test_a_template_is_filled_slot_by_slot(text, filled):
    assert Template(text, allowed=["a", "b"]).filled(lambda name: f"<{name}>") == filled


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{", "brace"),
        ("}", "brace"),
        ("a{a}}", "brace"),
        ("{{a}}", "brace"),
        ("{b}", "unknown slot {b}"),
        ("{}", "unknown slot {}"),
        ("{field.x}", "unknown slot"),
    ],
)
def test_a_template_with_a_mistake_is_refused(text, mistake):
    with pytest.raises(ValueError, match=mistake):
        Template(text, allowed=["a"])


def test_what_is_filled_in_is_not_a_template():
    assert Template("{a}", allowed=["a"]).filled(lambda _name: "{a}{b}") == "{a}{b}"


def test_by_default_a_credential_is_a_bearer_token():
    assert headers(Placement(), Credential("t1")) == {"Authorization": "Bearer t1"}


def test_a_credential_may_go_into_several_headers_with_params():
    placement = Placement(header={"X-Key": "key {token}", "X-Team": "{param.team}"})

    assert headers(placement, Credential("t1"), team="a") == {"X-Key": "key t1", "X-Team": "a"}


@pytest.mark.parametrize(
    ("basic", "credential", "pair"),
    [
        (("{token}", ""), Credential("t1"), "t1:"),
        (("", "{token}"), Credential("t1"), ":t1"),
        (("api", "{token}"), Credential("t:1"), "api:t:1"),
        (("{field.email}/token", "{field.api_key}"), PARTS, "me@acme.example/token:k1"),
        (("{param.team}", "{token}"), Credential("clé"), "a:clé"),
    ],
)
def test_a_credential_may_be_user_name_and_password(basic, credential, pair):
    scheme, encoded = headers(Placement(basic=basic), credential, team="a")["Authorization"].split()

    assert scheme == "Basic"
    assert b64decode(encoded).decode("latin-1") == pair


def test_a_colon_would_end_the_user_name_so_it_is_not_sent():
    with pytest.raises(PlatformProtocolError, match="colon") as caught:
        headers(Placement(basic=("{token}", "x")), Credential("secret:token"))

    assert "secret" not in repr(caught.value)


def test_a_credential_that_basic_cannot_carry_is_an_error_without_its_text():
    with pytest.raises(PlatformProtocolError) as caught:
        headers(Placement(basic=("{token}", "x")), Credential("secret€token"))

    error: BaseException | None = caught.value
    while error is not None:
        assert "secret" not in repr(error)
        error = error.__cause__ or error.__context__


def test_a_part_that_the_credential_does_not_have_is_a_mistake():
    with pytest.raises(ConfigurationError, match="'other'"):
        headers(Placement(header={"X": "{field.other}"}), PARTS)


def test_a_placement_keeps_what_it_was_given():
    given = {"X": "{token}"}
    placement = Placement(header=given)
    given["Y"] = "{token}"

    assert placement.header == {"X": "{token}"}


def test_a_default_is_a_text():
    assert Default("x") == "x"
    assert isinstance(Default("x"), str)
