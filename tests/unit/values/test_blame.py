"""An error says who has to change something: the application, a plugin, whoever connected, or xkit-auth itself."""

from __future__ import annotations

import ast
import pickle
import re
import ssl
from pathlib import Path

import pytest

pytest.importorskip("httpx")

import httpx

import xkit_auth
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


# All of them

WHO = {
    "the application": """
        AfterAuth takes a function
        AllOf cannot take this {}
        AllOf takes two auth objects or more
        Failure({}=…) must be a mapping, not {}
        Failure(status=…) must be an HTTP status or several, not {}
        A Credential is made of a text or a mapping of texts, not of {}
        What was given as the connector looks like a key or a token
        AllOf was given a {}
        AllOf was given more than one XkitAuth
        A credential in the URL cannot be given to this SDK
        A use_context block was left {}
        bind() was given {} itself
        handle_webhook() was given {}, and not the body of a request as bytes or text
        context= is an Xkit, which is an account and not a user
        hosts= must be a list of hosts{}
        hosts=: {}
        kind= must be the name of a kind of credential{}
        No {} for Xkit
        No plugin knows this connector
        Nobody knows a connector of this name, so that nothing would be forgotten
        Nobody knows how to bind an object of the class {}.{}
        off_host= must be "raise" or "bare"
        params= must be a mapping of texts{}
        params= makes something of the connector's hosts that is none: {}
        rejected= is not a Credential but {}
        rejected= is a class of exceptions, several, or a function, not an async one, that says so of one
        Calls to Xkit cannot be made: SSLKEYLOGFILE names a file that cannot be written ({})
        The URL is of another origin and has the credential in it
        Xkit was not asked: {}, and would see the keys, or answer in Xkit's place
        The base URL of Xkit's Platform API ({}) is not https
        The base URL of Xkit's Platform API cannot be used
        The connector has no credential of kind {}
        The connector has no hosts of its own
        The connector puts the credential into the URL, where logs show it
        The connector's slug {} cannot be used: {}
        The connectors {} all serve this URL
        The context (from {}) is not set here
        The context (from {}) is None: no use_context block is open here
        The decorated function returned a generator or something to be awaited, which could not be done again
        The function given as hosts= returned a wildcard: {}
        The function given as rejected= raised {}
        The function given as {}= cannot be called as it is
        The function given as {}= is async
        The generator {} must not hold a use_context block: between two of its steps, others would be served as…
        The param {} is not of the form that the connector allows
        The param {} {}
        The use_context block that is set here {}: nobody knows whose turn it is
        The {} for Xkit cannot be used: {}
        The {} {}
        This Xkit is closed
        This Xkit was closed while the call waited for its turn
        use_context is no decorator
        An Xkit is an account, and not an auth object
        This XkitAuth is for requests, and was given to another library
        This XkitAuth was given to a session that is {}, whose responses it cannot examine in time
        This auth object was unpickled and has lost its {}=
        This {} is bound already
        This {} is bound already, or is a copy of one that was
        This {} is for {}, and was given to another library
        {} is in use while a sandbox stands in for {}, where nothing is encrypted
        Two Xkit accounts are in use, and nothing says which one is meant
        What is to be checked is not a Connector but {}
        What Xkit(plugins=…) was given is no plugin: {}
        What was asked for is {}, but the credential that Xkit holds {}
        Xkit(connectors=…) must be a mapping of texts{}
        Xkit(plugins=…) must be a list of plugins{}
        Xkit(reconnect_url=…) must be a text or a function
        {}: {}
        Xkit({}=…) must be a number from {} to {}, not {}
        argument= is neither the name of an argument nor a mapping of arguments to parts of the credential
        with_credential decorates a function
        xkit= is not an Xkit but {}
        {} does not allow that its {} is set, so that bind() cannot put anything there
        {} has no argument {} that can be passed by its name
        {} is a generator: a part of what it gives may be used when its credential is turned down
        {} is in use while a sandbox stands in for {}, where nothing is encrypted
        {} may not receive the credential
        {} must be a path or an ssl.SSLContext
        {} names another host than the URL: the credential would be received there
        {} was given an ssl.SSLContext that lets anybody pass as Xkit
        """,
    "a plugin": """
        Connector {}: {}: {}
        The plugin {} cannot be used: {}
        The plugin's xkit_auth_bind {}
        The plugin's xkit_auth_classify_exception {}
        The plugin's {} {}
        The plugins {} both claim the connector {}
        Xkit was to be asked from inside a call to Xkit
        {} has no method {}, which bind() would wrap
        """,
    "this machine": """
        Asking Xkit broke off with {}
        No HTTP library is installed to call Xkit with
        The certificates for calls to Xkit cannot be used: {} names {}, {}
        The proxy for calls to Xkit cannot be read ({})
        Xkit could not be asked
        Xkit could not be asked: an answer did not end in time
        Xkit could not be asked: no thread could be started
        Xkit could not be asked: the certificate of {} is not trusted (CERTIFICATE_VERIFY_FAILED: {})
        Xkit could not be asked: the proxy refused our user name and password with HTTP 407 ({})
        {} cannot be imported to call Xkit with: {}
        {} names a SOCKS proxy for calls to Xkit, for which the package {} is missing
        """,
    "Xkit": """
        Xkit answered with HTTP {}, which is not part of its contract
        Xkit asks us to slow down with HTTP 429
        Xkit failed with HTTP {}
        Xkit has asked us to slow down, and was not asked
        Xkit refused our API keys with HTTP {}
        Xkit's answer cannot be used: {}
        """,
    "the user": """
        The credential that Xkit holds cannot be sent {}
        The provider has revoked the authorization, and Xkit has no newer one
        The user has not connected this connector, or has disabled it
        The user is still connecting (status {})
        The user must connect again ({})
        Xkit knows no such connection
        """,
    "xkit-auth": """
        Asking Xkit failed with {}
        """,
}


_LONGEST = 103


def errors_in_the_code():
    """What each error of ours says, and its hint, as far as that is written where it is made."""
    package = Path(xkit_auth.__file__).parent
    kinds = {
        name for name, value in vars(xkit_auth).items() if isinstance(value, type) and issubclass(value, Exception)
    }
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
                what = skeleton(node.args[0], path)
                yield (
                    what if len(what) <= _LONGEST else what[:_LONGEST] + "…",
                    *(skeleton(hint, path) for hint in hints),
                )


def skeleton(node, path):
    """A text of the code, with ``{}`` for each value in it."""
    match node:
        case ast.Constant():
            return node.value.replace("{", "{{").replace("}", "}}")
        case ast.JoinedStr():
            return "".join(skeleton(part, path) for part in node.values)
        case ast.Name() if node.id in ("what", "problem"):  # made a few lines above
            values = [
                each.value
                for each in ast.walk(ast.parse(path.read_text()))
                if isinstance(each, ast.Assign)
                and ast.unparse(each.targets[0]) == node.id
                and each.lineno < node.lineno
            ]
            return skeleton(values[-1], path)
        case _:
            return "{}"


def test_of_every_error_in_the_code_it_is_known_who_has_to_change_something():
    assert {what for what, *_ in errors_in_the_code()} == {
        line.strip() for lines in WHO.values() for line in lines.strip().splitlines()
    }


def test_no_hint_blames_anybody_else():
    blamed = {line.strip(): who for who, lines in WHO.items() for line in lines.strip().splitlines()}
    for what, *hints in errors_in_the_code():
        who, said = blamed[what], " ".join((what, *hints))
        assert ("Correct the plugin" in said) <= (who == "a plugin"), what
        assert ("please report it" in said) is (who == "xkit-auth"), what
        assert ("plugin" in said) or who != "a plugin", what
        assert ("connect" in said.lower()) or who != "the user", what
        assert not (who in ("Xkit", "the user", "this machine") and "plugin" in said), what
