"""Providers as data: what a connector says, and the mistakes that are found when one is made."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Connector,
    Contains,
    Default,
    Failure,
    Placement,
    StartsWith,
    Verdict,
)
from xkit_auth._connectors.connector import extra_for, filled_hosts, hosts_for, params_for

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


def test_the_short_form_knows_user_name_and_password_and_the_query_too():
    basic = Connector("acme", hosts=["a.example"], basic=("{token}", ""))
    query = Connector("acme", hosts=["a.example"], header={"X": "{token}"}, query={"key": "{token}"})

    assert basic.kinds == {"oauth2": Placement(basic=("{token}", ""))}
    assert query.kinds == {"oauth2": Placement(header={"X": "{token}"}, query={"key": "{token}"})}
    assert Connector("acme", hosts=["a.example"]).kinds == {"oauth2": Placement()}


def test_a_connector_keeps_what_it_was_given():
    given: dict[str, Any] = {
        "hosts": ["a.example"],
        "paths": ["/v1"],
        "aliases": ["acme-2"],
        "params": {"p": "label"},
        "extra": {"X": "a"},
        "kinds": {"key": Placement(header={"X-Key": "{token}"})},
        "failures": [Failure(Verdict.DENIED, status=403)],
        "inspect": {401: "application/json"},
    }
    acme = Connector("acme", **given)
    same = Connector("acme", **given)
    for value in given.values():
        value.clear()

    assert acme == same
    assert acme.hosts == ("a.example",)
    assert acme.paths == ("/v1",)
    assert acme.inspect == {401: "application/json"}


def test_a_connector_is_a_value():
    acme = Connector(
        "acme",
        hosts=["a.example"],
        failures=[Failure(Verdict.DENIED, status=403, text="a")],
        inspect={403: ("text/plain", "text/html")},
    )

    assert hash(acme) == hash(acme.replace())
    assert pickle.loads(pickle.dumps(acme)) == acme
    assert acme != acme.replace(inspect={403: "text/plain"})
    assert repr(Connector.__new__(Connector)) == "Connector('')"


RULE = Failure(Verdict.DENIED, status=403)
CHALLENGE = Failure(Verdict.CHALLENGE, status=403, challenge={"error": PRESENT, "claims": PRESENT}, detail="claims")


@pytest.mark.parametrize(
    "settings",
    [
        {"slug": "acme.com_2-é"},
        {"aliases": ["...", "ACME"]},
        {"hosts": []},
        {"hosts": ["a.example:8443", "*.a.example", "{param.p}.a.example"], "params": {"p": "label"}},
        {"hosts": ["{param.a}.{param.b}"], "params": {"a": "label", "b": [".x.example", "y.example"]}},
        {"hosts": ["{param.a}-{param.b}.c.example"], "params": {"a": "label", "b": "label"}},
        {"hosts": ["*.{param.a}"], "params": {"a": ".d.e"}},
        {"paths": ["/", "/v1", "/v1/", "/a/b%20c/~d.e", "/calendar/v3", "/x:y@z!$&'()*+,;="]},
        {"header": {"X": "é {token}"}},
        {"header": {"X": "{field.a}:{field.b}", "Y": "fixed"}},
        {"basic": ("", "{token}")},
        {"basic": ("{field.email}/token", "{field.api_token}")},
        {"query": {"key": "{token}", "a b": "é"}},
        {"header": {}, "query": {"key": "{token}"}},
        {"kinds": {"bot": Placement(path="/bot{token}")}},
        {"kinds": {"bot": Placement(path="/{param.p}/{token}")}, "params": {"p": "label"}},
        {"kinds": {"bot": Placement(path="/v1", header={"X": "{token}"})}},
        {"kinds": {"key": Placement(hosts=["b.example", "{param.p}.b.example"])}, "params": {"p": "label"}},
        {"kinds": {"key": Placement(hosts=["b.example"])}, "hosts": []},
        {"kinds": {"key": Placement(extra={"X": "{param.p}", "Y": Default("1")})}, "params": {"p": "label"}},
        {"extra": {"X": Default("{param.p}")}, "params": {"p": "label"}},
        {"failures": [RULE, CHALLENGE]},
        {"failures": [Failure(Verdict.DENIED, header={"X": [PRESENT, Contains("a"), StartsWith("b"), "c"]})]},
        {"failures": [Failure(Verdict.DENIED, challenge={"error": {"a", "b"}})]},
        {
            "failures": [
                Failure(Verdict.DENIED, status=(200, 400), json={"a..b.0.*": ["x", 1, 0.5, True, None, PRESENT]}),
                Failure(Verdict.DENIED, status=400, text=("a", PRESENT)),
                Failure(Verdict.DENIED, status=400, text=""),
            ],
            "inspect": {200: "application/json", 400: ("text/html", "application/json")},
        },
        {"inspect": {200: "application/problem+json", 399: ["text/json"], 599: {"application/vnd.a-b.c+xml"}}},
    ],
)  # fmt: skip
def test_what_makes_sense_is_taken(settings):
    assert Connector(**{"slug": "acme", "hosts": ["a.example"], **settings})


def key(**changes: Any) -> dict[str, Any]:
    """A connector with one kind of credential, named key."""
    return {"kinds": {"key": Placement(**{"header": {"X-Key": "{token}"}, **changes})}}


def reads(then: Any = Verdict.DENIED, **conditions: Any) -> dict[str, Any]:
    """A connector with one rule, which may read the bodies of 200 and 400."""
    inspect = {200: "application/json", 400: ("application/json", "text/plain")}
    return {"failures": [Failure(then, **conditions)], "inspect": inspect}


MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("slug", {"slug": ""}),
    ("slug", {"slug": "a b"}),
    ("slug", {"slug": "a/b"}),
    ("slug", {"slug": "a\\b"}),
    ("slug", {"slug": "a\n"}),
    ("slug", {"slug": "a\x7f"}),
    ("slug", {"slug": "."}),
    ("slug", {"slug": ".."}),
    ("slug", {"slug": 7}),
    ("slug", {"slug": None}),
    ("slug", {"aliases": ["acme-2", "a b"]}),
    ("slug", {"aliases": [".."]}),
    ("slug", {"aliases": [""]}),
    ("aliases", {"aliases": "acme-2"}),
    ("aliases", {"aliases": b"acme-2"}),
    ("aliases", {"aliases": [7]}),
    ("aliases", {"aliases": 5}),
    ("hosts", {"hosts": "a.example"}),
    ("hosts", {"hosts": [7]}),
    ("hosts", {"hosts": None}),
    ("hosts", {"hosts": ["https://a.example"]}),
    ("hosts", {"hosts": ["a.example", "a.example/"]}),
    ("hosts", {"hosts": ["a.example:0"]}),
    ("hosts", {"hosts": [""]}),
    ("hosts", {"hosts": ["*.com"]}),
    ("hosts", {"hosts": ["{param.sub}.example"]}),
    ("hosts", {"hosts": ["{param.a}.{param.b}"], "params": {"a": "label", "b": "label"}}),
    ("hosts", {"hosts": ["{param.a}.{param.b}"], "params": {"a": "label", "b": ["x.example", "com"]}}),
    ("hosts", {"hosts": ["{param.a}{param.b}"], "params": {"a": "label", "b": "label"}}),
    ("hosts", {"hosts": ["*.{param.b}"], "params": {"b": ["x.example", "com"]}}),
    ("hosts", {"hosts": ["*.{param.b}"], "params": {"b": "label"}}),
    ("hosts", {"hosts": ["{param.b}"], "params": {"b": ["*"]}}),
    ("hosts", {"hosts": ["{param.b}.a.example"], "params": {"b": ["*"]}}),
    ("hosts", {"hosts": ["{token}.example"]}),
    ("hosts", {"hosts": ["{field.x}.example"]}),
    ("hosts", {"hosts": ["{param.sub.example"], "params": {"sub": "label"}}),
    ("paths", {"paths": "/v1"}),
    ("paths", {"paths": [7]}),
    ("paths", {"paths": 5}),
    ("paths", {"paths": [""]}),
    ("paths", {"paths": ["v1"]}),
    ("paths", {"paths": ["/v1", "https://a.example/v1"]}),
    ("paths", {"paths": ["/v1?a=b"]}),
    ("paths", {"paths": ["/v1#a"]}),
    ("paths", {"paths": ["/a b"]}),
    ("paths", {"paths": ["/é"]}),
    ("paths", {"paths": ["/a%2"]}),
    ("paths", {"paths": ["/a%zz"]}),
    ("paths", {"paths": ["/a\\b"]}),
    ("paths", {"paths": ["/a\n"]}),
    ("paths", {"paths": ["/{"]}),
    ("params", {"params": 5}),
    ("params", {"params": ["a"]}),
    ("params['a']", {"params": {"a": "word"}}),
    ("params['a']", {"params": {"a": 5}}),
    ("params['a']", {"params": {"a": []}}),
    ("params['a']", {"params": {"a": [1]}}),
    ("params['a']", {"params": {"a": ["x\ny"]}}),
    ("params['a']", {"params": {"a": [""]}}),
    ("params['a']", {"params": {"a": [".com"]}}),
    ("params['a']", {"params": {"a": ".com"}}),
    ("params['a']", {"params": {"a": ".slac\u212a.com"}}),
    ("params['b']", {"params": {"a": "label", "b": "my.salesforce.com"}}),
    ("kinds", {"kinds": {"oauth2": Placement()}, "header": {"X": "{token}"}}),
    ("kinds", {"kinds": {"oauth2": Placement()}, "basic": ("a", "b")}),
    ("kinds", {"kinds": {"oauth2": Placement()}, "query": {"a": "{token}"}}),
    ("kinds", {"kinds": {}}),
    ("kinds", {"kinds": 5}),
    ("kinds", {"kinds": [Placement()]}),
    ("kinds['oauth2']", {"kinds": {"oauth2": "Bearer"}}),
    ("kinds['oauth2'].header", {"kinds": {"oauth2": Placement(header=5)}}),  # type: ignore[arg-type]
    ("kinds['oauth2'].query", {"kinds": {"oauth2": Placement(query=["a"])}}),  # type: ignore[arg-type]
    ("kinds['oauth2'].extra", {"kinds": {"oauth2": Placement(extra="a")}}),  # type: ignore[arg-type]
    ("kinds['oauth2'].hosts", {"kinds": {"oauth2": Placement(hosts=5)}}),  # type: ignore[arg-type]
    ("kinds[5]", {"kinds": {5: Placement()}}),
    ("kinds['b']", {"kinds": {"a": Placement(), "b": None}}),
    ("kinds['oauth2']", {"header": {"X": "{token}"}, "basic": ("a", "b")}),
    ("kinds['oauth2']", {"header": {}}),
    ("kinds['oauth2']", {"query": {}}),
    ("kinds['oauth2']", {"header": {"X": "fixed"}}),
    ("kinds['oauth2']", {"header": {"X": "{param.p}"}, "params": {"p": "label"}}),
    ("kinds['oauth2']", {"basic": ("a", "b")}),
    ("kinds['oauth2']", {"query": {"a": "b"}}),
    ("kinds['key']", key(header=None, path="/v1")),
    ("kinds['oauth2'].header", {"header": {"a b": "{token}"}}),
    ("kinds['oauth2'].header", {"header": {"": "{token}"}}),
    ("kinds['oauth2'].header", {"header": {"X:": "{token}"}}),
    ("kinds['oauth2'].header", {"header": {5: "{token}"}}),
    ("kinds['oauth2'].header", {"header": {"X": 5}}),
    ("kinds['oauth2'].header", {"header": {"X": None}}),
    ("kinds['oauth2'].header", {"header": {"X": "{token}\n"}}),
    ("kinds['oauth2'].header", {"header": {"X": "{token} "}}),
    ("kinds['oauth2'].header", {"header": {"X": "€{token}"}}),
    ("kinds['oauth2'].header", {"header": {"X": ""}}),
    ("kinds['oauth2'].header", {"header": {"X": "{tokn}"}}),
    ("kinds['oauth2'].header", {"header": {"X": "{token"}}),
    ("kinds['oauth2'].header", {"header": {"X": "{{token}}"}}),
    ("kinds['oauth2'].header", {"header": {"X": "{param.sub}"}}),
    ("kinds['b'].header", {"kinds": {"a": Placement(), "b": Placement(header={"X": "{token}", "Y": ""})}}),
    ("header", {"header": 5}),
    ("basic", {"basic": "ab"}),
    ("basic", {"basic": 5}),
    ("query", {"query": 5}),
    ("query", {"query": "key={token}"}),
    ("kinds['oauth2'].basic", {"basic": ()}),
    ("kinds['oauth2'].basic", {"basic": ("{token}",)}),
    ("kinds['oauth2'].basic", {"basic": ("{token}", "b", "c")}),
    ("kinds['oauth2'].basic", {"basic": (1, "{token}")}),
    ("kinds['oauth2'].basic", {"basic": ("{token}", None)}),
    ("kinds['oauth2'].basic", {"basic": ("{tokn}", "")}),
    ("kinds['oauth2'].basic", {"basic": ("€", "{token}")}),
    ("kinds['oauth2'].basic", {"basic": ("a\n", "{token}")}),
    ("kinds['oauth2'].query", {"query": {"": "{token}"}}),
    ("kinds['oauth2'].query", {"query": {5: "{token}"}}),
    ("kinds['oauth2'].query", {"query": {"a\n": "{token}"}}),
    ("kinds['oauth2'].query", {"query": {"{token}": "{token}"}}),
    ("kinds['oauth2'].query", {"query": {"a{": "{token}"}}),
    ("kinds['oauth2'].query", {"query": {"a": ""}}),
    ("kinds['oauth2'].query", {"query": {"a": 5}}),
    ("kinds['oauth2'].query", {"query": {"a": "{token}\n"}}),
    ("kinds['oauth2'].query", {"query": {"a": "{tokn}"}}),
    ("kinds['oauth2'].query", {"query": {"a": "{token}", "b": "{param.p}"}}),
    ("kinds['key'].path", key(path=5)),
    ("kinds['key'].path", key(path=None)),
    ("kinds['key'].path", key(path="bot{token}")),
    ("kinds['key'].path", key(path="{token}/")),
    ("kinds['key'].path", key(path="/bot{tokn}")),
    ("kinds['key'].path", key(path="/bot{token")),
    ("kinds['key'].path", key(path="/{param.p}")),
    ("kinds['key'].path", key(path="/bot{token}?a=b")),
    ("kinds['key'].path", key(path="/bot{token}#a")),
    ("kinds['key'].path", key(path="/a b")),
    ("kinds['key'].path", key(path="/é")),
    ("kinds['key'].path", key(path="/a%")),
    ("kinds['key'].path", key(path="/a\n")),
    ("kinds['key'].path", key(path="/€")),
    ("kinds['key'].hosts", key(hosts="b.example")),
    ("kinds['key'].hosts", key(hosts=[7])),
    ("kinds['key'].hosts", key(hosts=["b.example", None])),
    ("kinds['key'].hosts", key(hosts=["https://b.example"])),
    ("kinds['key'].hosts", key(hosts=["*.com"])),
    ("kinds['key'].hosts", key(hosts=["{param.sub}.example"])),
    ("kinds['key'].hosts", key(hosts=["{token}.example"])),
    ("kinds['key'].extra", key(extra={"a b": "x"})),
    ("kinds['key'].extra", key(extra={"X": 1})),
    ("kinds['key'].extra", key(extra={"X": "a\n"})),
    ("kinds['key'].extra", key(extra={"X": "{token}"})),
    ("kinds['key'].extra", key(extra={"X": Default("{param.p}")})),
    ("extra", {"extra": {"a b": "x"}}),
    ("extra", {"extra": {5: "x"}}),
    ("extra", {"extra": {"X": 1}}),
    ("extra", {"extra": {"X": "a\n"}}),
    ("extra", {"extra": {"X": ""}}),
    ("extra", {"extra": {"X": "{token}"}}),
    ("extra", {"extra": {"X": "{field.x}"}}),
    ("extra", {"extra": {"X": Default("{param.p}")}}),
    ("extra", {"extra": 5}),
    ("inspect", {"inspect": 5}),
    ("inspect", {"inspect": [200]}),
    ("inspect['200']", {"inspect": {"200": "application/json"}}),
    ("inspect[199]", {"inspect": {199: "application/json"}}),
    ("inspect[600]", {"inspect": {600: "application/json"}}),
    ("inspect[True]", {"inspect": {True: "application/json"}}),
    ("inspect[None]", {"inspect": {None: "application/json"}}),
    ("inspect[200]", {"inspect": {200: "json"}}),
    ("inspect[200]", {"inspect": {200: "Application/JSON"}}),
    ("inspect[200]", {"inspect": {200: "application/json; charset=utf-8"}}),
    ("inspect[200]", {"inspect": {200: "application/json "}}),
    ("inspect[400]", {"inspect": {400: "text/*"}}),
    ("inspect[400]", {"inspect": {400: "*/*"}}),
    ("inspect[400]", {"inspect": {400: "text/"}}),
    ("inspect[400]", {"inspect": {400: ""}}),
    ("inspect[400]", {"inspect": {400: 5}}),
    ("inspect[400]", {"inspect": {400: None}}),
    ("inspect[400]", {"inspect": {400: ("text/plain", "html")}}),
    ("inspect[200]", {"inspect": {200: "text/plain"}}),
    ("inspect[399]", {"inspect": {399: ("application/json", "text/html")}}),
    ("failures", {"failures": 5}),
    ("failures", {"failures": RULE}),
    ("failures[0]", {"failures": [5]}),
    ("failures[0]", {"failures": [None]}),
    ("failures[0]", {"failures": [Failure("denied", status=403)]}),  # type: ignore[arg-type]
    ("failures[0]", {"failures": [Failure(Verdict.DENIED)]}),
    ("failures[1]", {"failures": [RULE, Failure(Verdict.DENIED, status=400, json={"a": 1})]}),
    ("failures[0]", reads(json={"a": 1})),
    ("failures[0]", reads(text="a")),
    ("failures[0]", reads(text="", header={"X": "a"})),
    ("failures[0]", reads(status=403, json={"a": 1})),
    ("failures[0]", reads(status=403, text="a")),
    ("failures[0]", reads(status=(200, 403), json={"a": 1})),
    ("failures[0]", reads(status=400, header={"X": 5})),
    ("failures[0]", reads(status=400, header={"X": ["a", 5]})),
    ("failures[0]", reads(status=400, header={"X": ["a", None]})),
    ("failures[0]", reads(status=400, header={"X": {"a": "b"}})),
    ("failures[0]", reads(status=400, header={"X": True})),
    ("failures[0]", reads(status=400, challenge={"error": 5})),
    ("failures[0]", reads(status=400, challenge={"error": [["a"]]})),
    ("failures[0]", reads(status=400, text=b"a")),
    ("failures[0]", reads(status=400, text=["a", 5])),
    ("failures[0]", reads(status=200, json={"": 1})),
    ("failures[0]", reads(status=200, json={"a.": 1})),
    ("failures[0]", reads(status=200, json={"a": 1, "..b": 1})),
    ("failures[0]", reads(status=200, json={5: 1})),
    ("failures[0]", reads(status=200, json={None: 1})),
    ("failures[0]", reads(status=200, json={("a", "b"): 1})),
    ("failures[0]", reads(status=200, json={"a": []})),
    ("failures[0]", reads(status=200, json={"a": {}})),
    ("failures[0]", reads(status=200, json={"a": {"b": 1}})),
    ("failures[0]", reads(status=200, json={"a": [["b"]]})),
    ("failures[0]", reads(status=200, json={"a": ["b", {}]})),
    ("failures[0]", reads(Verdict.DENIED, status=401, challenge={"claims": PRESENT}, detail="claims")),
    ("failures[0]", reads(Verdict.CHALLENGE, status=401, detail="claims")),
    ("failures[0]", reads(Verdict.CHALLENGE, status=401, challenge={"error": PRESENT}, detail="claims")),
    ("failures[0]", reads(Verdict.CHALLENGE, status=401, challenge={"error": PRESENT}, detail="")),
    ("failures[0]", reads(Verdict.CHALLENGE, status=401, challenge={"error": PRESENT}, detail=5)),
]


def assert_that_the_mistake_is_found(field: str, wrong: dict[str, Any]) -> None:
    arguments = {"slug": "acme", "hosts": ["a.example"], **wrong}

    with pytest.raises(ConfigurationError) as caught:
        Connector(**arguments)

    assert str(caught.value).startswith(f"Connector {arguments['slug']!r}: {field}: ")
    assert "plugin" in caught.value.hint


@pytest.mark.parametrize(("field", "wrong"), MISTAKES)
def test_a_mistake_is_found_when_the_connector_is_made_and_names_connector_and_field(field, wrong):
    assert_that_the_mistake_is_found(field, wrong)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        pytest.param("failures[0]", reads(status=401, header={"X": None}), id="nothing to find in a header"),
        pytest.param("failures[0]", reads(status=401, challenge={"error": None}), id="nothing to find in a challenge"),
        pytest.param("failures[0]", reads(status=401, header={5: "a"}), id="the name of a header that is no text"),
        pytest.param("failures[0]", reads(status=401, challenge={5: "a"}), id="the name of a parameter that is none"),
        pytest.param("failures[0]", reads(status=401, header={"X": Contains(5)}), id="a matcher for no text"),  # type: ignore[arg-type]
    ],
)
def test_a_rule_that_would_raise_when_it_is_asked_is_found_too(field, wrong):
    assert_that_the_mistake_is_found(field, wrong)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        pytest.param("failures[0]", reads(status="401"), id="a status that is a text"),
        pytest.param("failures[0]", reads(status=["401"]), id="statuses that are texts"),
        pytest.param("failures[0]", reads(status=4010), id="a status that is none"),
        pytest.param("failures[0]", reads(status=401, header={"a b": "a"}), id="a header that cannot be"),
        pytest.param("failures[0]", reads(status=401, header={"X": []}), id="a header that may say nothing"),
        pytest.param("failures[0]", reads(status=401, challenge={"error": ()}), id="a parameter that may say nothing"),
        pytest.param("failures[0]", reads(status=400, text=[]), id="a text that may say nothing"),
        pytest.param("failures[0]", reads(status=200, json={"a": b"b"}), id="what JSON never has"),
        pytest.param("failures[0]", reads(status=200, json={"a": [("b",)]}), id="a list in JSON"),
        pytest.param("inspect[400]", {"inspect": {400: ()}}, id="bodies of no type"),
        pytest.param("paths", {"paths": ["/v1/{token}"]}, id="slots in paths, which nothing fills"),
        pytest.param("params", {"params": {5: "label"}}, id="a param whose name is no text"),
        pytest.param(
            "hosts", {"hosts": ["https://{param.p}.a.example"], "params": {"p": "label"}}, id="a URL with a param"
        ),
    ],
)
def test_what_could_never_hold_or_be_used_is_found_too(field, wrong):
    assert_that_the_mistake_is_found(field, wrong)


def test_a_mistake_can_be_shown_with_the_local_variables_of_its_traceback():
    import traceback

    with pytest.raises(ConfigurationError) as caught:
        Connector("acme", hosts=None)  # type: ignore[arg-type]

    assert "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())


# What a kind of credential needs


WITH_KINDS = Connector(
    "acme",
    hosts=["{param.site}.acme.example", "api.acme.example"],
    params={"site": "label", "team": "id", "account": "id", "region": ["eu", "us"], "unused": "id"},
    extra={"X-Team": "{param.team}", "X-Account": Default("{param.account}")},
    kinds={
        "oauth2": Placement(),
        "regional": Placement(hosts=["{param.region}.acme.example"], extra={"X-Region": "{param.region}"}),
        "no team": Placement(extra={"X-Team": Default("{param.team}"), "X-Account": "none"}),
        "path": Placement(path="/{param.account}/{token}", query={"t": "{param.team}"}),
        "basic": Placement(basic=("{param.account}", "{token}{param.account}")),
    },
)


@pytest.mark.parametrize(
    ("kind", "with_hosts", "needed"),
    [
        ("oauth2", True, ("team", "site")),
        ("oauth2", False, ("team",)),
        ("regional", True, ("team", "region")),
        ("regional", False, ("team", "region")),
        ("no team", True, ("site",)),
        ("no team", False, ()),
        ("path", True, ("team", "account", "site")),
        ("basic", False, ("account", "team")),
    ],
)
def test_a_kind_needs_the_params_of_its_templates_headers_and_hosts_but_not_those_of_defaults(kind, with_hosts, needed):
    assert params_for(WITH_KINDS, kind, with_hosts=with_hosts) == needed


def test_the_hosts_of_a_kind_take_the_place_of_the_connectors():
    assert hosts_for(WITH_KINDS, "regional") == ("{param.region}.acme.example",)
    assert hosts_for(WITH_KINDS, "oauth2") == WITH_KINDS.hosts
    assert filled_hosts(WITH_KINDS, "regional", {"region": "eu"}).entries == ("eu.acme.example",)


def test_the_headers_of_a_kind_come_beside_the_connectors_and_win():
    assert extra_for(WITH_KINDS, "oauth2") == WITH_KINDS.extra
    assert extra_for(WITH_KINDS, "regional") == {**WITH_KINDS.extra, "X-Region": "{param.region}"}
    assert extra_for(WITH_KINDS, "no team") == {"X-Team": "{param.team}", "X-Account": "none"}
    assert isinstance(extra_for(WITH_KINDS, "no team")["X-Team"], Default)


def test_hosts_are_filled_from_params():
    acme = Connector("acme", hosts=["{param.p}.acme.example", "api.acme.example"], params={"p": "label"})

    assert filled_hosts(acme, "oauth2", {"p": "one"}).entries == ("one.acme.example", "api.acme.example")


def test_params_that_make_no_host_are_a_mistake_of_who_gave_them():
    acme = Connector("acme", hosts=["api-{param.p}.acme.example"], params={"p": "label"})

    with pytest.raises(ConfigurationError, match="params= makes something of the connector's hosts") as caught:
        filled_hosts(acme, "oauth2", {"p": "a" * 63})

    assert (caught.value.connector, "plugin" in str(caught.value)) == ("acme", False)


@pytest.mark.parametrize("choice", ["*", "a*", "a:8443", "a b", "a/", "a@", "a%2e", "bücher", "a\\", "a_b", "[::1]"])
def test_a_choice_that_is_no_part_of_a_host_cannot_go_into_one(choice):
    with pytest.raises(ConfigurationError, match="which is no part of a host"):
        Connector("acme", hosts=["{param.p}.acme.example"], params={"p": ["eu", choice]})
