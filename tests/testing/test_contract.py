"""``ConnectorContract``: what is sent, and where it may go."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from helpers.testing_contract import FINE, REFUSED, Brings, acme, check, complaint
from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Connector,
    Contains,
    Credential,
    Default,
    Failure,
    Placement,
    Verdict,
    hookimpl,
)
from xkit_auth._connectors.in_url import InUrl
from xkit_auth._connectors.policy import Policy, Sending
from xkit_auth.testing import Answer, ConnectorContract

# A good one

WITH_EVERYTHING = Connector(
    "acme",
    hosts=["{param.site}.acme.example", "*.api.acme.example", "acme.example:8443"],
    params={"site": "label", "team": "id", "below": ".acme.example", "region": ["eu", ".region.example"], "no": "id"},
    extra={"X-Team": "{param.team}", "X-Version": Default("1"), "X-No": Default("{param.no}")},
    kinds={
        "oauth2": Placement(),
        "key": Placement(header={"X-Key": "key {token}"}, hosts=["{param.below}"], extra={"X-Version": "2"}),
        "basic": Placement(basic=("{field.email}/token", "{field.api_token}"), hosts=["{param.region}:8443"]),
        "query": Placement(query={"api key": "{token}", "format": "json"}),
        "bot": Placement(path="/{param.team}/bot{token}", header={"X-Email": "{field.email}"}),
    },
    inspect={200: "application/json", 401: ("application/json", "text/plain")},
    failures=[
        Failure(Verdict.RECONNECT, status=401, json={"error.code": "revoked"}),
        Failure(Verdict.DENIED, status=401, text=Contains("scope")),
        Failure(Verdict.REFETCH, status=200, json={"ok": False}),
        Failure(Verdict.CHALLENGE, challenge={"claims": PRESENT}, detail="claims"),
    ],
)


GOOD: dict[str, Any] = {
    "params": {"site": "a", "team": "t", "below": "b.acme.example", "region": "r.region.example"},
    "sends": {
        "oauth2": {"Authorization": "Bearer TOKEN", "X-Team": "t", "X-Version": "1"},
        "key": {"X-Key": "key TOKEN", "X-Team": "t", "X-Version": "2"},
        "basic": {"Authorization": "Basic EMAIL/token:API_TOKEN", "X-Team": "t", "X-Version": "1"},
        "query": {"?api key": "TOKEN", "?format": "json", "X-Team": "t", "X-Version": "1"},
        "bot": {"/": "/t/botEMAIL", "X-Email": "EMAIL", "X-Team": "t", "X-Version": "1"},
    },
    "hosts": {
        "oauth2": ["acme.example:8443", "a.acme.example", "*.api.acme.example"],
        "key": ["b.acme.example"],
        "basic": ("r.region.example:8443",),
        "query": {"a.acme.example", "*.api.acme.example", "acme.example:8443"},
    },
    "answers": [
        Answer(Verdict.RECONNECT, status=401, json={"error": {"code": "revoked"}}),
        Answer(Verdict.DENIED, status=401, text="a scope is missing"),
        Answer(Verdict.REFETCH, status=401, text="expired"),
        Answer(Verdict.REFETCH, status=200, json={"ok": False}),
        Answer(Verdict.ACCEPTED, status=200, json=["ok"]),
        Answer(Verdict.CHALLENGE, status=403, headers={"WWW-Authenticate": "Bearer claims=abc"}, detail="abc"),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "30"}),
        Answer(Verdict.ACCEPTED, status=500, text="<html>"),
    ],
}


def test_a_connector_that_is_as_its_author_says_passes():
    check(WITH_EVERYTHING, **GOOD)


def test_what_an_author_does_not_say_is_not_compared():
    check(WITH_EVERYTHING, **{**GOOD, "sends": {}, "hosts": {}})
    check(WITH_EVERYTHING, **{**GOOD, "sends": {"key": GOOD["sends"]["key"]}, "hosts": {"key": GOOD["hosts"]["key"]}})
    check()


def test_a_connector_without_hosts_passes_for_the_application_gives_them():
    check(acme(hosts=[]))


class TestAsTestsForPytest(ConnectorContract):
    connector = WITH_EVERYTHING
    params = GOOD["params"]
    sends = GOOD["sends"]
    hosts = GOOD["hosts"]
    answers = GOOD["answers"]


class TestOfAProviderWhoseRefusalIsUnknown(ConnectorContract):
    connector = acme()
    answers = (FINE,)
    refusal_is_unknown = True


@pytest.mark.parametrize(
    ("test", "wrong", "said"),
    [
        ("test_the_credential_goes_where_the_example_says", {"sends": {"oauth2": {}}}, "sends"),
        ("test_nobody_but_the_providers_hosts_may_have_the_credential", {"hosts": {"oauth2": []}}, "hosts"),
        ("test_each_answer_means_what_the_example_says", {"answers": [FINE]}, "no example asks Xkit again"),
    ],
)
def test_each_of_the_tests_for_pytest_looks_at_its_own_part(test, wrong, said):
    right = {"connector": acme(), "answers": [REFUSED, FINE]}
    contract = type("Contract", (ConnectorContract,), {**right, **wrong})()

    for name in [name for name in dir(ConnectorContract) if name.startswith("test_")]:
        if name == test:
            with pytest.raises(AssertionError, match=said):
                getattr(contract, name)()
        else:
            getattr(contract, name)()


# An example of an answer


def test_an_example_has_the_content_type_of_its_body_if_it_names_none():
    of_json = Answer(Verdict.ACCEPTED, status=200, json={"a": "é"})
    of_text = Answer(Verdict.ACCEPTED, status=200, text="é")
    other = Answer(
        Verdict.ACCEPTED, status=200, json=[], headers={"Content-Type": "application/problem+json", "X": "Y"}
    )

    assert of_json.all_headers == {"content-type": "application/json"}
    assert json.loads(of_json.content) == {"a": "é"}
    assert of_text.all_headers == {"content-type": "text/plain"}
    assert of_text.content == "é".encode()
    assert other.all_headers == {"content-type": "application/problem+json", "x": "Y"}
    assert other.content == b"[]"
    assert REFUSED.content == b""


@pytest.mark.parametrize(("value", "content"), [(False, b"false"), (0, b"0"), ("", b'""'), ({}, b"{}")])
def test_an_example_of_json_may_be_anything_but_null(value, content):
    assert Answer(Verdict.ACCEPTED, status=200, json=value).content == content


def test_an_example_is_a_value():
    assert Answer(Verdict.REFETCH, status=401, headers={}) == REFUSED
    assert Answer(Verdict.REFETCH, status=403) != REFUSED
    assert "status=401" in repr(REFUSED)


# Where it is written


@pytest.mark.parametrize(
    ("settings", "sends", "said"),
    [
        ({}, {"Authorization": "TOKEN"}, "sends {'Authorization': 'Bearer TOKEN'}"),
        ({}, {}, "the example says {}"),
        ({}, {"Authorization": "Bearer TOKEN", "X": "a"}, "the example says"),
        ({}, {"authorization": "Bearer TOKEN"}, "the example says"),
        ({"extra": {"X": "a"}}, {"Authorization": "Bearer TOKEN"}, "'X': 'a'}"),
        ({"basic": ("{token}", "")}, {"Authorization": "Basic TOKEN:X"}, "sends {'Authorization': 'Basic TOKEN:'}"),
        ({"query": {"key": "{token}"}}, {"key": "TOKEN"}, "sends {'?key': 'TOKEN'}"),
        ({"query": {"key": "{token}"}}, {}, "sends {'?key': 'TOKEN'}"),
        ({"kinds": {"oauth2": Placement(path="/bot{token}")}}, {"/": "/TOKEN"}, "sends {'/': '/botTOKEN'}"),
    ],
)
def test_what_is_sent_must_be_what_the_example_says(settings, sends, said):
    complained = complaint(acme(**settings), sends={"oauth2": sends})

    assert complained.startswith("kind 'oauth2' sends ")
    assert said in complained


def test_every_kind_is_looked_at():
    two = acme(kinds={"oauth2": Placement(), "key": Placement(header={"X-Key": "{token}"}, hosts=["key.acme.example"])})
    right = {"oauth2": {"Authorization": "Bearer TOKEN"}, "key": {"X-Key": "TOKEN"}}

    check(two, sends=right)
    assert complaint(two, sends={**right, "key": {"X-Key": "key TOKEN"}}).startswith("kind 'key' sends")
    assert complaint(two, hosts={"key": ["api.acme.example"]}).startswith("the hosts of kind 'key' are")


def test_a_kind_that_nobody_looks_at_fails_the_tests_for_pytest():
    two = acme(kinds={"oauth2": Placement(), "key": Placement(header={"X-Key": "{token}"})})
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}

    def run(**given):
        settings = {"connector": two, "answers": [REFUSED, FINE], **given}
        type("Contract", (ConnectorContract,), settings)().test_the_credential_goes_where_the_example_says()

    for unchecked in ({}, {"sends": sends}, {"sends": sends, "hosts": {"oauth2": ["api.acme.example"]}}):
        with pytest.raises(AssertionError, match=r"acme: the kind '\w+' is not checked: say in sends="):
            run(**unchecked)
    run(sends=sends, hosts={"key": ["api.acme.example"]})
    run(sends={**sends, "key": {"X-Key": "TOKEN"}})
    run(plugin=Computes(two))


class Computes(Brings):
    """A plugin that writes the headers of every kind itself, so that no example can say them."""

    @hookimpl
    def xkit_auth_format_headers(self, credential: Credential) -> dict[str, str]:
        return {"X-Signature": credential.reveal()}


def test_a_kind_that_the_connector_has_not_is_a_mistake_of_the_example():
    assert complaint(sends={"key": {}}) == "sends= names a kind that the connector has not"
    assert complaint(hosts={"key": []}) == "hosts= names an unknown kind"


def test_nothing_may_be_left_in_the_url(monkeypatch):
    in_query = acme(query={"key": "{token}"})
    check(in_query)
    monkeypatch.setattr(InUrl, "taken_out_of", lambda self, url: url)

    assert complaint(in_query) == "kind 'oauth2' leaves something in the URL"


@pytest.mark.parametrize(("where", "what"), [(InUrl, "is_in"), (Sending, "is_on")])
def test_what_was_put_on_a_request_must_be_found_there(monkeypatch, where, what):
    in_query = acme(query={"key": "{token}"})
    check(in_query)
    monkeypatch.setattr(where, what, lambda *_arguments: False)

    assert complaint(in_query) == "kind 'oauth2' is not found where it was put"


@pytest.mark.parametrize(
    "settings",
    [
        {"query": {"a": "{token}"}},
        {"header": {"X": "{token}"}, "query": {"a": "b"}},
        {"kinds": {"oauth2": Placement(header={"X": "{token}"}, path="/path")}},
    ],
)
def test_the_names_of_a_provider_may_be_those_that_the_check_itself_uses(settings):
    check(acme(**settings))


def test_a_credential_that_is_already_encoded_for_basic_may_be_sent_as_it_is():
    check(acme(header={"Authorization": "Basic {token}"}), sends={"oauth2": {"Authorization": "Basic TOKEN"}})


# Where it may go


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, []),
        ({}, ["acme.example"]),
        ({}, ["acme.example", "api.acme.example"]),
        ({"hosts": ["api.acme.example", "acme.example"]}, ["acme.example"]),
        ({"hosts": ["*.acme.example"]}, ["acme.example"]),
        ({"hosts": ["api.acme.example:8443"]}, ["api.acme.example"]),
        ({"kinds": {"oauth2": Placement(hosts=["b.example"])}}, ["api.acme.example"]),
    ],
)
def test_the_hosts_must_be_those_that_the_example_names(settings, hosts):
    complained = complaint(acme(**settings), hosts={"oauth2": hosts})

    assert complained.startswith("the hosts of kind 'oauth2' are ")
    assert complained.endswith(f"the example says {hosts}")


def test_hosts_with_params_are_compared_as_they_are_filled():
    subdomain = acme(hosts=["{param.p}.acme.example"], params={"p": "label"})

    check(subdomain, params={"p": "one"}, hosts={"oauth2": ["one.acme.example"]})
    assert "one.acme.example" in complaint(subdomain, params={"p": "one"}, hosts={"oauth2": ["two.acme.example"]})


@pytest.fixture
def allow(monkeypatch) -> Callable[[Callable[[str], bool]], None]:
    """Let a policy allow what this says, whatever the hosts are."""
    return lambda allows: monkeypatch.setattr(Policy, "allows", lambda _policy, url: allows(url))


def test_a_host_must_be_allowed(allow):
    allow(lambda _url: False)

    assert complaint() == "api.acme.example is not allowed"
    assert complaint(acme(hosts=["*.acme.example"])) == "*.acme.example is not allowed"


EXACT = "https://api.acme.example/"


BELOW = "https://x.acme.example/"


@pytest.mark.parametrize(
    ("entry", "usual", "look_alike"),
    [
        *(
            ("api.acme.example", EXACT, look_alike)
            for look_alike in (
                "https://evilapi.acme.example/",
                "https://sub.api.acme.example/",
                "https://api.acme.example.evil.example/",
                "https://api.acme.example./",
                "https://user@api.acme.example/",
                "http://api.acme.example/",
                "https://api.acme.example:444/",
                "https://evil.example\\@api.acme.example/",
                "https://api.acme.example%2eevil/",
                "https://evil.example/api.acme.example",
            )
        ),
        ("api.acme.example:8443", "https://api.acme.example:8443/", "https://api.acme.example:8444/"),
        ("api.acme.example:8443", "https://api.acme.example:8443/", "https://sub.api.acme.example:8443/"),
        *(
            ("*.acme.example", BELOW, look_alike)
            for look_alike in (
                "https://acme.example/",
                "https://evilacme.example/",
                "https://a.b.acme.example/",
                "https://x.acme.example.evil.example/",
                "http://x.acme.example/",
            )
        ),
    ],
)
def test_nothing_that_only_looks_like_a_host_may_have_the_credential(allow, entry, usual, look_alike):
    allow(lambda url: url in (usual, look_alike))

    assert complaint(acme(hosts=[entry])) == f"kind 'oauth2' would send the credential to {look_alike}"


@pytest.mark.parametrize(
    "careless",
    [
        lambda url: "api.acme.example" in url,
        lambda url: url.startswith("https://api.acme.example"),
        lambda url: url.rstrip("/").endswith("acme.example"),
        lambda url: url.partition("://")[2].partition("/")[0] == "api.acme.example",
        lambda _url: True,
    ],
)
def test_a_careless_comparison_is_found(allow, careless):
    allow(careless)

    assert complaint().startswith("kind 'oauth2' would send the credential to ")


@pytest.mark.parametrize(
    "hosts",
    [
        ["*.acme.example", "acme.example"],
        ["*.acme.example", "api.acme.example"],
        ["*.acme.example", "api.acme.example", "evilacme.example"],
        ["127.0.0.1"],
    ],
)
def test_hosts_that_lie_below_each_other_do_not_look_alike(hosts):
    check(acme(hosts=hosts))


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param(["acme.example", "sub.acme.example"], id="a host named sub"),
        pytest.param(["api.acme.example", "api.acme.example:444"], id="the next port"),
        pytest.param(["*.acme.example", "*.my.acme.example"], id="a star below a star"),
        pytest.param(["*.acme.example", "a.b.acme.example"], id="a host two below a star"),
        pytest.param(["*.acme.example:8443", "api.acme.example:8443"], id="a host below a star with a port"),
        pytest.param(["*.ACME.example", "api.acme.example"], id="a host below a star in upper case"),
    ],
)
def test_a_host_that_the_connector_itself_names_is_no_look_alike(hosts):
    check(acme(hosts=hosts))


@pytest.mark.parametrize("host", ["[::1]", "[2001:db8::1]:8443"])
def test_a_host_may_be_an_ipv6_address(host):
    check(acme(hosts=[host]))


# Params


@pytest.mark.parametrize("value", ["x y", "é", "x\\y", "evil.example/", "x@evil.example", "evil.example#"])
@pytest.mark.parametrize(
    "settings",
    [
        {"header": {"X": "{param.p} {token}"}},
        {"extra": {"X": "{param.p}"}},
        {"basic": ("{param.p}", "{token}")},
        {"query": {"key": "{token}", "p": "{param.p}"}},
        {"kinds": {"oauth2": Placement(path="/{param.p}/{token}")}},
    ],
)
def test_a_rule_for_a_param_may_not_take_what_does_harm(settings, value):
    harmful = acme(params={"p": ["good", value]}, **settings)

    assert complaint(harmful, params={"p": "good"}) == f"the param 'p' takes {value!r}"


@pytest.mark.parametrize(
    ("rule", "value"),
    [("label", "a"), ("id", "a.b"), (["a", "b"], "b"), (".acme.example", "a.acme.example"), (["a", ".b.example"], "a")],
)
def test_any_other_rule_for_a_param_is_fine(rule, value):
    check(acme(params={"p": rule}, extra={"X": "{param.p}"}), params={"p": value})


def test_a_param_of_a_kind_is_looked_at_for_that_kind():
    kinds = {"oauth2": Placement(), "key": Placement(header={"X": "{token}"}, extra={"Y": "{param.p}"})}
    harmful = acme(params={"p": ["good", "x y"]}, kinds=kinds)

    assert complaint(harmful, params={"p": "good"}) == "the param 'p' takes 'x y'"


def test_a_param_that_is_a_whole_host_may_not_be_any_host():
    check(acme(hosts=["{param.p}"], params={"p": ".acme.example"}), params={"p": "one.acme.example"})

    for rule in ("id", "label"):
        with pytest.raises(ConfigurationError, match="'p'"):
            acme(hosts=["{param.p}"], params={"p": rule})
