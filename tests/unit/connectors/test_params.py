"""Data of a connection that hosts and headers need: what each rule allows, and what it keeps out."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import ConfigurationError
from xkit_auth._connectors.params import checked_params, described, is_rule, shortest


def checked(rule: Any, value: Any) -> dict[str, str]:
    return checked_params("acme", {"p": rule}, {"p": value}, ["p"])


# Rules


@pytest.mark.parametrize(
    "rule",
    [
        "label",
        "id",
        ["a", "b"],
        ("a",),
        {"a"},
        frozenset({"a"}),
        [".my.salesforce.com"],
        ["a", ".a.b"],
        ["é", "a b"],
        ".my.salesforce.com",
        ".a.b",
        ".A-1.b.C",
        "*.a.b",
        ["a", "*.a.b"],
    ],
)
def test_a_rule_is_a_name_or_a_suffix_or_a_list_of_texts_and_suffixes(rule):
    assert is_rule(rule)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "word",
        "Label",
        "my.salesforce.com",
        ".com",
        ".",
        "..com",
        ".a..b",
        ".a.b.",
        ".a.-b",
        ".a_b.com",
        ".a.b\n",
        "*.b",
        "*a.b",
        "**.a.b",
        "*.*.a.b",
        ["*.b"],
        "*",
        ".a.b:443",
        ".slac\u212a.com",
        [],
        (),
        [1],
        [None],
        [""],
        ["a", ""],
        ["a\nb"],
        [" a"],
        ["€"],
        [".com"],
        ["a", ".a..b"],
        [["a"]],
        None,
        5,
        b"label",
        object(),
    ],
)
def test_nothing_else_is_a_rule(rule):
    assert not is_rule(rule)


# Values


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("label", "acme"),
        ("label", "A-1"),
        ("label", "0"),
        ("label", "a--b"),
        ("label", "a" * 63),
        ("id", "a.B_c-1"),
        ("id", "a" * 128),
        (["one", "two"], "two"),
        (["label"], "label"),
        (["x y"], "x y"),
        ({"one"}, "one"),
        (".my.salesforce.com", "acme.my.salesforce.com"),
        (".my.salesforce.com", "a.b.MY.salesforce.com"),
        (".My.Salesforce.com", "acme.my.salesforce.com"),
        ([".a.example", ".b.example", "c.example"], "x.b.example"),
        ([".a.example", ".b.example", "c.example"], "c.example"),
        ("*.okta.com", "acme.okta.com"),
        ("*.okta.com", "ACME.Okta.com"),
        (["c.example", "*.b.example"], "x.b.example"),
    ],
)
def test_a_param_that_fits_its_rule_is_taken_as_it_is(rule, value):
    assert checked(rule, value) == {"p": value}


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
        ("label", "\u0661"),
        ("label", 7),
        ("label", None),
        ("label", b"a"),
        ("id", ""),
        ("id", "a" * 129),
        ("id", "a/b"),
        ("id", "a@b"),
        ("id", "é"),
        ("id", "a\n"),
        (["one", "two"], "three"),
        (["one", "two"], "on"),
        (["one", "two"], "ONE"),
        (["one", "two"], ""),
        (["one", "two"], ["one"]),
        (".my.salesforce.com", ""),
        (".my.salesforce.com", ".my.salesforce.com"),
        (".my.salesforce.com", "my.salesforce.com"),
        (".my.salesforce.com", "evilmy.salesforce.com"),
        (".my.salesforce.com", "evil.example/.my.salesforce.com"),
        (".my.salesforce.com", "evil.example#.my.salesforce.com"),
        (".my.salesforce.com", "a..my.salesforce.com"),
        (".my.salesforce.com", ".a.my.salesforce.com"),
        (".my.salesforce.com", "acme.my.salesforce.com."),
        (".my.salesforce.com", "acme.my.salesforce.com\n"),
        (".my.salesforce.com", "acme.my.salesforce.com:8443"),
        (".my.salesforce.com", "acme.my.salesforce.com.evil.example"),
        (".my.salesforce.com", "user@acme.my.salesforce.com"),
        (".my.salesforce.com", "é.my.salesforce.com"),
        (".my.salesforce.com", f"{'a' * 64}.my.salesforce.com"),
        ([".a.example", "c.example"], "a.example"),
        ([".a.example", "c.example"], "x.c.example"),
        ([".a.example", "c.example"], ".a.example"),
        ("*.okta.com", "a.b.okta.com"),
        ("*.okta.com", "okta.com"),
        ("*.okta.com", ".okta.com"),
        ("*.okta.com", "*.okta.com"),
        (["*.okta.com", "c.example"], "a.b.okta.com"),
    ],
)
def test_a_param_that_does_not_fit_is_refused_saying_what_would(rule, value):
    with pytest.raises(ConfigurationError, match="'p' is not of the form") as caught:
        checked(rule, value)

    assert caught.value.hint == f"Correct params= in your application: it must be {described(rule)}."
    assert caught.value.connector == "acme"


@pytest.mark.parametrize("rule", [".slack.com", [".slack.com"]])
def test_a_host_below_a_suffix_is_ascii_to_its_end(rule):
    with pytest.raises(ConfigurationError, match="'p' is not of the form"):
        checked(rule, "acme.slac\u212a.com")  # the sign for Kelvin, whose lower case is k


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("label", "x"),
        (".a.example", "x.a.example"),
        ("*.a.example", "x.a.example"),
        (["a.b.c", "b.c"], "b.c"),
        (["a.b.c", ".c.d", "*.d.e.f"], "a.b.c"),
        ([".c.d.e", "*.d.e"], "x.d.e"),
    ],
)
def test_the_shortest_value_of_a_rule_fits_it(rule, value):
    assert shortest(rule) == value
    assert checked(rule, value) == {"p": value}


# In words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("label", "one DNS label, such as 'acme'"),
        ("id", "1 to 128 letters, digits, dots, dashes and underscores"),
        (["a", "b"], "one of a, b"),
        ([f"v{number}" for number in range(300)], "one of 300 values that it knows, such as v0"),
        (".x.example", "a host below '.x.example'"),
        ([".x.example"], "a host below '.x.example'"),
        ("*.x.example", "a host one label below '.x.example'"),
        (
            ["a", ".x.example", "b", ".y.example"],
            "one of a, b or a host below '.x.example' or a host below '.y.example'",
        ),
    ],
)
def test_each_rule_is_described_in_words(rule, words):
    assert described(rule) == words


# Which there are


def test_params_are_those_that_the_connector_knows():
    rules = {"p": "label", "q": "id"}

    with pytest.raises(ConfigurationError, match="'p' is missing") as caught:
        checked_params("acme", rules, {"q": "b"}, ["p"])
    assert caught.value.hint == "Correct params= in your application. This connector takes: p, q."
    assert caught.value.connector == "acme"
    with pytest.raises(ConfigurationError, match="'r' is not known"):
        checked_params("acme", rules, {"p": "a", "r": "b"}, ["p"])
    with pytest.raises(ConfigurationError, match="'p' is missing"):
        checked_params("acme", rules, {"r": "b"}, ["p"])
    with pytest.raises(ConfigurationError, match="This connector takes: none"):
        checked_params("acme", {}, {"q": "b"}, [])


def test_what_is_not_needed_may_be_given_or_not():
    rules = {"p": "label", "q": "label"}

    assert checked_params("acme", rules, {}, []) == {}
    assert checked_params("acme", rules, {"q": "b", "p": "a"}, ["p"]) == {"q": "b", "p": "a"}
    with pytest.raises(ConfigurationError, match="'q' is not of the form"):
        checked_params("acme", rules, {"p": "a", "q": "a.b"}, ["p"])


def test_an_error_about_a_param_does_not_quote_its_value():
    with pytest.raises(ConfigurationError) as caught:
        checked("label", "something of the user's")

    assert "something" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_params_are_kept_apart_from_what_was_given():
    given = {"p": "a"}
    params = checked_params("acme", {"p": "label"}, given, ["p"])
    given["p"] = "b"

    assert params == {"p": "a"}
