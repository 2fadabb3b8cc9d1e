"""Bad arguments are clear errors before anything is sent, and the default account is found where it is needed."""

from __future__ import annotations

import pickle
import re
from contextlib import nullcontext
from contextvars import ContextVar
from enum import Enum

import pytest

import xkit_auth._clients.auth
from xkit_auth import (
    ANY,
    ConfigurationError,
    Connector,
    HostNotAllowed,
    NotConnected,
    Placement,
    Xkit,
    current_context,
    use_context,
)
from xkit_auth.plugins import Brought


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"connector": ""}, "connector is empty"),
        ({"connector": None}, "connector is None"),
        ({"connector": 7}, "connector is not a text but int"),
        ({"connector": ".."}, "'..'"),
        ({"context": ""}, "context is empty"),
        ({"context": " "}, "context is empty"),
        ({"context": None}, "context is None"),
        ({"context": 42}, "context is not a text but int"),
        ({"context": "."}, "'.'"),
        ({"context": "\ud800"}, "not valid Unicode"),
        ({"xkit": "my-xkit"}, "not an Xkit"),
        ({"off_host": "ignore"}, '"raise" or "bare"'),
        ({"hosts": "api.acme.example"}, "list of hosts"),
        ({"hosts": []}, "list of hosts"),
        ({"hosts": 7}, "list of hosts"),
        ({"hosts": [7]}, "list of hosts"),
        ({"hosts": ["https://acme.example"]}, "is not a host"),
        ({"hosts": ["acme.example/v1"]}, "as in 'acme.example'"),
        ({"hosts": ["*.example"]}, "top-level domain"),
        ({"params": ["acme"]}, "mapping of texts, not list"),
        ({"params": {"subdomain": 7}}, "mapping of texts, and int is in it"),
        ({"kind": 7}, "name of a kind of credential, not int"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_at_once(driver, arguments, said):
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        driver.auth(**{"connector": "acme", "context": "user-1", **arguments})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hosts": lambda _context: ["a b"]}, "is not a host"),
        ({"params": {"subdomain": "acme"}}, "subdomain"),
        ({"params": lambda _context: ["acme"]}, "mapping of texts"),
        ({"kind": "password"}, "no credential of kind"),
        ({"context": ContextVar("nobody")}, "from nobody"),
    ],
)
def test_what_only_a_request_can_show_is_refused_before_anything_is_asked(sandbox, driver, xkit, arguments, said):
    auth = driver.auth(**{"connector": "acme", "context": "user-1", "xkit": xkit, **arguments})
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        driver.send("GET", sandbox.provider_url("acme"), auth=auth)
    assert sandbox.calls == []
    assert sandbox.arrivals("acme") == []


def test_hosts_of_a_context_are_looked_up_for_each_user(sandbox, driver, xkit):
    url = sandbox.provider_url("acme")
    home = url.removeprefix("http://")
    sandbox.connect("acme", "ann")
    hosts = {"ann": [home], "bob": ["127.0.0.1:1"]}
    for user in hosts:
        auth = driver.auth("acme", context=user, xkit=xkit, hosts=hosts.__getitem__)
        if user == "ann":
            assert [driver.send("GET", url, auth=auth).status for _ in range(2)] == [200, 200]
        else:
            with pytest.raises(HostNotAllowed, match=re.escape("127.0.0.1:1")):
                driver.send("GET", url, auth=auth)
    assert sandbox.call_count() == 1


@pytest.fixture
def environment(sandbox, monkeypatch):
    """The sandbox as the account of the environment."""
    monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", sandbox.publishable_key)
    monkeypatch.setenv("XKIT_SECRET_KEY", sandbox.secret_key)
    monkeypatch.setenv("XKIT_BASE_URL", sandbox.base_url)
    yield
    if Xkit._the_default is not None:
        Xkit._the_default.close()


def test_the_default_account_is_made_with_the_first_request_and_again_after_it_was_closed(sandbox, driver, environment):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", hosts=[url.removeprefix("http://")])
    assert sandbox.calls == []
    assert [driver.send("GET", url, auth=auth).status for _ in range(2)] == [200, 200]
    assert sandbox.call_count() == 1
    Xkit.default().close()
    assert driver.send("GET", url, auth=auth).status == 200
    assert sandbox.call_count() == 2
    assert driver.send("GET", url, auth=pickle.loads(pickle.dumps(auth))).status == 200
    assert sandbox.call_count() == 2


def test_a_second_account_makes_the_default_one_ambiguous_even_for_a_warm_auth(sandbox, driver, environment):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", hosts=[url.removeprefix("http://")])
    assert driver.send("GET", url, auth=auth).status == 200
    with Xkit(publishable_key="pk_other", secret_key="sk_other"), pytest.raises(ConfigurationError, match="Two Xkit"):
        driver.send("GET", url, auth=auth)
    assert driver.send("GET", url, auth=auth).status == 200


def test_no_keys_is_said_with_both_ways_to_give_them(driver, monkeypatch):
    for name in ("XKIT_PUBLISHABLE_KEY", "XKIT_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    if Xkit._the_default is not None:
        Xkit._the_default.close()
    auth = driver.auth("acme", context="user-1", hosts=["api.acme.example"])
    with pytest.raises(ConfigurationError, match="XKIT_PUBLISHABLE_KEY"):
        driver.send("GET", "https://api.acme.example/", auth=auth)


def test_a_closed_account_says_so(sandbox, driver, xkit):
    xkit.close()
    with pytest.raises(ConfigurationError, match="closed"):
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit))


def test_a_url_that_cannot_be_read_is_refused_whatever_the_connector(sandbox, driver, xkit):
    auth = driver.auth(ANY, context="user-1", xkit=xkit)
    with pytest.raises(HostNotAllowed, match="cannot be read with certainty"):
        driver.send("GET", "https://someone@api.acme.example/", auth=auth)


def test_any_passes_over_connectors_that_need_params(sandbox, driver, xkit):
    sandbox.add_connector(
        Connector("tenanted", hosts=["{param.subdomain}.acme.example"], params={"subdomain": "label"})
    )
    sandbox.connect("acme", "user-1")
    auth = driver.auth(ANY, context="user-1", xkit=xkit)
    assert driver.send("GET", sandbox.provider_url("acme"), auth=auth).status == 200


@pytest.mark.drivers(requests=True)
def test_what_was_looked_at_in_clients_is_forgotten_before_it_grows(sandbox, driver, xkit, monkeypatch):
    monkeypatch.setattr(xkit_auth._clients.auth, "_MOST_SEEN", 2)
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    for _ in range(5):
        assert driver.send("GET", sandbox.provider_url("acme"), auth=auth).status == 200
    (settled,) = auth._by_origin.values()
    assert len(settled.seen) <= 2


def test_origins_are_remembered_only_up_to_a_limit(sandbox, driver, xkit, monkeypatch):
    monkeypatch.setattr(xkit_auth._clients.auth, "_MOST_KNOWN_ORIGINS", 2)
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["*.acme.example"])
    sandbox.answer_with('{"error": "not_found"}', status=404)
    with driver.session(auth=auth) as send:
        for number in range(5):
            with pytest.raises(NotConnected):
                send("GET", f"https://host-{number}.acme.example/")
            assert 1 <= len(auth._by_origin) <= 2


def test_an_unpickled_auth_that_has_lost_a_function_says_so(sandbox, driver, environment):
    auth = pickle.loads(pickle.dumps(driver.auth("acme", context="user-1", hosts=lambda _context: ["acme.example"])))
    with pytest.raises(ConfigurationError, match="lost its hosts="):
        driver.send("GET", sandbox.provider_url("acme"), auth=auth)


@pytest.mark.parametrize("header", [{"Authorization": "Bearer {token}"}, {"X-Key": "{token}"}])
def test_a_latin_1_credential_is_sent_as_latin_1_by_every_client(sandbox, driver, xkit, header):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header=header))
    token = sandbox.connect("acme", "user-1", credential="t\xf6k\xe9n-0123456789")
    assert (
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit)).status
        == 200
    )
    (name,) = header
    assert sandbox.arrivals("acme")[0].headers[name.lower()].endswith(token)


def test_an_error_about_a_hidden_header_holds_none_of_it(sandbox, driver, xkit):
    from xkit_auth import ReauthorizationRequired

    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-Key": "{token}"}))
    token = sandbox.connect("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert token not in str(dict(caught.value.response.request.headers))


def test_a_context_variable_may_have_a_default(sandbox, driver, xkit):
    token = sandbox.connect("acme", "somebody")
    auth = driver.auth("acme", context=ContextVar("user", default="somebody"), xkit=xkit)
    assert driver.send("GET", sandbox.provider_url("acme"), auth=auth).status == 200
    assert sandbox.arrivals("acme")[0].headers["authorization"] == f"Bearer {token}"


def test_an_object_for_each_request_carries_each_users_own_credential(sandbox, driver, xkit):
    url = sandbox.provider_url("acme")
    tokens = [sandbox.connect("acme", user) for user in ("ann", "bob")]
    auths = [driver.auth("acme", context=user, xkit=xkit) for user in ("ann", "bob")]
    for auth in auths:
        assert driver.send("GET", url, auth=auth).status == 200
    assert [each.headers["authorization"] for each in sandbox.arrivals("acme")] == [f"Bearer {one}" for one in tokens]
    # What the first has found out holds for the second; what has hosts of its own shares nothing.
    other = driver.auth("acme", context="ann", xkit=xkit, hosts=["127.0.0.1:1"])
    assert auths[0]._by_origin is auths[1]._by_origin is not other._by_origin
    with pytest.raises(HostNotAllowed):
        driver.send("GET", url, auth=other)


class User(str, Enum):  # noqa: UP042 - a StrEnum prints what it holds
    """As an application may have it: it prints, and hashes, as something else than the text that it holds."""

    ANN = "user-1"

    def __str__(self):
        return "user-2"


class Name(str):
    """A text that takes itself for another one."""

    __slots__ = ()

    def __str__(self):
        return "user-2"

    __repr__ = __str__

    def __eq__(self, other):
        return other == "user-2"

    def __hash__(self):
        return hash("user-2")


def host_of(sandbox):
    return sandbox.provider_url("acme").removeprefix("http://")


def in_a_variable(user):
    variable = ContextVar("user", default=user)
    return variable, nullcontext()


WAYS = {
    "fixed": lambda user: (user, nullcontext()),
    "function": lambda user: ((lambda: user), nullcontext()),
    "variable": in_a_variable,
    "block": lambda user: (current_context, use_context(user)),
}


@pytest.mark.parametrize("user", [User.ANN, Name("user-1")], ids=["enum", "subclass"])
@pytest.mark.parametrize("way", WAYS)
def test_a_context_that_is_a_kind_of_text_is_the_text_that_it_holds_cold_and_warm(sandbox, driver, xkit, user, way):
    token, _ = (sandbox.connect("acme", each) for each in ("user-1", "user-2"))
    xkit.get_credential("acme", context="user-2")  # so that it is held
    seen = []

    def hosts(context):
        seen.append(context)
        return [host_of(sandbox)]

    context, block = WAYS[way](user)
    plain = driver.auth("acme", context=context, xkit=xkit)
    with_hosts = driver.auth("acme", context=context, xkit=xkit, hosts=hosts)
    with block:
        for auth in (plain, plain, with_hosts):
            assert driver.send("GET", sandbox.provider_url("acme"), auth=auth).status == 200
    assert {each.headers["authorization"] for each in sandbox.arrivals("acme")} == {f"Bearer {token}"}
    assert [(each, type(each)) for each in seen] == [("user-1", str)]
    assert len(sandbox.calls) == 2


@pytest.mark.parametrize("user", [User.ANN, Name("user-1")], ids=["enum", "subclass"])
def test_an_xkit_that_is_asked_with_a_kind_of_text_takes_the_text_that_it_holds(sandbox, xkit, user):
    sandbox.connect("acme", "user-1")
    first = xkit.get_credential("acme", context=user)
    assert xkit.get_credential("acme", context="user-1") == first
    assert len(sandbox.calls) == 1
    xkit.forget("acme", context=user)
    assert xkit.get_credential("acme", context="user-1") == first
    assert len(sandbox.calls) == 2
    assert xkit.get_connection("acme", context=user).context == "user-1"


@pytest.mark.parametrize(
    "names", [{"connector": 7}, {"context": 7}, {"context": ""}, {"connector": "acme", "context": 7}]
)
def test_what_is_no_name_cannot_be_forgotten(xkit, names):
    with pytest.raises(ConfigurationError, match=r"not a text but int|is empty"):
        xkit.forget(**names)


@pytest.mark.parametrize("kind", [Enum("Kind", {"KEY": "api_key"}, type=str).KEY, Name("api_key")], ids=repr)
def test_slugs_kinds_params_and_hosts_that_are_kinds_of_text_are_the_text_that_they_hold(sandbox, driver, xkit, kind):
    slug, site, host = Enum("Word", {"SLUG": "acme", "SITE": "eu", "HOST": host_of(sandbox)}, type=str)
    placement = Placement(header={"X-Api-Key": "{param.site} {token}"})
    sandbox.add_connector(
        Connector(
            "acme", hosts=["x.example"], params={"site": ["eu"]}, kinds={"oauth2": Placement(), "api_key": placement}
        )
    )
    token = sandbox.connect("acme", "user-1")
    for hosts in ([host], lambda _context: [host]):
        auth = driver.auth(slug, context="user-1", xkit=xkit, hosts=hosts, params={"site": site}, kind=kind)
        assert driver.send("GET", sandbox.provider_url("acme"), auth=auth).status == 200
    assert [each.headers["x-api-key"] for each in sandbox.arrivals("acme")] == [f"eu {token}"] * 2


def test_a_function_never_opens_hosts_with_a_wildcard(sandbox, driver, xkit):
    some = [
        ["*.acme.example"],
        ["api.acme.example", "*.acme.example"],
        ["*"],
        ["*.com"],
        ["a.*.example"],
        ("*.a.b:8443",),
    ]
    for hosts in some:
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=lambda _, given=hosts: given, off_host="bare")
        with pytest.raises(ConfigurationError, match="function given as hosts= returned a wildcard") as caught:
            driver.send("GET", "https://evil.acme.example/", auth=auth)
        assert "tenants" in caught.value.hint
    assert sandbox.calls == []


TENANTS = (
    *(
        "*",
        "*.",
        "evil.example/",
        "evil.example#",
        "evil.example?",
        "evil.example:443/",
        "evil.example\\",
        "",
        ".",
        "a.",
    ),
    *("a@evil.example", "evil.example%2f", "a..b", " a", "a\n", "b\xfccher", "[::1]", "a:1"),
)


def test_no_name_of_a_tenant_opens_another_host(sandbox, driver, xkit):
    for tenant in TENANTS:
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=lambda _, name=tenant: [f"{name}.acme.example"])
        for url in ("https://evil.example/", "https://evil.acme.example/", "https://acme.example/"):
            with pytest.raises(ConfigurationError, match="hosts="):
                driver.send("GET", url, auth=auth)
    assert sandbox.calls == []


SAID = (
    *(["*"], ["*."], ["*.*"], ["*.com"], ["*.co.uk"], ["api.acme.example", "*"], ["*:443"], [User.ANN, "*"]),
    *(
        [Name("*")],
        ["."],
        [""],
        [" "],
        ["\t"],
        [],
        "*",
        "",
        ANY,
        [ANY],
        [None],
        [["*"]],
        True,
        7,
        b"*",
        {"*": "*"},
        {"*"},
    ),
)


@pytest.mark.parametrize("hosts", SAID, ids=repr)
def test_nothing_that_a_function_says_means_every_host(sandbox, driver, xkit, hosts):
    for off_host in ("raise", "bare"):
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=lambda _context: hosts, off_host=off_host)
        for url in ("https://evil.example/", "https://acme.co.uk/", sandbox.provider_url("acme")):
            with pytest.raises(ConfigurationError, match="hosts="):
                driver.send("GET", url, auth=auth)
    assert sandbox.calls == []


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_param_means_every_host(sandbox, driver, xkit, tenant, monkeypatch):
    # As it is outside of the sandbox, where a connector keeps its hosts.
    connector = Connector("acme", hosts=["{param.tenant}.acme.example"], params={"tenant": "label"})
    monkeypatch.setattr(xkit.directory.plugins(), "find", lambda _slug: Brought(connector, "a plugin"))
    for params in ({"tenant": tenant}, {"tenant": Name(tenant)}, lambda _context: {"tenant": tenant}):
        auth = driver.auth("acme", context="user-1", xkit=xkit, params=params, off_host="bare")
        for url in ("https://evil.example/", "https://evil.acme.example/", "https://acme.example/"):
            with pytest.raises(ConfigurationError, match="not of the form"):
                driver.send("GET", url, auth=auth)
    assert sandbox.calls == []


@pytest.mark.parametrize("argument", ["hosts", "params", "kind"])
def test_a_function_that_is_async_is_refused_by_its_name(sandbox, driver, xkit, argument):
    async def looked_up(_context):
        raise AssertionError("nobody awaits it")

    auth = driver.auth("acme", context="user-1", xkit=xkit, **{argument: looked_up})
    with pytest.raises(ConfigurationError, match=f"given as {argument}= is async") as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=auth)
    assert "ordinary function" in caught.value.hint
    assert sandbox.calls == []
