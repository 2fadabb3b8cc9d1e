"""``check_connector``: it lets a good connector pass, and whatever is wrong with one it says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Connector,
    Contains,
    Credential,
    Default,
    Failure,
    Judgement,
    Placement,
    RequestView,
    ResponseView,
    Verdict,
    hookimpl,
)
from xkit_auth._connectors.in_url import InUrl
from xkit_auth._connectors.policy import LARGEST_BODY, Policy, Sending
from xkit_auth.testing import Answer, ConnectorContract, check_connector

REFUSED = Answer(Verdict.REFETCH, status=401)
FINE = Answer(Verdict.ACCEPTED, status=403)


def acme(**settings: Any) -> Connector:
    return Connector(**{"slug": "acme", "hosts": ["api.acme.example"], **settings})


def check(connector: Connector | None = None, **arguments: Any) -> None:
    check_connector(connector or acme(), **{"answers": [REFUSED, FINE], **arguments})


def complaint(connector: Connector | None = None, **arguments: Any) -> str:
    """What is said about a connector that is wrong."""
    with pytest.raises(AssertionError) as caught:
        check(connector, **arguments)
    said = str(caught.value)
    assert said.startswith("acme: ")
    return said.removeprefix("acme: ")


class Brings:
    """A plugin that brings connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> tuple[Connector, ...]:
        return self.connectors


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


def test_an_example_of_a_param_that_is_missing_is_said_by_name():
    subdomain = acme(hosts=["{param.p}.acme.example"], params={"p": "label"})

    with pytest.raises(ConfigurationError, match="'p' is missing"):
        check(subdomain)


# What an answer means

JUDGES = acme(
    inspect={200: "application/json", 401: ("application/json", "text/plain")},
    failures=[
        Failure(Verdict.REFETCH, status=200, json={"ok": False}),
        Failure(Verdict.CHALLENGE, status=401, challenge={"claims": PRESENT}, detail="claims"),
    ],
)
OK_FALSE = Answer(Verdict.REFETCH, status=200, json={"ok": False})
CLAIMS = Answer(Verdict.CHALLENGE, status=401, headers={"WWW-Authenticate": "Bearer claims=abc"}, detail="abc")


def changed(example: Answer, **changes: Any) -> Answer:
    fields = {name: getattr(example, name) for name in Answer.__slots__}
    return Answer(**{**fields, **changes})


@pytest.mark.parametrize(
    ("example", "judged"),
    [
        pytest.param(changed(OK_FALSE, then=Verdict.ACCEPTED), "REFETCH", id="another verdict"),
        pytest.param(changed(OK_FALSE, json={"ok": True}), "ACCEPTED", id="another body"),
        pytest.param(changed(OK_FALSE, status=201), "ACCEPTED", id="another status"),
        pytest.param(
            changed(OK_FALSE, headers={"Content-Type": "text/html"}), "ACCEPTED", id="a type that is not read"
        ),
        pytest.param(changed(OK_FALSE, headers={"Content-Disposition": "attachment"}), "ACCEPTED", id="a download"),
        pytest.param(changed(OK_FALSE, headers={"Content-Length": "99999"}), "ACCEPTED", id="called too long"),
        pytest.param(changed(CLAIMS, then=Verdict.REFETCH), "CHALLENGE", id="another verdict with a detail"),
        pytest.param(changed(CLAIMS, headers={}), "REFETCH", id="other headers"),
        pytest.param(changed(CLAIMS, detail="abd"), "detail='abc'", id="another detail"),
        pytest.param(changed(CLAIMS, detail=None), "detail='abc'", id="no detail"),
        pytest.param(changed(OK_FALSE, detail="abc"), "detail=None", id="a detail where there is none"),
    ],
)
def test_an_answer_must_mean_what_the_example_says(example, judged):
    right = [OK_FALSE, CLAIMS, REFUSED, FINE]
    check(JUDGES, answers=right)

    complained = complaint(JUDGES, answers=[*right, example])
    assert complained.startswith(f"{example} is judged ")
    assert judged in complained.partition("is judged ")[2].partition(", and should be ")[0]
    assert str(example.then) in complained.partition(", and should be ")[2]


def test_each_rule_must_decide_an_example():
    assert complaint(JUDGES, answers=[OK_FALSE, FINE]) == f"no example is decided by {JUDGES.failures[1]!r}"
    assert complaint(JUDGES, answers=[REFUSED, CLAIMS]) == f"no example is decided by {JUDGES.failures[0]!r}"
    both = complaint(JUDGES, answers=[REFUSED, FINE])
    assert repr(JUDGES.failures[0]) in both
    assert repr(JUDGES.failures[1]) in both


def test_a_rule_that_never_comes_to_its_turn_decides_nothing():
    in_vain = acme(failures=[Failure(Verdict.DENIED, status=403), Failure(Verdict.DENIED, status=(403, 403))])

    complained = complaint(in_vain, answers=[REFUSED, Answer(Verdict.DENIED, status=403)])

    assert complained == f"no example is decided by {in_vain.failures[1]!r}"


@pytest.mark.parametrize("answers", [[], [FINE], [FINE, Answer(Verdict.RATE_LIMITED, status=429)]])
def test_an_example_must_ask_xkit_again(answers):
    assert complaint(answers=answers) == "no example asks Xkit again"


@pytest.mark.parametrize("asks", [REFUSED, Answer(Verdict.RECONNECT, status=400, headers={"X": "revoked"})])
def test_an_example_must_not_ask_xkit_again(asks):
    revoked = acme(failures=[Failure(Verdict.RECONNECT, status=400, header={"X": "revoked"})])
    right = [asks, Answer(Verdict.RECONNECT, status=400, headers={"X": "revoked"})]

    check(revoked, answers=[*right, FINE])
    assert complaint(revoked, answers=right) == "there is no example that does not ask Xkit again"


def test_an_author_may_not_know_how_a_provider_refuses():
    check(answers=[FINE], refusal_is_unknown=True)
    check(answers=[FINE, REFUSED], refusal_is_unknown=True)
    assert complaint(answers=[], refusal_is_unknown=True) == "there is no example that does not ask Xkit again"
    assert complaint(answers=[REFUSED], refusal_is_unknown=True) == "there is no example that does not ask Xkit again"


@pytest.mark.parametrize("kind", ["json", "text"])
def test_an_example_is_no_larger_than_what_is_looked_at(kind):
    around = 2 if kind == "json" else 0
    fits = Answer(Verdict.ACCEPTED, status=403, **{kind: "x" * (LARGEST_BODY - around)})
    too_large = Answer(Verdict.ACCEPTED, status=403, **{kind: "x" * (LARGEST_BODY - around + 1)})
    assert (LARGEST_BODY, len(fits.content)) == (64 * 1024, 64 * 1024)

    check(answers=[REFUSED, fits])
    assert complaint(answers=[REFUSED, too_large]) == f"{too_large} is larger than what is looked at"


def test_examples_may_come_one_by_one():
    check(answers=iter([REFUSED, FINE]))


# Plugins


class Signs(Brings):
    """A plugin that computes what is sent, and judges."""

    @hookimpl
    def xkit_auth_format_headers(self, credential: Credential, request: RequestView) -> dict[str, str]:
        return {"X-Signed": f"{request.method} {credential.reveal()}"}

    @hookimpl
    def xkit_auth_classify_response(self, response: ResponseView) -> Judgement | None:
        return Judgement(Verdict.CHALLENGE, "more") if response.status == 418 else None


def test_a_plugin_is_asked_like_by_an_xkit():
    more = Answer(Verdict.CHALLENGE, status=418, detail="more")

    check(plugin=Signs(acme()), sends={"oauth2": {"X-Signed": "GET TOKEN"}}, answers=[REFUSED, more])
    assert complaint(answers=[REFUSED, more]).startswith(f"{more} is judged ")
    assert complaint(plugin=Signs(acme()), sends={"oauth2": {"Authorization": "Bearer TOKEN"}}).startswith("kind")


class Tells(Brings):
    """A plugin whose error quotes what it could not use."""

    def __init__(self, where: str) -> None:
        super().__init__(acme())
        self.where = where

    @hookimpl
    def xkit_auth_format_headers(self, credential: Credential) -> dict[str, str]:
        if credential.fields:
            quoted = credential.reveal("another")
            said = {"text": (f"cannot use {quoted}", None), "hint": ("cannot use it", f"Change {quoted}.")}
            text, hint = said.get(self.where, ("cannot use it", None))
            raise ConfigurationError(text, hint=hint)
        return {"X": credential.reveal()}


@pytest.mark.parametrize("where", ["text", "hint"])
def test_no_error_of_a_plugin_may_show_the_credential(where):
    check(plugin=Tells("nowhere"))

    assert complaint(plugin=Tells(where)) == "kind 'oauth2': a text shows the credential"


@pytest.mark.parametrize("shows", [Sending, InUrl])
def test_nothing_that_holds_the_credential_may_show_it(monkeypatch, shows):
    in_query = acme(query={"key": "{token}"})
    check(in_query)
    monkeypatch.setattr(
        shows, "__repr__", lambda self: str(self.credential.reveal() if shows is Sending else self.pairs)
    )

    assert complaint(in_query) == "kind 'oauth2': a text shows the credential"


def test_a_complaint_itself_does_not_show_a_true_credential():
    assert "0123456789" not in complaint(sends={"oauth2": {}})


def test_a_name_that_is_not_there_is_an_attribute_error():
    import xkit_auth.testing

    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        xkit_auth.testing.nothing_of_that_name  # noqa: B018
