"""What ``sandbox.xkit()`` gives: a true ``Xkit``, whose connectors have their hosts in the sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("httpx")

import httpx

import xkit_auth.plugins
from xkit_auth import (
    ANY,
    ConfigurationError,
    Connector,
    Credential,
    HostNotAllowed,
    NotConnected,
    Placement,
    Xkit,
    hookimpl,
)
from xkit_auth.httpx import XkitAuth
from xkit_auth.testing import Sandbox


class Installed:
    """An installed plugin, as its entry point shows it."""

    dist = None

    def __init__(self, name: str, plugin: object) -> None:
        self.name = name
        self.load = lambda: plugin


class Brings:
    """A plugin that brings connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> tuple[Connector, ...]:
        return self.connectors


class Signs(Brings):
    """A plugin that computes its connector's header."""

    @hookimpl
    def xkit_auth_format_headers(self, credential: Credential) -> dict[str, str]:
        return {"X-Signed": f"signed {credential.reveal()}"}


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these plugins, and no others, be installed."""

    def as_if(**plugins: object) -> None:
        def entry_points(group: str) -> list[Installed]:
            assert group == "xkit_auth"
            return [Installed(name, plugin) for name, plugin in plugins.items()]

        monkeypatch.setattr(xkit_auth.plugins, "entry_points", entry_points)

    as_if(slack=Brings(Connector("slack", hosts=["slack.com"])))
    return as_if


@pytest.mark.usefixtures("install")
class TestTheClientOfASandbox:
    def test_it_is_an_xkit_of_this_sandbox(self, sandbox: Sandbox) -> None:
        token = sandbox.connect("slack", "ann")
        xkit = sandbox.xkit(timeout=5, max_age=0)
        assert type(xkit) is Xkit
        assert xkit.get_credential("slack", context="ann").reveal() == token
        assert sandbox.call_count("slack", "ann") == 1
        with pytest.raises(NotConnected):
            xkit.get_credential("slack", context="bob")

    def test_it_is_closed_with_the_sandbox(self) -> None:
        with Sandbox() as sandbox:
            xkit = sandbox.xkit()
        with pytest.raises(ConfigurationError, match="closed"):
            xkit.get_credential("slack", context="ann")

    def test_it_needs_a_sandbox_that_runs(self) -> None:
        with pytest.raises(RuntimeError, match="not running"):
            Sandbox().xkit()

    def test_an_installed_connector_has_its_host_in_the_sandbox(self, sandbox: Sandbox, http: httpx.Client) -> None:
        auth = XkitAuth("slack", context="ann", xkit=sandbox.xkit())
        sandbox.connect("slack", "ann")
        assert http.get(f"{sandbox.slack_url}/api/auth.test", auth=auth).json()["user"] == "ann"
        for url in ("https://slack.com/api/auth.test", sandbox.elsewhere_url, sandbox.github_url):
            with pytest.raises(HostNotAllowed, match=r"sandbox\.stand_in\(\)"):
                http.get(url, auth=auth)
        assert sandbox.arrivals("elsewhere") == []

    def test_slack_and_github_need_their_plugins(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("github", "ann")
        with pytest.raises(ConfigurationError, match="No plugin knows this connector"):
            http.get(f"{sandbox.github_url}/user", auth=XkitAuth("github", context="ann", xkit=sandbox.xkit()))

    def test_a_connector_that_no_plugin_knows_needs_hosts_as_in_production(
        self, sandbox: Sandbox, http: httpx.Client
    ) -> None:
        xkit = sandbox.xkit()
        sandbox.connect("notion", "ann")
        url = sandbox.provider_url("notion")
        auth = XkitAuth("notion", context="ann", xkit=xkit, hosts=["api.notion.com"])
        assert http.get(url, auth=auth).status_code == 200
        for unknown, at in (("notion", url), ("misspelt", sandbox.elsewhere_url)):
            with pytest.raises(ConfigurationError, match="No plugin knows this connector"):
                http.get(at, auth=XkitAuth(unknown, context="ann", xkit=xkit))

    def test_an_expired_credential_is_replaced_on_the_way(self, sandbox: Sandbox, http: httpx.Client) -> None:
        old = sandbox.connect("notion", "ann")
        auth = XkitAuth("notion", context="ann", xkit=sandbox.xkit(), hosts=["api.notion.com"])
        url = f"{sandbox.provider_url('notion')}/v1/pages"
        assert http.post(url, auth=auth, content=b"1").status_code == 200
        sandbox.expire("notion", "ann")
        assert http.post(url, auth=auth, content=b"2").status_code == 200
        new = sandbox.credential("notion", "ann")
        arrivals = [(one.headers["authorization"], one.body, one.status) for one in sandbox.arrivals("notion")]
        assert arrivals == [
            (f"Bearer {old}", b"1", 200),
            (f"Bearer {old}", b"2", 401),
            (f"Bearer {new}", b"2", 200),
        ]

    def test_an_added_connector_puts_its_credential_where_it_says(self, sandbox: Sandbox, http: httpx.Client) -> None:
        kinds = {
            "api_key": Placement(header={"X-Key": "key {field.key}", "X-Email": "{field.email}"}),
            "basic": Placement(basic=("{field.email}", "{field.key}")),
        }
        sandbox.add_connector(Connector("crm", aliases=["crm-eu"], hosts=["crm.example"], kinds=kinds))
        sandbox.connect("crm", "ann", credential={"email": "ann@acme.example", "key": "k-1"})
        sandbox.connect("crm-eu", "bob", credential={"email": "bob@acme.example", "key": "k-10"})
        xkit, url = sandbox.xkit(), sandbox.provider_url("crm")
        assert url == sandbox.provider_url("crm-eu")
        for slug, context in (("crm", "ann"), ("crm-eu", "bob")):
            for kind in kinds:
                auth = XkitAuth(slug, context=context, kind=kind, xkit=xkit)
                assert http.get(url, auth=auth).status_code == 200
        assert sandbox.arrivals("crm-eu")[0].headers["x-key"] == "key k-1"
        for headers in ({"X-Key": "k-1"}, {"Authorization": "Basic k-1"}, {"X-Key": "none"}):
            assert http.get(url, headers=headers).status_code == 401

    def test_of_two_credentials_the_longer_one_is_meant(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.add_connector(Connector("crm", hosts=[], header={"X-Key": "{token}"}))
        sandbox.connect("crm", "ann", credential="k-1")
        sandbox.connect("crm", "bob", credential="k-10")
        sandbox.revoke("crm", "bob")
        url = sandbox.provider_url("crm")
        assert [http.get(url, headers={"X-Key": key}).status_code for key in ("k-1", "k-10")] == [200, 401]

    def test_a_project_may_have_its_own_slugs(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("our-slack", "ann")
        xkit = sandbox.xkit(connectors={"our-slack": "slack", "our-crm": "crm"})
        auth = XkitAuth("our-slack", context="ann", xkit=xkit)
        assert http.get(f"{sandbox.slack_url}/api/auth.test", auth=auth).json()["user"] == "ann"
        assert sandbox.provider_url("our-slack") == sandbox.slack_url
        assert len(sandbox.arrivals("our-slack")) == 1

    def test_the_host_tells_the_connector(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.add_connector(Connector("notion", hosts=["api.notion.com"]))
        sandbox.connect("slack", "ann")
        sandbox.connect("notion", "ann")
        auth = XkitAuth(ANY, context="ann", xkit=sandbox.xkit())
        assert http.get(f"{sandbox.slack_url}/api/auth.test", auth=auth).json()["ok"]
        assert http.get(sandbox.provider_url("notion"), auth=auth).status_code == 200

    def test_a_plugin_of_the_tests_own_is_moved_in_too_and_its_hooks_are_asked(
        self, sandbox: Sandbox, http: httpx.Client
    ) -> None:
        sandbox.connect("acme", "ann", credential="k-1")
        mine = Signs(Connector("acme", hosts=["api.acme.example"]))
        auth = XkitAuth("acme", context="ann", xkit=sandbox.xkit(plugins=[mine]))
        assert http.get(sandbox.provider_url("acme"), auth=auth).status_code == 200
        assert sandbox.arrivals("acme")[0].headers["x-signed"] == "signed k-1"

    def test_the_hooks_of_an_installed_plugin_are_asked_for_its_connector_alone(
        self, sandbox: Sandbox, http: httpx.Client, install: Callable[..., None]
    ) -> None:
        acme, notion = (Connector(slug, hosts=["api.acme.example"]) for slug in ("acme", "notion"))
        install(acme=Signs(acme), notion=Brings(notion))
        xkit = sandbox.xkit()
        for slug in ("acme", "notion"):
            sandbox.connect(slug, "ann")
            assert (
                http.get(sandbox.provider_url(slug), auth=XkitAuth(slug, context="ann", xkit=xkit)).status_code == 200
            )
        assert "x-signed" in sandbox.arrivals("acme")[0].headers
        assert "x-signed" not in sandbox.arrivals("notion")[0].headers

    def test_a_slug_that_two_plugins_claim_is_refused_when_it_is_used(
        self, sandbox: Sandbox, http: httpx.Client, install: Callable[..., None]
    ) -> None:
        install(one=Brings(Connector("acme", hosts=["a.example"])), two=Brings(Connector("acme", hosts=["b.example"])))
        xkit = sandbox.xkit(connectors={"our-acme": "acme"})
        with pytest.raises(ConfigurationError, match="one and two both claim"):
            http.get(sandbox.elsewhere_url, auth=XkitAuth("our-acme", context="ann", xkit=xkit))
