"""Providers as data: params, rules, and the mistakes that are found when a connector is made."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Connector,
    Contains,
    Failure,
    Judgement,
    Placement,
    Verdict,
)
from xkit_auth._connector import filled_hosts, judged_by_rules, params_for
from xkit_auth._params import checked_params

# Making a connector


def test_a_connector_has_the_short_form_and_the_long_form():
    short = Connector("acme", hosts=["a.example"], header={"X": "{token}"})
    long = Connector("acme", hosts=["a.example"], kinds={"oauth2": Placement(header={"X": "{token}"})})

    assert short == long
    assert repr(short) == "Connector('acme')"


def test_a_connector_is_replaced_field_by_field():
    acme = Connector("acme", hosts=["a.example"], aliases=["acme-2"], failures=[Failure(Verdict.DENIED, status=403)])

    other = acme.replace(hosts=["b.example"])

    assert other.hosts == ("b.example",)
    assert (other.slug, other.aliases, other.failures) == (acme.slug, acme.aliases, acme.failures)
    assert acme.hosts == ("a.example",)


@pytest.mark.parametrize("rule", ["label", "id", ["a", "b"], ("a",), {"a"}, ".my.salesforce.com", ".a.b"])
def test_every_rule_for_params_is_accepted(rule):
    assert Connector("acme", hosts=["a.example"], params={"p": rule}).params == {"p": rule}


MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("slug", {"slug": ""}),
    ("slug", {"slug": "a b"}),
    ("slug", {"slug": "a/b"}),
    ("slug", {"slug": "a\\b"}),
    ("slug", {"slug": "a\n"}),
    ("slug", {"slug": "."}),
    ("slug", {"slug": ".."}),
    ("slug", {"slug": 7}),
    ("slug", {"aliases": ["a b"]}),
    ("aliases", {"aliases": "acme-2"}),
    ("aliases", {"aliases": [7]}),
    ("aliases", {"aliases": 5}),
    ("hosts", {"hosts": "a.example"}),
    ("hosts", {"hosts": [7]}),
    ("hosts", {"hosts": None}),
    ("hosts", {"hosts": ["https://a.example"]}),
    ("hosts", {"hosts": ["*.com"]}),
    ("hosts", {"hosts": ["{param.sub}.example"]}),
    ("hosts", {"hosts": ["{token}.example"]}),
    ("hosts", {"hosts": ["{param.sub.example"], "params": {"sub": "label"}}),
    ("params", {"params": 5}),
    ("params", {"params": {"a": "word"}}),
    ("params", {"params": {"a": 5}}),
    ("params", {"params": {"a": []}}),
    ("params", {"params": {"a": [1]}}),
    ("params", {"params": {"a": ["x\ny"]}}),
    ("params", {"params": {"a": [""]}}),
    ("params", {"params": {"a": ".com"}}),
    ("params", {"params": {"a": ".slac\u212a.com"}}),
    ("params", {"params": {"a": "my.salesforce.com"}}),
    ("kinds", {"kinds": {"oauth2": Placement()}, "header": {"X": "{token}"}}),
    ("kinds", {"kinds": {"oauth2": Placement()}, "basic": ("a", "b")}),
    ("kinds", {"kinds": {}}),
    ("kinds", {"kinds": 5}),
    ("kinds", {"kinds": {"oauth2": "Bearer"}}),
    ("kinds", {"kinds": {5: Placement()}}),
    ("kinds", {"header": {"X": "{token}"}, "basic": ("a", "b")}),
    ("kinds", {"header": {}}),
    ("header", {"header": {"a b": "{token}"}}),
    ("header", {"header": {5: "{token}"}}),
    ("header", {"header": {"X": 5}}),
    ("header", {"header": {"X": "{token}\n"}}),
    ("header", {"header": {"X": "€{token}"}}),
    ("header", {"header": {"X": ""}}),
    ("header", {"header": {"X": "{tokn}"}}),
    ("header", {"header": {"X": "{param.sub}"}}),
    ("header", {"header": 5}),
    ("basic", {"basic": ("a",)}),
    ("basic", {"basic": ("a", "b", "c")}),
    ("basic", {"basic": (1, 2)}),
    ("basic", {"basic": ("{tokn}", "")}),
    ("basic", {"basic": ("€", "{token}")}),
    ("basic", {"basic": ("a\n", "{token}")}),
    ("basic", {"basic": "ab"}),
    ("basic", {"basic": 5}),
    ("extra", {"extra": {"a b": "x"}}),
    ("extra", {"extra": {"X": 1}}),
    ("extra", {"extra": {"X": "a\n"}}),
    ("extra", {"extra": {"X": "{token}"}}),
    ("extra", {"extra": 5}),
    ("failures[0]", {"failures": [5]}),
    ("failures[0]", {"failures": [Failure(Verdict.DENIED)]}),
    ("failures[0]", {"failures": [Failure("denied", status=403)]}),  # type: ignore[arg-type]
    ("failures[1]", {"failures": [Failure(Verdict.DENIED, status=403), Failure(Verdict.DENIED, json={"a": 1})]}),
    (
        "failures[0]",
        {"failures": [Failure(Verdict.DENIED, status=403, json={"a": 1})], "inspect": {200: "application/json"}},
    ),
    ("failures", {"failures": 5}),
    ("inspect", {"inspect": 5}),
]


@pytest.mark.parametrize(("field", "wrong"), MISTAKES)
def test_a_mistake_is_found_when_the_connector_is_made_and_names_connector_and_field(field, wrong):
    arguments = {"slug": "acme", "hosts": ["a.example"], **wrong}
    slug = arguments.pop("slug")

    with pytest.raises(ConfigurationError) as caught:
        Connector(slug, **arguments)

    assert repr(slug) in str(caught.value)
    assert field in str(caught.value)


def test_a_mistake_can_be_shown_with_the_local_variables_of_its_traceback():
    import traceback

    with pytest.raises(ConfigurationError) as caught:
        Connector("acme", hosts=None)  # type: ignore[arg-type]

    assert "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())


# Params


def with_rule(rule: Any) -> Connector:
    return Connector("acme", hosts=["{param.p}.example"], params={"p": rule})


def checked(connector: Connector, params: dict[str, Any]) -> dict[str, str]:
    return checked_params(connector.slug, connector.params, params, params_for(connector, "oauth2"))


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("label", "acme"),
        ("label", "A-1"),
        ("label", "a" * 63),
        ("id", "a.B_c-1"),
        ("id", "a" * 128),
        (["one", "two"], "two"),
        (".my.salesforce.com", "acme.my.salesforce.com"),
        (".my.salesforce.com", "a.b.MY.salesforce.com"),
    ],
)
def test_a_param_that_fits_its_rule_is_taken(rule, value):
    assert checked(with_rule(rule), {"p": value}) == {"p": value}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("label", ""),
        ("label", "a.b"),
        ("label", "-a"),
        ("label", "a-"),
        ("label", "a_b"),
        ("label", "a/b"),
        ("label", "a\n"),
        ("label", "a" * 64),
        ("label", "slac\u212a"),
        ("label", "é"),
        ("label", 7),
        ("label", None),
        ("id", ""),
        ("id", "a" * 129),
        ("id", "a/b"),
        ("id", "é"),
        ("id", "a\n"),
        (["one", "two"], "three"),
        (["one", "two"], "on"),
        (".my.salesforce.com", ".my.salesforce.com"),
        (".my.salesforce.com", "my.salesforce.com"),
        (".my.salesforce.com", "evil.example/.my.salesforce.com"),
        (".my.salesforce.com", "a..my.salesforce.com"),
        (".my.salesforce.com", "acme.my.salesforce.com.evil.example"),
        (".my.salesforce.com", "user@acme.my.salesforce.com"),
    ],
)
def test_a_param_that_does_not_fit_is_refused_saying_what_would(rule, value):
    with pytest.raises(ConfigurationError, match="'p' is not of the form") as caught:
        checked(with_rule(rule), {"p": value})

    assert "It must be" in caught.value.hint
    assert caught.value.connector == "acme"


@pytest.mark.parametrize(
    ("rule", "described"),
    [
        ("label", "one DNS label"),
        ("id", "1 to 128"),
        (["a", "b"], "one of a, b"),
        (".x.example", "below '.x.example'"),
    ],
)
def test_each_rule_is_described_in_words(rule, described):
    with pytest.raises(ConfigurationError, match=described):
        checked(with_rule(rule), {"p": "?"})


def test_params_are_those_that_the_connector_knows():
    with pytest.raises(ConfigurationError, match="'p' is missing") as caught:
        checked(with_rule("label"), {})
    assert "takes params: p" in caught.value.hint
    with pytest.raises(ConfigurationError, match="'q' is not known"):
        checked(with_rule("label"), {"p": "a", "q": "b"})
    with pytest.raises(ConfigurationError, match="none"):
        checked(Connector("acme", hosts=["a.example"]), {"q": "b"})


def test_hosts_are_filled_from_params():
    acme = Connector("acme", hosts=["{param.p}.acme.example", "api.acme.example"], params={"p": "label"})

    assert filled_hosts(acme, "oauth2", {"p": "one"}).entries == ("one.acme.example", "api.acme.example")


def test_hosts_that_make_no_sense_once_they_are_filled_are_a_mistake_of_the_connector():
    acme = Connector("acme", hosts=["{param.p}"], params={"p": "id"})

    with pytest.raises(ConfigurationError, match="'acme': hosts"):
        filled_hosts(acme, "oauth2", {"p": "..."})


# Rules


def rule(**conditions: Any) -> Failure:
    return Failure(Verdict.RECONNECT, **conditions)


@pytest.mark.parametrize(
    ("conditions", "status", "holds"),
    [
        ({"status": 401}, 401, True),
        ({"status": 401}, 403, False),
        ({"status": (401, 403)}, 403, True),
        ({"status": range(500, 600)}, 503, True),
        ({"header": {"WWW-Authenticate": Contains("expired")}}, 401, True),
        ({"header": {"www-authenticate": Contains("EXPIRED")}}, 401, True),
        ({"header": {"www-authenticate": Contains("revoked")}}, 401, False),
        ({"header": {"www-authenticate": PRESENT}}, 401, True),
        ({"header": {"x-missing": PRESENT}}, 401, False),
        ({"header": {"x-missing": "a"}}, 401, False),
        ({"status": 401, "header": {"www-authenticate": Contains("expired")}}, 403, False),
        ({"json": {"ok": False}}, 200, True),
        ({"json": {"ok": 0}}, 200, False),
        ({"json": {"count": True}}, 200, False),
        ({"json": {"count": 1}}, 200, True),
        ({"json": {"none": None}}, 200, True),
        ({"json": {"missing": None}}, 200, False),
        ({"json": {"error.code": "bad"}}, 200, True),
        ({"json": {"error.code": ("good", "bad")}}, 200, True),
        ({"json": {"error.code": {"good", "bad"}}}, 200, True),
        ({"json": {"error.code": frozenset(["good"])}}, 200, False),
        ({"json": {"error.code": ["good"]}}, 200, False),
        ({"json": {"error": "bad"}}, 200, False),
        ({"json": {"errors.0.code": "first"}}, 200, True),
        ({"json": {"errors.1.code": "first"}}, 200, False),
        ({"json": {"errors.-1.code": "first"}}, 200, False),
        ({"json": {"errors.x": "first"}}, 200, False),
        ({"json": {"error.code.deeper": "bad"}}, 200, False),
        ({"json": {"ok": False, "error.code": "bad"}}, 200, True),
        ({"json": {"ok": False, "error.code": "good"}}, 200, False),
    ],
)
def test_a_rule_holds_if_each_of_its_conditions_does(answer_of, conditions, status, holds):
    body = {"ok": False, "count": 1, "none": None, "error": {"code": "bad"}, "errors": [{"code": "first"}]}
    answer = answer_of(status, headers={"WWW-Authenticate": 'Bearer error="Expired"'}, json=body)

    assert (rule(**conditions).judged(answer) is not None) is holds


def test_a_body_that_was_not_read_holds_nothing(answer_of):
    assert rule(json={"ok": False}).judged(answer_of(200)) is None
    assert rule(json={"0": "a"}).judged(answer_of(200, json="a")) is None


def test_the_first_rule_that_holds_wins_and_then_come_those_for_everybody(answer_of):
    acme = Connector(
        "acme",
        hosts=["a.example"],
        failures=[
            Failure(Verdict.RECONNECT, status=401, header={"x-revoked": PRESENT}),
            Failure(Verdict.DENIED, status=(401, 429), header={"x-denied": PRESENT}),
            Failure(Verdict.CHALLENGE, status=403),
        ],
    )

    def verdict(status: int, *names: str) -> Verdict:
        return judged_by_rules(acme, answer_of(status, headers=dict.fromkeys(names, ""))).verdict

    assert verdict(401, "x-revoked", "x-denied") is Verdict.RECONNECT
    assert verdict(401, "x-denied") is Verdict.DENIED
    assert verdict(401) is Verdict.REFETCH
    assert verdict(403) is Verdict.CHALLENGE
    assert verdict(429) is Verdict.RATE_LIMITED
    assert verdict(429, "x-denied") is Verdict.DENIED
    assert {verdict(status) for status in (200, 302, 400, 407, 500)} == {Verdict.ACCEPTED}
    assert judged_by_rules(acme, answer_of(401)) == Judgement(Verdict.REFETCH)
