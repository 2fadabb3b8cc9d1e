"""An error says who has to change something: the application, a plugin, whoever connected, or xkit-auth itself."""

from __future__ import annotations

import pytest

from xkit_auth import Connector, Credential, Placement, Xkit, XkitAuthError, hookimpl
from xkit_auth._connector import filled_hosts
from xkit_auth._directory import Directory, hosts_for_one

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
        return ["no mapping"] if connector.slug == "broken" else None


class Unusable:
    """A plugin that cannot say what it brings."""

    @hookimpl
    def xkit_auth_connectors(self):
        raise ZeroDivisionError


def directory(slugs=None, *connectors):
    return Directory(slugs, [Brings(*connectors)] if connectors else [], http_to_loopback=False)


def policy(**arguments):
    given = {"params": {"site": "eu"}, **arguments}
    return directory(None, ACME).policy_for("acme", **given)


def written(credential, kind):
    return policy(kind=kind).write(credential, lambda: None)


APPLICATION = {
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
    assert "plugin" not in str(caught.value).lower()
    assert caught.value.hint


PLUGIN = {
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
