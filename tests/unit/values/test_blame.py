"""An error names the person who can act: what the hints of each kind say."""

from __future__ import annotations

import pickle
import re
import ssl

import pytest

pytest.importorskip("httpx")
import httpx

from xkit_auth import (
    ConfigurationError,
    Connector,
    Credential,
    Placement,
    Xkit,
    XkitAuthError,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth._account.directory import Directory, hosts_for_one
from xkit_auth._connectors.connector import filled_hosts
from xkit_auth._credentials import broker as _broker
from xkit_auth._sources import network as _network
from xkit_auth.httpx import AllOf, XkitAuth
from xkit_auth.sdk import bind, with_credential
from xkit_auth.testing import Sandbox

KINDS = {"oauth2": Placement(), "basic": Placement(basic=("{field.user}", "x")), "path": Placement(path="/bot{token}")}


ACME = Connector("acme", hosts=["api-{param.site}.acme.example"], params={"site": "label"}, kinds=KINDS)


class Brings:
    """A plugin that an application gives."""

    def __init__(self, *connectors):
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self):
        return list(self.connectors)

    @hookimpl
    def xkit_auth_format_headers(self, connector):
        if connector.slug == "lacking":
            raise ModuleNotFoundError("No module named 'signer'")
        return ["no mapping"] if connector.slug == "broken" else None


class Unusable:
    """A plugin that cannot say what it brings."""

    @hookimpl
    def xkit_auth_connectors(self):
        raise ZeroDivisionError


class Lacking:
    """A plugin that needs what is not there."""

    @hookimpl
    def xkit_auth_connectors(self):
        raise ModuleNotFoundError("No module named 'signer'")


class Unmarked:
    """A plugin that has forgotten to mark its hook."""

    def xkit_auth_connectors(self):
        return []


def directory(slugs=None, *connectors):
    return Directory(slugs, [Brings(*connectors)] if connectors else [], http_to_loopback=False)


def policy(**arguments):
    given = {"params": {"site": "eu"}, **arguments}
    return directory(None, ACME).policy_for("acme", **given)


def written(credential, kind):
    return policy(kind=kind).write(credential, lambda: None)


def made_with(**arguments):
    Xkit(**{"publishable_key": "pk", "secret_key": "sk", **arguments}).close()


def unpickled():
    auth = pickle.loads(pickle.dumps(XkitAuth("acme", context="ann", hosts=lambda _context: ["a.example"])))
    auth._hosts_for("ann")


def asked_when_closed():
    xkit = Xkit(publishable_key="pk", secret_key="sk")
    xkit.close()
    xkit.get_credential("acme", context="ann")


async def later(_context=None):
    raise AssertionError("nobody awaits it")


def sent(url="https://api.acme.example", **arguments):
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[Brings(ACME)]) as xkit:
        auth = XkitAuth("acme", **{"context": "ann", "xkit": xkit, "params": {"site": "eu"}, **arguments})
        next(auth.sync_auth_flow(httpx.Request("GET", url)))


def a_generator():
    with use_context("ann"):
        yield


def in_the_sandbox(slug):
    with Sandbox() as sandbox:
        sandbox.connect(slug, "ann")
        sandbox.xkit().directory.policy_for(slug)


def bound(target, **arguments):
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[Brings(ACME)]) as xkit:
        bind(target, "acme", context="ann", xkit=xkit, **arguments)


def decorated(function, **arguments):
    with_credential("acme", context="ann", **arguments)(function)


APPLICATION = {
    "keys that are missing": lambda: made_with(secret_key=""),
    "a key that cannot be one": lambda: made_with(publishable_key="p:k"),
    "a base URL that is none": lambda: made_with(base_url="xkit.example"),
    "a base URL without TLS": lambda: made_with(base_url="http://xkit.example"),
    "a number that is none": lambda: made_with(max_age=-1),
    "a link that is none": lambda: made_with(reconnect_url=7),
    "a link with an unknown slot": lambda: made_with(reconnect_url="https://app.example/{user}"),
    "certificates that are none": lambda: made_with(ca_file=7),
    "certificates that nobody checks": lambda: made_with(ca_file=ssl._create_unverified_context()),
    "a proxy that is none": lambda: made_with(proxy="ftp://proxy.example"),
    "a connector in the place of a plugin": lambda: made_with(plugins=[ACME]),
    "a class in the place of a plugin": lambda: made_with(plugins=[Unusable]),
    "the name of a module in the place of a plugin": lambda: made_with(plugins=["xkit_auth_slack"]),
    "nothing in the place of a plugin": lambda: made_with(plugins=[None]),
    "an object without hooks in the place of a plugin": lambda: made_with(plugins=[object()]),
    "a plugin in the place of a list": lambda: made_with(plugins=Brings(ACME)),
    "a name in the place of a list of plugins": lambda: made_with(plugins="xkit_auth_slack"),
    "a slug that cannot be one, without hosts": lambda: directory().policy_for("my slack"),
    "a slug that cannot be one, in connectors=": lambda: directory({"acme": "my slack"}).policy_for("acme"),
    "a slug that cannot be one, in a sandbox": lambda: in_the_sandbox("my slack"),
    "a context that cannot be one": lambda: sent(context=""),
    "a context that is nobody's turn": lambda: sent(context=current_context),
    "a function for the context that is async": lambda: sent(context=later),
    "a function for the hosts that is async": lambda: sent(hosts=later),
    "a function for the params that is async": lambda: sent(params=later),
    "a function for the kind that is async": lambda: sent(kind=later),
    "a function for the hosts that gives none": lambda: sent(hosts=lambda _context: []),
    "another host": lambda: sent("https://elsewhere.example"),
    "off_host that is neither": lambda: sent(off_host="ignore"),
    "an account that is none": lambda: XkitAuth("acme", context="ann", xkit="mine"),
    "an auth object that was unpickled": unpickled,
    "an account that is closed": asked_when_closed,
    "a block in a generator": lambda: next(a_generator()),
    "a class to be bound": lambda: bound(httpx.Client),
    "a function that takes no credential": lambda: decorated(lambda other: other),
    "a generator to be decorated": lambda: decorated(a_generator),
    "a class to be decorated": lambda: decorated(int),
    "argument= that is none": lambda: decorated(lambda token: token, argument=7),
    "rejected= that is none": lambda: decorated(lambda token: token, rejected=7),
    "one auth object for all of them": lambda: AllOf(httpx.BasicAuth("user", "password")),
    "a part that the credential has not": lambda: Credential({"user": "a", "other": "b"}).reveal("token"),
    "a slug that cannot be one": lambda: directory().policy_for("my slack", hosts=["api.acme.example"]),
    "slugs that are none": lambda: Xkit(publishable_key="pk", secret_key="sk", connectors={"acme": 7}),
    "hosts that are none": lambda: policy(hosts="api.acme.example"),
    "a host that is none": lambda: policy(hosts=["https://api.acme.example"]),
    "a wildcard of a function": lambda: hosts_for_one(["*.acme.example"]),
    "params that are none": lambda: policy(params="eu"),
    "a param that is missing": lambda: policy(params={}),
    "a param that is unknown": lambda: policy(params={"site": "eu", "other": "x"}),
    "a param of another form": lambda: policy(params={"site": "evil.example/"}),
    "params that make no host": lambda: filled_hosts(ACME, "oauth2", {"site": "a" * 63}),
    "a kind that is unknown": lambda: policy(kind="token"),
    "a kind that is none": lambda: policy(kind=7),
}


@pytest.mark.parametrize("mistake", APPLICATION)
def test_what_an_application_gives_is_blamed_on_no_plugin(mistake):
    with pytest.raises(XkitAuthError) as caught:
        APPLICATION[mistake]()
    said = str(caught.value).replace("Xkit(plugins=…)", "").replace("that a plugin brings", "")
    assert "plugin cannot" not in said
    assert not re.search(r"[Cc]orrect the (plugin|code)|[Ii]nstall|report|support", said)
    if "place of" not in mistake:
        assert "plugin" not in said.lower()


PLUGIN = {
    "one that has a hook without its mark": lambda: Directory(None, [Unmarked()], http_to_loopback=False),
    "one that cannot be used": lambda: Directory(None, [Unusable()], http_to_loopback=False),
    "a hook that gives nonsense": lambda: (
        directory(None, Connector("broken", hosts=["a.example"]))
        .policy_for("broken")
        .write(Credential("t"), lambda: None)
    ),
}


@pytest.mark.parametrize("mistake", PLUGIN)
def test_what_a_plugin_does_is_blamed_on_the_plugin(mistake):
    with pytest.raises(XkitAuthError, match="The plugin") as caught:
        PLUGIN[mistake]()
    assert "Correct the plugin" in caught.value.hint


LACKING = {
    "when it is looked for": lambda: Directory(None, [Lacking()], http_to_loopback=False),
    "when it is asked": lambda: (
        directory(None, Connector("lacking", hosts=["a.example"]))
        .policy_for("lacking")
        .write(Credential("t"), lambda: None)
    ),
}


@pytest.mark.parametrize("moment", LACKING)
def test_what_a_plugin_needs_is_to_be_installed(moment):
    with pytest.raises(XkitAuthError, match=r"The plugin.* ModuleNotFoundError: No module named 'signer'") as caught:
        LACKING[moment]()
    assert caught.value.hint.startswith("Install what the plugin needs.")


def test_two_plugins_are_for_the_application_to_choose_from():
    with pytest.raises(XkitAuthError, match="both claim") as caught:
        Directory(None, [Brings(ACME), Brings(ACME)], http_to_loopback=False).policy_for("acme")
    assert caught.value.hint.startswith("Take one of them away")


def test_a_connector_may_be_of_a_plugin_or_of_the_application():
    with pytest.raises(XkitAuthError, match="Connector 'acme': hosts: ") as caught:
        Connector("acme", hosts=["https://acme.example"])
    assert "a plugin, or your own" in caught.value.hint


CREDENTIAL = {
    "of other parts": (Credential("one text"), "basic"),
    "with a colon in the user": (Credential({"user": "a:b"}), "basic"),
    "with a line break when it is written": (Credential({"user": "\u20ac"}), "basic"),
    "that means a step in a path": (Credential(".."), "path"),
    "outside latin-1": (Credential("\u20ac"), "oauth2"),
}


@pytest.mark.parametrize("credential", CREDENTIAL)
def test_a_credential_of_another_kind_is_a_matter_of_what_the_user_has_connected(credential):
    with pytest.raises(XkitAuthError) as caught:
        written(*CREDENTIAL[credential])
    assert "the credential that xkit holds" in str(caught.value).lower()
    assert "connect" in caught.value.hint
    assert "kind=" in caught.value.hint
    assert "plugin" not in str(caught.value)
    assert caught.value.connector == "acme"


# What Xkit, or something in its place, answers

SOMETHING_ELSE = "base URL"


ANSWERS = {
    "keys that are refused": (401, '{"error": "unauthorized"}', "Check publishable_key= and secret_key="),
    "a user who has not connected": (404, '{"error": "not_found"}', "The user must connect first"),
    "a page that is not there": (404, "<html>Not Found</html>", SOMETHING_ELSE),
    "nothing that is not there": (404, "", SOMETHING_ELSE),
    "a gateway that knows no such path": (404, '{"message": "no Route matched with those values"}', SOMETHING_ELSE),
    "a page": (200, "<html>Sign in to the hotel's network</html>", SOMETHING_ELSE),
    "half of an answer": (200, '{"connection": {"enabled"', SOMETHING_ELSE),
    "a list": (200, "[]", SOMETHING_ELSE),
    "an answer to another question": (200, '{"status": "ok"}', SOMETHING_ELSE),
    "a status that is none of Xkit's": (418, "{}", SOMETHING_ELSE),
    "an answer about somebody else": (
        200,
        '{"connection": {"enabled": true, "context": {"external_id": "bob"}}}',
        "mixes up answers",
    ),
    "an outage": (503, "{}", "Xkit may recover by itself"),
    "a connection that is disabled": (200, '{"connection": {"enabled": false}}', "Let the user connect"),
    "an authorization that is over": (
        200,
        '{"connection": {"enabled": true, "authorization": {"status": "error"}}}',
        "Let the user connect",
    ),
    "a credential that is none": (
        200,
        '{"connection": {"enabled": true, "authorization": {"status": "active", "credential": "REDACTED"}}}',
        "let the user connect again, and tell Xkit's support",
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_a_matter_of_whoever_gave_it(answer):
    status, body, who = ANSWERS[answer]
    with Sandbox() as sandbox:
        sandbox.answer_with(body, status=status)
        with pytest.raises(XkitAuthError) as caught:
            sandbox.xkit().get_credential("acme", context="ann")
    assert who in caught.value.hint
    assert "plugin" not in str(caught.value)
    assert ("the user connect" in caught.value.hint) is ("the user connect" in who)


# What this machine lacks

MACHINE = {
    "no HTTP library": {f"xkit_auth.{library}": None for library in ("requests", "httpx", "httpx2")},
    "a library of another version": {"xkit_auth.httpx2": "cannot import name 'Client' from 'httpx2'"},
}


class Importing:
    """In the place of ``importlib``: a module that cannot be imported, and why."""

    def __init__(self, why):
        self.why = why

    def import_module(self, name):
        why = self.why.get(name)
        raise ModuleNotFoundError(name) if why is None else ImportError(why)


@pytest.mark.parametrize("lacks", MACHINE)
def test_a_library_that_this_machine_lacks_is_to_be_installed(lacks, monkeypatch):
    monkeypatch.setattr(_broker, "importlib", Importing(MACHINE[lacks]))
    with Sandbox() as sandbox, pytest.raises(ConfigurationError) as caught:
        sandbox.xkit().get_credential("acme", context="ann")
    assert "install xkit-auth[" in caught.value.hint
    assert not caught.value.retryable
    assert "report" not in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_there_are_a_matter_of_the_variable_that_names_them(variable, monkeypatch):
    for other in _network.CA_VARIABLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, "/not/there.pem")
    with Xkit(publishable_key="pk", secret_key="sk") as xkit, pytest.raises(ConfigurationError, match=variable):
        xkit.get_credential("acme", context="ann")
