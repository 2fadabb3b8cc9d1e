"""Where a credential is written on a request."""

from __future__ import annotations

from base64 import b64decode

import pytest

from xkit_auth import ConfigurationError, Credential, Default, Placement, PlatformProtocolError
from xkit_auth._connectors.in_url import in_path
from xkit_auth._connectors.placement import CompiledPlacement, Template, compiled, params_in, slots

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
    hosts = ["a.example"]
    placement = Placement(header=given, query=given, extra=given, hosts=hosts)
    given["Y"] = "{token}"
    hosts.clear()

    assert placement.header == placement.query == placement.extra == {"X": "{token}"}
    assert placement.hosts == ("a.example",)


def test_a_default_is_a_text():
    assert Default("x") == "x"
    assert isinstance(Default("x"), str)


@pytest.mark.parametrize(
    ("text", "params", "is_secret"),
    [
        ("", (), False),
        ("plain", (), False),
        ("{token}", (), True),
        ("{field.a}", (), True),
        ("{param.a}", ("a",), False),
        ("{param.a}/{param.b}{param.a}", ("a", "b", "a"), False),
        ("{param.a}:{token}", ("a",), True),
        ("token field.a", (), False),
    ],
)
def test_a_template_tells_which_params_it_needs_and_whether_it_names_the_credential(text, params, is_secret):
    template = Template(text, allowed=slots(["a", "b"], with_credential=True))

    assert template.params == params_in(text) == params
    assert template.is_secret is is_secret


def test_a_template_may_name_the_credential_only_where_that_belongs():
    assert slots(["a"]) == ("param.a",)
    for slot in ("{token}", "{field.a}", "{param.b}", "{field}", "{tokens}", "{a}", "{param.}"):
        with pytest.raises(ValueError, match="unknown slot"):
            Template(slot, allowed=slots(["a"]))


# In the URL


def test_a_credential_goes_into_a_header_only_if_nothing_else_is_said():
    bearer = {"Authorization": "Bearer {token}"}

    assert Placement().header == Placement(hosts=["a.example"], extra={"X": "a"}).header == bearer
    assert Placement(query={"key": "{token}"}).header == {}
    assert Placement(path="/bot{token}").header == {}
    assert Placement(basic=("{token}", "")).header == {}
    assert Placement(header={}).header == {}
    assert Placement(header={"X": "{token}"}, path="/v1").header == {"X": "{token}"}


def test_a_placement_has_the_templates_of_all_its_places_and_no_others():
    placement = Placement(
        header={"X": "a{token}", "Y": "b"},
        basic=("c", "d"),
        query={"q": "e", "r": "f"},
        path="/g",
        hosts=["{param.h}"],
        extra={"Z": "i"},
    )

    assert placement.templates == ("a{token}", "b", "c", "d", "e", "f", "/g")
    assert Placement(header={}).templates == ("",)


@pytest.mark.parametrize(
    ("placement", "exposes"),
    [
        (Placement(), False),
        (Placement(header={"X": "{token}"}), False),
        (Placement(basic=("{token}", "")), False),
        (Placement(header={"X": "{token}"}, query={"team": "{param.team}"}), False),
        (Placement(header={"X": "{token}"}, query={"format": "json"}, path="/v1/{param.team}"), False),
        (Placement(header={"X": "{token}"}, query={"token": "field.a"}), False),
        (Placement(query={"key": "{token}"}), True),
        (Placement(query={"format": "json", "key": "a{field.key}b"}), True),
        (Placement(path="/bot{token}"), True),
        (Placement(path="/{param.team}/{field.key}"), True),
        (Placement(header={"X": "{token}"}, query={"id": "{field.id}"}), True),
    ],
)
def test_a_placement_exposes_the_credential_if_a_part_of_it_goes_into_the_url(placement, exposes):
    assert placement.exposes is exposes


@pytest.mark.parametrize(
    ("placement", "is_only_header"),
    [
        (Placement(), True),
        (Placement(header={"X": "{token}", "Y": "a"}, extra={"Z": "b"}), True),
        (Placement(basic=("{token}", "")), False),
        (Placement(header={"X": "{token}"}, query={"a": "b"}), False),
        (Placement(header={"X": "{token}"}, path="/v1"), False),
    ],
)
def test_it_is_known_whether_headers_are_all_that_is_written(placement, is_only_header):
    assert compiled(placement, []).is_only_header is is_only_header


def in_the_url(placement: Placement, *params: str) -> CompiledPlacement:
    return compiled(placement, params)


def test_query_parameters_are_filled_and_not_yet_encoded():
    placement = in_the_url(Placement(query={"key": "{token}", "a b": "{param.team}&c"}), "team")

    assert placement.query_for(Credential("t/1"), {"team": "é"}) == {"key": "t/1", "a b": "é&c"}
    assert placement.headers_for(Credential("t/1"), {"team": "é"}) == []
    assert compiled(Placement(), []).query_for(Credential("t"), {}) == {}


def test_what_goes_before_the_path_is_encoded_slot_by_slot():
    placement = in_the_url(Placement(path="/v1/{param.team}/bot{token}:{token}"), "team")

    assert (
        placement.prefix_for(Credential("1:A/b?c"), {"team": "a b"}, in_path) == "/v1/a%20b/bot1:A%2Fb%3Fc:1:A%2Fb%3Fc"
    )
    assert placement.prefix_for(Credential("t"), {"team": "a"}, str.upper) == "/v1/A/botT:T"
    assert compiled(Placement(), []).prefix_for(Credential("t"), {}, in_path) == ""


def test_parts_of_a_credential_may_go_to_different_places():
    placement = in_the_url(
        Placement(header={"X": "{field.email}"}, query={"key": "{field.api_key}"}, path="/{field.email}")
    )

    assert placement.headers_for(PARTS, {}) == [("X", "me@acme.example")]
    assert placement.query_for(PARTS, {}) == {"key": "k1"}
    assert placement.prefix_for(PARTS, {}, in_path) == "/me%40acme.example"


@pytest.mark.parametrize("placement", [Placement(query={"a": "{tokn}"}), Placement(path="/{param.team}")])
def test_a_template_of_the_url_is_read_like_any_other(placement):
    with pytest.raises(ValueError, match="unknown slot"):
        compiled(placement, [])


def test_hosts_that_are_one_text_are_kept_for_the_connector_to_name():
    assert Placement(hosts="a.example").hosts == "a.example"


def test_placements_are_the_same_if_they_say_the_same():
    assert Placement() == Placement(header={"Authorization": "Bearer {token}"})
    assert hash(Placement(basic=("a", "{token}"))) == hash(Placement(basic=["a", "{token}"]))  # type: ignore[arg-type]
    assert Placement(path="/{token}") != Placement(query={"a": "{token}"})
    assert Placement(hosts=["a.example"]) != Placement(hosts=["b.example"])


def test_a_placement_is_replaced_field_by_field():
    placement = Placement(query={"key": "{token}"}, hosts=["a.example"])

    other = placement.replace(hosts=["b.example"])

    assert other == Placement(query={"key": "{token}"}, hosts=["b.example"])
    assert placement.hosts == ("a.example",)
    assert Placement(path="/{token}").replace().header == {}
