"""What somebody gets wrong on the first day, and what they are told: each text names the way out."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from contextvars import ContextVar
from uuid import UUID

import pytest

pytest.importorskip("httpx")
pytest.importorskip("wrapt")

import httpx

import xkit_auth
from xkit_auth import (
    ConfigurationError,
    Connector,
    Credential,
    Failure,
    HostNotAllowed,
    Placement,
    Verdict,
    Xkit,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.httpx import AllOf, XkitAuth
from xkit_auth.sdk import bind, with_credential
from xkit_auth.testing import Answer, Sandbox, check_connector

HOSTS = ["api.acme.example"]
KEYS = {"publishable_key": "pk_example", "secret_key": "sk_example"}


def account(**arguments):
    return Xkit(**{**KEYS, **arguments})


def asked(*args, how="get_credential", **kwargs):
    with account() as xkit:
        getattr(xkit, how)(*args, **kwargs)


def awaited(*args, **kwargs):
    with account() as xkit:
        asyncio.run(xkit.aget_credential(*args, **kwargs))


def sent(url="https://api.acme.example/", connector="acme", **arguments):
    with account() as xkit:
        auth = XkitAuth(connector, **{"context": "ann", "hosts": HOSTS, "xkit": xkit, **arguments})
        next(auth.sync_auth_flow(httpx.Request("GET", url)))


def connector(**fields):
    return Connector("acme", **{"hosts": HOSTS, **fields})


def plugin(**hooks):
    """A plugin object with these hooks, given to an account."""
    account(plugins=[type("Mine", (), {name: hookimpl(hook) for name, hook in hooks.items()})()])


def in_a_sandbox(act):
    with Sandbox() as sandbox:
        act(sandbox)


def imported(name):
    exec(f"from xkit_auth import {name}", {})


async def coroutine(self, event):
    raise AssertionError("nobody awaits it")


CALLS = {
    "the user by position": (lambda: XkitAuth("slack", "ann"), "XkitAuth() takes connector by position", "context=…"),
    "no user": (lambda: XkitAuth("slack"), "XkitAuth() was called without context="),
    "no connector": (lambda: XkitAuth(context="ann"), "without connector. Its arguments: connector, context=, xkit="),
    "a user of another name": (lambda: XkitAuth("slack", user="ann"), "XkitAuth() takes no user=", "context="),
    "a misspelt argument": (lambda: XkitAuth("slack", contxt="ann"), "(did you mean context=?)"),
    "the class itself": (lambda: XkitAuth(httpx.Request("GET", "https://a.example")), "called without context="),
    "keys by position": (lambda: Xkit("pk", "sk"), "all its arguments by name: write publishable_key=…, secret_key=…"),
    "an argument that Xkit has not": (lambda: account(reconnect="https://a.example"), "(did you mean reconnect_url=?)"),
    "a user by position when asking": (lambda: asked("slack", "ann"), "get_credential() takes", "write context=…"),
    "no user when asking": (lambda: asked("slack"), "get_credential() was called without context="),
    "a user by position when awaiting": (lambda: awaited("slack", "ann"), "aget_credential() takes", "context=…"),
    "a user by position, forgotten": (lambda: asked("slack", "ann", how="forget"), "forget() takes", "context=…"),
    "a user by position, bound": (lambda: bind(httpx.Client(), "slack", "ann"), "bind() takes target and connector"),
    "a user by position, for a function": (lambda: with_credential("slack", "ann"), "with_credential() takes"),
    "a decorator without its call": (lambda: with_credential(lambda token: token), "called without context="),
    "hosts by position": (lambda: Connector("acme", HOSTS), "Connector() takes slug by position", "hosts=…"),
    "no hosts": (lambda: Connector("acme"), "Connector() was called without hosts="),
    "a header by position": (lambda: Placement({"X-Api-Key": "{token}"}), "Placement() takes all its", "header=…"),
    "a status by position": (lambda: Failure(Verdict.REFETCH, 403), "Failure() takes then by position", "status=…"),
    "an answer's status by position": (lambda: Answer(Verdict.REFETCH, 401), "Answer() takes then", "status=…"),
    "no examples": (lambda: check_connector(connector()), "check_connector() was called without answers="),
    "an argument given twice": (lambda: Connector("acme", slug="acme", hosts=HOSTS), "given an argument twice"),
    "a block with two arguments": (lambda: use_context("ann", True), "use_context() takes context by position"),
    "a connector with a colon": (lambda: Connector("acme", host="a.example"), "(did you mean hosts=?)"),
}

NAMES = {
    "an integer": (lambda: XkitAuth("slack", context=42), "not a text but int", "context=str(…)", "str(user.id)"),
    "a UUID": (lambda: XkitAuth("slack", context=UUID(int=7)), "not a text but UUID", "context=str(…)"),
    "bytes": (lambda: XkitAuth("slack", context=b"ann"), "not a text but bytes", "context=….decode()"),
    "an object": (lambda: XkitAuth("slack", context=object()), "not a text but object", "str(user.id)"),
    "nobody": (lambda: XkitAuth("slack", context=None), "The context is None", "Is anybody signed in here?"),
    "an integer for a block": (lambda: use_context(42), "not a text but int", "str(user.id)"),
    "an integer of a function": (lambda: sent(context=lambda: 42), "from the context= function", "str(user.id)"),
    "an integer when asking": (lambda: asked("slack", context=42), "not a text but int", "str(user.id)"),
    "a variable when asking": (lambda: asked("slack", context=current_context), "the user's id itself", "call that"),
    "another variable": (
        lambda: asked("slack", context=ContextVar("user")),
        "the user's id itself, and not what gives",
    ),
    "a block as a decorator": (lambda: use_context("ann")(print), "Write a with block in the function"),
    "a function for a block": (lambda: use_context(lambda: "ann"), "the user's id itself, and not what gives it"),
    "an integer, forgotten": (lambda: asked(how="forget", context=42), "not a text but int", "str(user.id)"),
    "an integer in a sandbox": (lambda: in_a_sandbox(lambda box: box.connect("slack", 42)), "str(user.id)"),
    "no block": (lambda: sent(context=current_context), "no use_context block is open here", "with use_context(…)"),
    "a variable that is not set": (lambda: sent(context=ContextVar("user")), "(from user) is not set", "user.set(…)"),
    "a function of the request": (lambda: sent(context=lambda request: "ann"), "context= cannot be", "no arguments"),
    "hosts of nobody": (lambda: sent(hosts=lambda: HOSTS), "hosts= cannot be called", "the context alone"),
    "a number as the connector": (lambda: XkitAuth(7, context="ann"), "connector is not a text but int", '"slack"'),
    "no connector at all": (lambda: XkitAuth(None, context="ann"), "connector is None", "slug in your Xkit project"),
    "the object itself": (lambda: XkitAuth(connector(), context="ann"), "but Connector", "by its slug"),
    "a URL as the connector": (lambda: sent(connector="https://slack.com"), "without spaces, slashes", "your Xkit"),
}

VALUES = {
    "hosts as a text": (lambda: XkitAuth("a", context="ann", hosts="a.example"), "list of hosts, not str", 'hosts=["'),
    "a URL as a host": (lambda: XkitAuth("a", context="u", hosts=["https://a.example/x"]), "as in 'a.example'"),
    "no hosts in the list": (lambda: XkitAuth("a", context="ann", hosts=[]), "not an empty one"),
    "a list of params": (lambda: XkitAuth("a", context="ann", params=["x"]), "mapping of texts, not list", "params={"),
    "a number as a param": (lambda: XkitAuth("a", context="ann", params={"x": 1}), "and int is in it"),
    "a number as a kind": (lambda: XkitAuth("a", context="ann", kind=7), "kind of credential, not int", "api_key"),
    "another off_host": (lambda: XkitAuth("a", context="ann", off_host="skip"), '"raise" or "bare"', "without the"),
    "the class of an account": (lambda: XkitAuth("a", context="ann", xkit=Xkit), "but the class itself", "Make one"),
    "an account as a user": (lambda: XkitAuth("a", context=account()), "an account and not a user", "as xkit="),
    "a number as an account": (lambda: XkitAuth("a", context="ann", xkit=7), "not an Xkit but int"),
    "a list of connectors": (lambda: account(connectors=["slack"]), "mapping of texts, not list", "connectors={"),
    "connectors as objects": (lambda: account(connectors={"a": connector()}), "and Connector is in it"),
    "plugins by name": (lambda: account(plugins=["xkit_auth_slack"]), "it is a text", "import the module"),
    "plugins that are numbers": (lambda: account(plugins=[42]), "this int has no hooks"),
    "a plugin without a list": (lambda: account(plugins=42), "list of plugins, not int", "plugins=[plugin]"),
    "a timeout as a text": (lambda: account(timeout="10"), "to 1,000,000,000, not str", "float(…)"),
    "no timeout": (lambda: account(timeout=None), "not None", "Leave it out"),
    "no calls at all": (lambda: account(max_calls=0), "a number from 1 to", "not 0"),
    "a link with another slot": (lambda: account(reconnect_url="https://a/{user}"), "{user}", "knows {context}"),
    "a link that is none": (lambda: account(reconnect_url=7), "a text or a function", "reconnect_url="),
    "a refused text": (lambda: asked("slack", context="ann", rejected="t"), "not a Credential but str", "the object"),
    "a credential of a number": (lambda: Credential(7), "not of int", 'Credential("…")'),
    "a list for AllOf": (lambda: AllOf([httpx.BasicAuth("a", "b")]), "was given a list", "AllOf(first, second)"),
    "a pair for AllOf": (lambda: AllOf(("a", "b"), XkitAuth("a", context="u")), "this tuple", "BasicAuth"),
    "one for AllOf": (lambda: AllOf(XkitAuth("a", context="ann")), "two auth objects or more"),
    "a name to be checked": (lambda: check_connector("acme", answers=[]), "not a Connector but str", "object itself"),
}

CONNECTORS = {
    "hosts as a text": (lambda: connector(hosts="a.example"), "hosts: it must be a list, not str", '["a.example"]'),
    "no hosts": (lambda: connector(hosts=None), "hosts: it must be a list, not None"),
    "a number as a host": (lambda: connector(hosts=[7]), "list of texts, and int is in it"),
    "a URL as a host": (lambda: connector(hosts=["https://a.example"]), "as in 'a.example'"),
    "a path behind a host": (lambda: connector(hosts=["a.example/v1"]), "without scheme and path", "as in 'a.example'"),
    "any host": (lambda: connector(hosts=["*"]), "*. in front for one label"),
    "aliases as a text": (lambda: connector(aliases="acme-two"), 'aliases=["acme-two"]'),
    "a header as a text": (lambda: connector(header="X-Api-Key"), "mapping, not str", '{"X-Api-Key": "{token}"}'),
    "a header without braces": (lambda: connector(header={"X-Api-Key": "token"}), "write {token}", "in braces"),
    "a misspelt slot": (lambda: connector(header={"X-Api-Key": "{tokn}"}), "(did you mean {token}?)"),
    "a param that nobody declares": (lambda: connector(hosts=["{param.x}.a.example"]), 'params={"x": "label"}'),
    "a list of params": (lambda: connector(params=["x"]), "mapping, not list", 'params={"subdomain": "label"}'),
    "HTTP Basic as a text": (lambda: connector(basic="{token}"), 'basic=("{token}", "")'),
    "HTTP Basic of one": (lambda: connector(basic=("{token}",)), 'basic=("{token}", "")'),
    "HTTP Basic of a number": (lambda: connector(kinds={"a": Placement(basic=7)}), "it is a pair"),
    "a kind that is a mapping": (lambda: connector(kinds={"a": {}}), "Placement(…), not with dict", "Placement("),
    "a list of kinds": (lambda: connector(kinds=["a"]), "kinds: it must be a mapping, not list", "Placement()"),
    "a list as a header": (lambda: connector(kinds={"a": Placement(header=["x"])}), "mapping, not list"),
    "hosts of a kind as a text": (lambda: connector(kinds={"a": Placement(hosts="a")}), 'hosts=["api.acme.example"]'),
    "a rule without a list": (lambda: connector(failures=Failure(Verdict.DENIED, status=403)), "failures=[Failure"),
    "a rule that is a pair": (lambda: connector(failures=[(403, "refetch")]), "Failure(Verdict.REFETCH, status=403)"),
    "a verdict that is a text": (lambda: connector(failures=[Failure("refetch", status=403)]), "Failure(Verdict"),
    "a status that is a text": (lambda: connector(failures=[Failure(Verdict.DENIED, status="403")]), "as numbers"),
    "a condition that is a text": (lambda: Failure(Verdict.REFETCH, header="location"), "mapping, not str", "header={"),
    "JSON that is a text": (lambda: Failure(Verdict.REFETCH, status=400, json="x"), "mapping, not str", "json={"),
    "a list of challenges": (lambda: Failure(Verdict.REFETCH, challenge=["x"]), "mapping, not list", "challenge={"),
    "no status": (lambda: Failure(Verdict.REFETCH, status=None), "not None", "status=[400, 403]"),
    "JSON that nobody reads": (
        lambda: connector(failures=[Failure(Verdict.REFETCH, status=400, json={"error": "x"})]),
        'inspect={400: "application/json"}',
    ),
    "a list of statuses": (lambda: connector(inspect=[200]), "mapping, not list", 'inspect={400: "application/json"}'),
    "a text as a status": (lambda: connector(inspect={"200": "application/json"}), "as a number from 200"),
}

PLUGINS = {
    "a misspelt hook": (
        lambda: plugin(xkit_auth_clasify_response=lambda self: None),
        "xkit_auth_clasify_response is not a hook of xkit-auth (did you mean xkit_auth_classify_response?)",
    ),
    "another misspelt hook": (
        lambda: plugin(xkit_auth_bindd=lambda self: None),
        "(did you mean xkit_auth_bind?)",
    ),
    "a misspelt argument": (
        lambda: plugin(xkit_auth_event=lambda self, evnt: None),
        "xkit_auth_event is given no evnt (did you mean event?); its arguments are event",
    ),
    "an async hook": (lambda: plugin(xkit_auth_event=coroutine), "ordinary functions"),
    "a hook that returns nothing": (lambda: plugin(xkit_auth_connectors=lambda self: None), "let it return a list"),
    "a hook that returns one": (lambda: plugin(xkit_auth_connectors=lambda self: connector()), "[Connector(…)]"),
}

MISTAKES = {
    f"{title}: {mistake}": told
    for title, table in (
        ("names", NAMES),
        ("values", VALUES),
        ("connectors", CONNECTORS),
        ("plugins", PLUGINS),
    )
    for mistake, told in table.items()
}


@pytest.mark.needs_all
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_the_first_day_is_answered_with_the_way_out(mistake):
    act, *words = MISTAKES[mistake]
    with pytest.raises(ConfigurationError) as caught:
        act()
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.needs_all
@pytest.mark.parametrize("mistake", CALLS)
def test_a_call_with_wrong_arguments_is_answered_with_how_to_write_it(mistake):
    act, *words = CALLS[mistake]
    with pytest.raises(TypeError) as caught:
        act()
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert "__init__" not in str(caught.value)
    assert "BaseAuth" not in str(caught.value)


def test_there_are_a_hundred_mistakes():
    assert len(MISTAKES) + len(CALLS) + len(IMPORTS) >= 100


def test_what_goes_wrong_inside_of_a_call_keeps_its_own_text():
    def broken():
        raise TypeError("of the application")

    with pytest.raises(TypeError, match="of the application"):
        sent(context=broken)
    with pytest.raises(TypeError, match="not iterable"):
        check_connector(connector(), answers=7)


def test_a_key_is_in_no_frame_of_a_call_that_was_wrong():
    with pytest.raises(TypeError) as caught:
        Xkit(publishable_key="pk", secret_key="sk_live_Bn6vCx3zLk9jHg", reconnect="https://a.example")
    trace = caught.value.__traceback__.tb_next
    assert trace is not None
    while trace is not None:
        assert "sk_live" not in repr(trace.tb_frame.f_locals)
        trace = trace.tb_next


def test_another_host_is_answered_with_those_that_are_allowed():
    with pytest.raises(HostNotAllowed, match=r"Allowed are api\.acme\.example"):
        sent("https://elsewhere.example/")


def test_current_context_read_without_a_block_names_use_context():
    with pytest.raises(LookupError, match="use_context"):
        current_context.get()


# Imports

IMPORTS = {
    "XkitAuth": "import it from xkit_auth.requests, xkit_auth.httpx or xkit_auth.httpx2",
    "AllOf": "import it from xkit_auth.requests, xkit_auth.httpx or xkit_auth.httpx2",
    "AfterAuth": "import it from xkit_auth.httpx or xkit_auth.httpx2",
    "NoAuth": "import it from xkit_auth.requests",
    "bind": "import it from xkit_auth.sdk",
    "with_credential": "import it from xkit_auth.sdk",
    "Sandbox": "import it from xkit_auth.testing",
    "check_connector": "import it from xkit_auth.testing",
    "NotConected": "(did you mean NotConnected?)",
    "xkit": "(did you mean Xkit?)",
}


@pytest.mark.parametrize("name", IMPORTS)
def test_a_name_that_is_elsewhere_is_answered_with_where_it_is(name):
    with pytest.raises(ImportError) as caught:
        imported(name)
    assert IMPORTS[name] in str(caught.value)
    with pytest.raises(AttributeError) as as_attribute:
        getattr(xkit_auth, name)
    assert str(as_attribute.value) == str(caught.value)
    assert not hasattr(xkit_auth, name)


def test_modules_can_still_be_imported_from_the_package():
    code = "from xkit_auth import plugins, hookspecs, testing; print(plugins.__name__, testing.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["xkit_auth.plugins", "xkit_auth.testing"]


def without(monkeypatch, module, *missing):
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr(xkit_auth, module.partition(".")[2], raising=False)
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    return importlib.import_module(module)


@pytest.mark.parametrize(
    ("library", "missing"),
    [("requests", "requests.auth"), ("httpx", "httpx"), ("httpx", "httpcore"), ("httpx2", "httpx2")],
)
def test_a_client_that_is_not_installed_is_answered_with_its_extra(monkeypatch, library, missing):
    with pytest.raises(ModuleNotFoundError) as caught:
        without(monkeypatch, f"xkit_auth.{library}", missing, missing.partition(".")[0])
    needs = f"xkit_auth.{library} needs {library}, which is not installed: install xkit-auth[{library}], from where"
    assert str(caught.value).startswith(needs)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_who_looks_for_the_switch_of_requests_beside_another_client_hears_what_is_used_there(library):
    module = pytest.importorskip(f"xkit_auth.{library}")
    with pytest.raises(ImportError, match=rf"xkit_auth\.{library} has no NoAuth, .* auth=None switches"):
        exec(f"from xkit_auth.{library} import NoAuth", {})
    assert not hasattr(module, "NoAuthAtAll")


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_an_account_in_the_place_of_an_auth_object_is_answered_with_how_to_make_one(library):
    client = pytest.importorskip(library)
    with (
        Xkit(publishable_key="pk", secret_key="sk") as xkit,
        pytest.raises(ConfigurationError, match=r"not an auth object") as caught,
    ):
        client.get("https://slack.com/api/auth.test", auth=xkit)
    assert "xkit=…" in caught.value.hint


@pytest.mark.needs_all
def test_what_a_client_itself_lacks_is_said_in_its_own_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "h11", None)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("httpcore", "httpx")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match="h11"):
        without(monkeypatch, "xkit_auth.httpx")
