"""The sandbox in place of production: code for real hosts runs against it as it is, and nothing is easier there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

pytest.importorskip("httpx")
pytest.importorskip("httpx2")
pytest.importorskip("requests")

import httpcore
import httpx
import httpx2
import requests

import xkit_auth.httpx
import xkit_auth.httpx2
import xkit_auth.requests
from xkit_auth import (
    ANY,
    ConfigurationError,
    Connector,
    HostNotAllowed,
    NotConnected,
    RequestView,
    ResponseView,
    Verdict,
    Xkit,
    XkitAuthError,
    hookimpl,
)
from xkit_auth._connectors.connector import judged_by_rules
from xkit_auth.plugins import installed_connectors
from xkit_auth.testing import Sandbox, _stand_in

Get = Callable[..., Any]


def with_requests(url: str, connector: Any, **arguments: Any) -> Any:
    return requests.get(url, auth=xkit_auth.requests.XkitAuth(connector, **arguments), timeout=30)


def with_httpx(url: str, connector: Any, **arguments: Any) -> Any:
    return httpx.get(url, auth=xkit_auth.httpx.XkitAuth(connector, **arguments), timeout=30)


def with_httpx2(url: str, connector: Any, **arguments: Any) -> Any:
    return httpx2.get(url, auth=xkit_auth.httpx2.XkitAuth(connector, **arguments), timeout=30)


async def _get_in_a_task(library: Any, auth: Any, url: str) -> Any:
    async with library.AsyncClient(timeout=30) as client:
        return await client.get(url, auth=auth)


def with_async_httpx(url: str, connector: Any, **arguments: Any) -> Any:
    return asyncio.run(_get_in_a_task(httpx, xkit_auth.httpx.XkitAuth(connector, **arguments), url))


def with_async_httpx2(url: str, connector: Any, **arguments: Any) -> Any:
    return asyncio.run(_get_in_a_task(httpx2, xkit_auth.httpx2.XkitAuth(connector, **arguments), url))


def with_trio(url: str, connector: Any, **arguments: Any) -> Any:
    trio = pytest.importorskip("trio")
    return trio.run(_get_in_a_task, httpx, xkit_auth.httpx.XkitAuth(connector, **arguments), url)


CLIENTS = [with_requests, with_httpx, with_httpx2, with_async_httpx, with_async_httpx2, with_trio]


def said_by(xkit: Xkit, slug: str) -> str:
    """What an ``Xkit`` says of a connector that is used without anything else."""
    try:
        xkit.directory.policy_for(slug)
    except XkitAuthError as error:
        return str(error)
    return ""


class Brings:
    """A plugin of these connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> tuple[Connector, ...]:
        return self.connectors


needs_plugins = pytest.mark.skipif(
    not {"slack", "github", "salesforce"} <= set(installed_connectors()), reason="needs the plugins of this repository"
)


@pytest.fixture
def production(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox that stands in."""
    with sandbox.stand_in():
        yield sandbox


@needs_plugins
@pytest.mark.parametrize("get", CLIENTS)
class TestOnEveryClient:
    def test_code_with_real_hosts_runs_as_it_is(self, get: Get, production: Sandbox) -> None:
        production.connect("slack", "ann")
        answer = get("https://slack.com/api/auth.test", "slack", context="ann")
        assert answer.json()["user"] == "ann"
        assert str(answer.url) == "https://slack.com/api/auth.test"
        assert [each.path for each in production.arrivals("slack")] == ["/api/auth.test"]

    def test_a_refused_credential_is_replaced(self, get: Get, production: Sandbox) -> None:
        production.connect("github", "ann")
        get("https://api.github.com/user", "github", context="ann")
        production.rotate("github", "ann")
        assert get("https://api.github.com/user", "github", context="ann").json()["login"] == "ann"
        assert [each.status for each in production.arrivals("github")] == [200, 401, 200]

    def test_hosts_that_the_code_names_are_led_too(self, get: Get, production: Sandbox) -> None:
        production.connect("acme", "ann")
        production.connect("github", "ann")
        hosts = ["api.acme.example", "files.acme.example:8443"]
        for url in ("https://api.acme.example/v1", "https://files.acme.example:8443/v1"):
            assert get(url, "acme", context="ann", hosts=hosts).status_code == 200
        answer = get("https://github.acme.example/user", "github", context="ann", hosts=["github.acme.example"])
        assert answer.json()["login"] == "ann"

    def test_a_connector_that_needs_params_needs_them(self, get: Get, production: Sandbox) -> None:
        production.connect("salesforce", "ann")
        url = "https://acme.my.salesforce.com/services/data"
        with pytest.raises(ConfigurationError, match="The param 'host' is missing"):
            get(url, "salesforce", context="ann")
        params = {"host": "acme.my.salesforce.com"}
        assert get(url, "salesforce", context="ann", params=params).status_code == 200
        with pytest.raises(HostNotAllowed):
            get(url, "salesforce", context="ann", params={"host": "other.my.salesforce.com"})

    def test_a_header_of_its_own_reaches_the_real_host(self, get: Get, production: Sandbox) -> None:
        keys = Brings(Connector("keys", hosts=["api.keys.example"], header={"X-Key": "{token}"}))
        token = production.connect("keys", "ann")
        xkit = Xkit(plugins=[keys])
        assert get("https://api.keys.example/", "keys", context="ann", xkit=xkit).status_code == 200
        assert production.arrivals("keys")[0].headers["x-key"] == token

    def test_what_is_refused_in_production_is_refused(self, get: Get, production: Sandbox) -> None:
        production.connect("acme", "ann")
        with pytest.raises(ConfigurationError, match="No plugin knows"):
            get("https://api.acme.example/", "acme", context="ann")
        for url in ("http://slack.com/api/auth.test", f"{production.slack_url}/api/auth.test", "https://slack.example"):
            with pytest.raises(HostNotAllowed):
                get(url, "slack", context="ann")
        assert production.calls == []


@needs_plugins
class TestWhileItStandsIn:
    def test_of_several_connectors_on_a_host_the_credentials_own_is_meant(self, production: Sandbox) -> None:
        two = Brings(*(Connector(slug, hosts=["api.two.example"]) for slug in ("one", "two")))
        xkit = Xkit(plugins=[two])
        for slug in ("one", "two"):
            production.connect(slug, "ann")
            assert with_httpx("https://api.two.example/", slug, context="ann", xkit=xkit).status_code == 200
            assert len(production.arrivals(slug)) == 1

    def test_aliases_and_the_slugs_of_a_project_lead_to_the_connector(self, production: Sandbox) -> None:
        xkit = Xkit(connectors={"our-slack": "slack"})
        production.connect("our-slack", "ann")
        production.connect("github-oauth", "ann")
        assert with_httpx("https://slack.com/api/auth.test", "our-slack", context="ann", xkit=xkit).json()["ok"]
        assert with_httpx("https://api.github.com/user", "github-oauth", context="ann").status_code == 200

    def test_the_host_may_choose_the_connector(self, production: Sandbox) -> None:
        production.connect("slack", "ann")
        assert with_httpx("https://slack.com/api/auth.test", ANY, context="ann").json()["user"] == "ann"

    def test_a_request_without_credential_is_led_and_refused(self, production: Sandbox) -> None:
        assert httpx.get("https://slack.com/api/auth.test", timeout=30).json()["error"] == "not_authed"
        assert requests.get("https://acme.my.salesforce.com/x", timeout=30).status_code == 401
        with urllib.request.urlopen("https://slack.com/api/auth.test") as answer:
            assert b"not_authed" in answer.read()

    def test_a_client_of_the_sandbox_may_use_both_urls(self, production: Sandbox) -> None:
        production.connect("slack", "ann")
        xkit = production.xkit()
        for url in ("https://slack.com", production.slack_url):
            assert with_httpx(f"{url}/api/auth.test", "slack", context="ann", xkit=xkit).json()["ok"]

    def test_other_hosts_are_left_alone(self, production: Sandbox) -> None:
        with pytest.raises(httpx.ConnectError):
            httpx.get("https://nobody.invalid/", timeout=30)
        with pytest.raises(requests.ConnectionError):
            requests.get("https://nobody.invalid/", timeout=30)
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen("https://nobody.invalid/", timeout=30)

    @pytest.mark.anyio
    async def test_other_hosts_are_left_alone_in_tasks_too(self, production: Sandbox) -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("https://nobody.invalid/")

    def test_what_the_libraries_lack_is_not_replaced(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(httpcore, "SOCKSProxy", type("SOCKSProxy", (), {}))
        monkeypatch.setattr(httpcore, "TrioBackend", type("TrioBackend", (), {}), raising=False)
        monkeypatch.setattr(_stand_in, "find_spec", lambda name: None if name == "urllib3" else find_spec(name))
        sandbox.connect("slack", "ann")
        with sandbox.stand_in():
            assert with_httpx("https://slack.com/api/auth.test", "slack", context="ann").json()["ok"]

    def test_a_proxy_that_the_code_names_is_asked_for_other_hosts(self, production: Sandbox) -> None:
        with httpx.Client(proxy="http://proxy.invalid:3128") as client, pytest.raises(httpx.ConnectError):
            client.get("https://nobody.invalid/")

    def test_a_host_of_no_connector_says_so(self, production: Sandbox) -> None:
        answer = httpx.get("https://slack.com/", headers={"host": "nobody.invalid"}, timeout=30)
        assert answer.status_code == 421
        assert "nobody.invalid" in answer.json()["error"]["message"]

    def test_a_variable_that_was_set_before_is_set_afterwards(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XKIT_BASE_URL", "https://xkit.example/api/platform")
        with sandbox.stand_in():
            assert os.environ["XKIT_BASE_URL"] == sandbox.base_url
        assert os.environ["XKIT_BASE_URL"] == "https://xkit.example/api/platform"

    def test_a_proxy_of_the_environment_is_passed_by(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
        sandbox.connect("slack", "ann")
        with sandbox.stand_in():
            for get in (with_requests, with_httpx):
                assert get("https://slack.com/api/auth.test", "slack", context="ann").json()["ok"]

    def test_a_proxy_that_the_code_names_is_passed_by(self, production: Sandbox) -> None:
        proxy, url = "http://proxy.invalid:3128", "https://slack.com/api/auth.test"
        production.connect("slack", "ann")
        with Xkit() as xkit:
            for library, auth_type in ((httpx, xkit_auth.httpx.XkitAuth), (httpx2, xkit_auth.httpx2.XkitAuth)):
                with library.Client(proxy=proxy) as client:
                    assert client.get(url, auth=auth_type("slack", context="ann", xkit=xkit)).json()["ok"]
            through = requests.get(
                url,
                proxies={"https": proxy},
                timeout=30,
                auth=xkit_auth.requests.XkitAuth("slack", context="ann", xkit=xkit),
            )
            assert through.json()["ok"]

    def test_no_real_credential_is_led_anywhere(self, production: Sandbox) -> None:
        with Xkit(publishable_key="pk", secret_key="sk", base_url="https://app.xkit.co/api/platform"):
            for client in (requests, httpx, httpx2):
                with pytest.raises(ConfigurationError, match=r"in use while a sandbox stands in for slack\.com"):
                    client.get("https://slack.com/api/auth.test")
        assert production.arrivals("slack") == []
        assert httpx.get("https://slack.com/api/auth.test", timeout=30).status_code == 200

    def test_an_xkit_that_nobody_has_any_more_is_no_obstacle(self, production: Sandbox) -> None:
        lost = Xkit(publishable_key="pk", secret_key="sk", base_url="https://app.xkit.co/api/platform")
        lost.itself = lost  # type: ignore[attr-defined]
        del lost
        assert requests.get("https://slack.com/api/auth.test", timeout=30).status_code == 200

    def test_threads_are_led_too(self, production: Sandbox) -> None:
        production.connect("slack", "ann")
        found: list[Any] = []
        url = "https://slack.com/api/auth.test"
        threads = [
            threading.Thread(target=lambda: found.append(with_requests(url, "slack", context="ann").json()["ok"]))
            for _ in range(8)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert found == [True] * 8

    def test_its_end_leaves_everything_as_it_was(self, sandbox: Sandbox) -> None:
        import http.client

        import httpcore
        import urllib3.connection

        places = [
            (httpcore.SyncBackend, "connect_tcp"),
            (httpcore.AnyIOBackend, "connect_tcp"),
            (urllib3.connection.HTTPSConnection, "connect"),
            (http.client.HTTPSConnection, "connect"),
        ]
        before, environment = [vars(owner)[name] for owner, name in places], dict(os.environ)
        with sandbox.stand_in():
            assert {name: os.environ[name] for name in sandbox.environ} == sandbox.environ
            default = Xkit.default()
        assert [vars(owner)[name] for owner, name in places] == before
        assert dict(os.environ) == environment
        with pytest.raises(ConfigurationError, match="closed"):
            default.get_credential("slack", context="ann")

    def test_one_sandbox_stands_in_at_a_time(self, production: Sandbox) -> None:
        with pytest.raises(RuntimeError, match="already"), production.stand_in():
            pass  # pragma: no cover
        with pytest.raises(RuntimeError, match="not running"), Sandbox().stand_in():
            pass  # pragma: no cover

    def test_the_next_sandbox_has_another_default(self) -> None:
        for name in ("ann", "bob"):
            with Sandbox() as sandbox, sandbox.stand_in():
                sandbox.connect("slack", name)
                answer = with_httpx("https://slack.com/api/auth.test", "slack", context=name)
                assert answer.json()["user"] == name

    def test_the_keys_may_be_those_that_the_code_brings(self) -> None:
        keys = {"publishable_key": "pk_of_our_tests", "secret_key": "sk_of_our_tests"}
        with Sandbox(**keys) as sandbox, sandbox.stand_in(), Xkit(**keys) as xkit:
            sandbox.connect("slack", "ann")
            assert xkit.get_credential("slack", context="ann")


class TestNothingIsEasierThanInProduction:
    """What a real ``Xkit`` says of a connector, the client of a sandbox says, too, in the same words."""

    def test_each_connector_wants_what_it_wants_elsewhere(self, sandbox: Sandbox, http: httpx.Client) -> None:
        slugs = sorted(installed_connectors())
        here = sandbox.xkit()
        with Xkit(publishable_key="pk", secret_key="sk") as real:
            wanted = {slug: said_by(real, slug) for slug in slugs}
        assert {slug: said_by(here, slug) for slug in slugs} == wanted
        for slug in (slug for slug in slugs if wanted[slug]):
            sandbox.connect(slug, "ann")
            with pytest.raises(ConfigurationError):
                http.get(sandbox.provider_url(slug), auth=xkit_auth.httpx.XkitAuth(slug, context="ann", xkit=here))

    @needs_plugins
    def test_there_are_connectors_that_need_params(self) -> None:
        with Xkit(publishable_key="pk", secret_key="sk") as real:
            needy = [slug for slug in installed_connectors() if "is missing" in said_by(real, slug)]
        assert len(needy) >= 11

    def test_the_line_of_the_guide_works_at_the_sandboxs_own_url(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("acme", "ann")
        xkit = sandbox.xkit()
        auth = xkit_auth.httpx.XkitAuth("acme", context="ann", hosts=["api.acme.example"], xkit=xkit)
        assert http.get(sandbox.provider_url("acme"), auth=auth).status_code == 200
        with pytest.raises(ConfigurationError, match="No plugin knows"):
            http.get(sandbox.provider_url("acme"), auth=xkit_auth.httpx.XkitAuth("acme", context="ann", xkit=xkit))


class TestRefusals:
    def test_an_sdk_finds_an_object_where_it_wants_one(self, sandbox: Sandbox, http: httpx.Client) -> None:
        for slug in ("stripe", "openai", "gmail", "outlook", "misc"):
            answer = http.get(sandbox.provider_url(slug), headers={"Authorization": "Bearer no-such-token"})
            assert answer.status_code == 401
            assert answer.json()["error"]["message"] == "The access token is unknown."
        assert http.get(sandbox.provider_url("salesforce")).json()[0]["errorCode"] == "INVALID_SESSION_ID"

    def test_a_connector_asks_again_after_it(self, sandbox: Sandbox, http: httpx.Client) -> None:
        verdicts = {}
        for slug, connector in installed_connectors().items():
            headers = {"Authorization": "Bearer is-old", "X-Key": "is-old"}
            if slug.startswith("aws"):
                headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=is-old/20260101/eu-west-1/s3/aws4_request"}
            sandbox.connect(slug, "ann", credential="is-old")
            sandbox.rotate(slug, "ann")
            answer = http.get(sandbox.provider_url(slug), headers=headers)
            request = RequestView(method="GET", url=str(answer.url), headers={}, body=b"")
            view = ResponseView(
                status=answer.status_code, headers=answer.headers, json=answer.json(), text=None, request=request
            )
            verdicts[slug] = judged_by_rules(connector, view).verdict
        assert {slug for slug, verdict in verdicts.items() if verdict is not Verdict.REFETCH} == set()


class TestBeginningAnew:
    def test_a_sandbox_that_is_reset_knows_nobody_and_nobody_knows_it(self, sandbox: Sandbox) -> None:
        sandbox.connect("slack", "ann")
        xkit = sandbox.xkit()
        xkit.get_credential("slack", context="ann")
        sandbox.down("429", retry_after=60)
        with pytest.raises(XkitAuthError):
            xkit.get_credential("slack", context="bob")
        sandbox.reset()
        assert sandbox.calls == []
        with pytest.raises(NotConnected):
            xkit.get_credential("slack", context="ann")
        token = sandbox.connect("slack", "bob")
        assert xkit.get_credential("slack", context="bob").reveal() == token


WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from xkit_auth.requests import XkitAuth
from xkit_auth.testing import Sandbox
import requests
with Sandbox() as sandbox, sandbox.stand_in():
    sandbox.connect("slack", "amy")
    answer = requests.get("https://slack.com/api/auth.test", auth=XkitAuth("slack", context="amy"), timeout=30)
    print(answer.json()["user"])
"""


@pytest.mark.parametrize("missing", ["trio", "socksio", "httpx", "httpx2", "httpcore", "httpcore2"])
def test_the_sandbox_stands_in_where_a_library_is_missing(missing):
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, missing], capture_output=True, text=True, timeout=600, check=False
    )
    assert (ran.stdout, ran.stderr) == ("amy\n", "")
