"""``xkit-auth demo``, run in this process: what it shows, and that it sees when a promise is broken."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
pytest.importorskip("requests")
pytest.importorskip("httpx")
pytest.importorskip("httpx2")

from click.testing import CliRunner, Result

import xkit_auth._clients.flow
import xkit_auth._clients.requests.hop
import xkit_auth.plugins
import xkit_auth.testing._state
from xkit_auth import Connector, hookimpl
from xkit_auth._account.link import ReconnectLink
from xkit_auth._cli import demo, drivers
from xkit_auth._cli.app import app
from xkit_auth._cli.stage import Stage
from xkit_auth._credentials.broker import Broker
from xkit_auth._credentials.cache import Cache

pytestmark = pytest.mark.needs_all

CLIENTS = ["requests", "httpx sync", "httpx async", "httpx2 sync", "httpx2 async"]
LINK = "https://app.example/connect/github?user=gus"


def run(*arguments: str, charset: str = "utf-8", **environment: str | None) -> Result:
    """The command's end. Lines are long enough for any sentence, unless COLUMNS says otherwise."""
    # Set one by one, since CliRunner's env= would put back what it found, and so hide what the demo left.
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COLUMNS": "300", **environment}.items():
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        return CliRunner(charset=charset).invoke(app, arguments)


def summary_of(*arguments: str) -> dict[str, Any]:
    result = run("demo", "--json", *arguments)
    assert isinstance(result.exception, SystemExit | None), result.exception
    summary: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if summary["kept"] else 1)
    return summary


def broken(summary: dict[str, Any]) -> dict[str, str]:
    """What was not as promised, by promise."""
    return {each["promise"]: each["facts"] for each in summary["outcomes"] if not each["kept"]}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every credential and secret key that is made from now on."""
    made: list[str] = []
    original = xkit_auth.testing._state.new_secret

    def new_secret(like: Any) -> Any:
        made.append(original(like))
        return made[-1]

    class Sandbox(demo.Sandbox):
        def __init__(self) -> None:
            super().__init__()
            made.append(self.secret_key)

    monkeypatch.setattr(xkit_auth.testing._state, "new_secret", new_secret)
    monkeypatch.setattr(demo, "Sandbox", Sandbox)
    return made


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these plugins, and no others, be installed."""

    class Entry:
        dist = None

        def __init__(self, name: str, slug: str) -> None:
            self.name = name
            self.slug = slug

        def load(self) -> object:
            slug = self.slug

            class Plugin:
                @hookimpl
                def xkit_auth_connectors(self) -> list[Connector]:
                    return [Connector(slug, hosts=[f"{slug}.example"])]

            return Plugin()

    def as_if(**plugins: str) -> None:
        monkeypatch.setattr(
            xkit_auth.plugins, "entry_points", lambda group: [Entry(name, slug) for name, slug in plugins.items()]
        )

    return as_if


class TestWhatIsShown:
    def test_every_promise_is_kept_with_every_client(self) -> None:
        result = run("demo")
        assert result.exit_code == 0, result.output
        headings = [line for line in result.output.splitlines() if line in CLIENTS]
        assert headings == CLIENTS
        for promise in demo.PROMISES:
            assert len(re.findall(rf"^✓ +\d+ ms  {re.escape(promise)} ", result.output, re.MULTILINE)) == len(CLIENTS)
        assert "\n8 promises kept with 5 clients in " in result.output
        assert "xkit-auth --help" in result.output
        assert "README" in result.output

    def test_each_step_tells_what_was_seen(self) -> None:
        output = run("demo", "--client", "httpx").output
        token = "[0-9a-f]{8}"
        for facts in (
            f"asked Xkit once; Slack: 200 for {token}",
            "10 requests, still 1 call to Xkit",
            f"GitHub: 401 for {token}; asked Xkit; the same body again: 200 for {token}",
            f"Slack: 200, but token_expired for {token}; asked Xkit; sent again: ok for {token}",
            "50 callers, 1 call to Xkit, 200 for all",
            "a redirect got no Authorization, no X-Api-Key",
            "ReauthorizationRequired and a reconnect link",
            f"Xkit: 503; Slack: 200 for {token}",
        ):
            assert len(re.findall(rf" {facts}$", output, re.MULTILINE)) == 2, facts

    def test_the_error_of_a_revoked_user_is_shown_once_as_they_would_read_it(self) -> None:
        output = run("demo", "--client", "httpx").output
        assert output.count("The user must connect again") == 1
        assert output.count(f"Reconnect link: {LINK}\n") == 1

    def test_only_the_clients_that_are_asked_for_are_shown(self) -> None:
        output = run("demo", "--client", "httpx2", "--client", "requests").output
        assert [line for line in output.splitlines() if line in CLIENTS] == ["requests", "httpx2 sync", "httpx2 async"]
        assert "8 promises kept with 3 clients" in output

    def test_one_client_is_one_client(self) -> None:
        assert "8 promises kept with 1 client in " in run("demo", "--client", "requests").output

    def test_no_credential_is_shown(self, secrets: list[str]) -> None:
        shown = run("demo").output + run("demo", "--json").output
        assert len(secrets) > len(CLIENTS) * len(demo.PROMISES)
        assert [secret for secret in secrets if secret in shown] == []

    def test_the_result_as_json_is_all_that_is_printed(self) -> None:
        summary = summary_of()
        assert broken(summary) == {}
        assert summary["kept"] is True
        assert summary["clients"] == CLIENTS
        assert summary["promises"] == list(demo.PROMISES)
        assert [(each["client"], each["promise"]) for each in summary["outcomes"]] == [
            (name, promise) for name in CLIENTS for promise in demo.PROMISES
        ]
        assert all(each["kept"] and each["ms"] >= 0 and each["facts"] for each in summary["outcomes"])
        assert {each["quote"][-len(LINK) :] for each in summary["outcomes"] if each["quote"]} == {LINK}


class TestHowItLooks:
    def test_a_log_gets_plain_lines_that_fit(self) -> None:
        output = run("demo", "--client", "requests", COLUMNS="80").output
        assert "\x1b" not in output
        assert max(map(len, output.splitlines())) <= 80
        assert output.splitlines() == [line.rstrip() for line in output.splitlines()]

    def test_a_terminal_gets_colours_unless_they_are_not_wanted(self) -> None:
        terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
        green = "\x1b[32m✓"
        assert green in run("demo", "--client", "requests", **terminal, NO_COLOR=None).output
        assert green not in run("demo", "--client", "requests", **terminal, NO_COLOR="1").output

    def test_a_link_is_never_broken_however_narrow_the_terminal(self) -> None:
        assert LINK in run("demo", "--client", "requests", COLUMNS="20").output

    def test_an_output_that_knows_ascii_only_is_enough(self) -> None:
        result = run("demo", "--client", "requests", charset="ascii")
        assert result.exit_code == 0
        assert len(re.findall(r"^ok +\d+ ms", result.output, re.MULTILINE)) == len(demo.PROMISES)


def no_token(auth: object, request: Any) -> Any:
    return request


def nothing(*_arguments: object, **_named: object) -> None:
    return None


class TestABrokenPromise:
    @pytest.mark.parametrize(
        ("promise", "place", "name", "instead", "seen"),
        [
            pytest.param(
                "fetched when needed",
                xkit_auth.requests.XkitAuth,
                "__call__",
                no_token,
                "Xkit's answers: []; promised: [200]",
                id="no token at all",
            ),
            pytest.param(
                "kept for next time",
                Cache,
                "store",
                nothing,
                "calls to Xkit: 10; promised: 1",
                id="nothing is kept",
            ),
            pytest.param(
                "expired: healed",
                xkit_auth._clients.flow,
                "ASKS_AGAIN",
                (),
                "Xkit's answers: [200]; promised: [200, 200]",
                id="a 401 is left as it is",
            ),
            pytest.param(
                "Slack's own no: healed",
                xkit_auth._clients.flow,
                "ASKS_AGAIN",
                (),
                "Xkit's answers: [200]; promised: [200, 200]",
                id="Slack's error is left as it is",
            ),
            pytest.param(
                "asked for by fifty",
                Broker,
                "_is_lost",
                lambda *_: True,
                "calls to Xkit: 50; promised: 1",
                id="everyone asks",
            ),
            pytest.param(
                "given to nobody else",
                xkit_auth._clients.requests.hop.Hop,
                "is_at_home_in",
                lambda *_: True,
                "where the token was, elsewhere: ['x-api-key']; promised: []",
                id="a header follows a redirect",
            ),
            pytest.param(
                "revoked: a clear error",
                ReconnectLink,
                "put_on",
                nothing,
                f"the error's link: None; promised: {LINK}",
                id="no link",
            ),
            pytest.param(
                "revoked: a clear error",
                xkit_auth._clients.flow,
                "ASKS_AGAIN",
                (),
                "no error; promised: ReauthorizationRequired",
                id="no error",
            ),
            pytest.param(
                "Xkit down: served on",
                Cache,
                "stale",
                nothing,
                "PlatformUnavailable: ",
                id="an outage is passed on",
            ),
        ],
    )
    def test_it_is_seen_and_the_exit_code_is_1(
        self,
        promise: str,
        place: object,
        name: str,
        instead: object,
        seen: str,
        secrets: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(place, name, instead)
        monkeypatch.setattr(demo, "PROMISES", {promise: demo.PROMISES[promise]})
        summary = summary_of("--client", "requests")
        assert summary["kept"] is False
        assert broken(summary)[promise].startswith(seen)
        assert [secret for secret in secrets if secret in json.dumps(summary)] == []

    def test_it_is_shown_in_red_and_the_others_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Cache, "stale", nothing)
        result = run("demo", "--client", "httpx2", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR=None)
        assert result.exit_code == 1
        assert result.output.count("\x1b[1;31mnot as promised: PlatformUnavailable: ") == 2
        assert result.output.count("\x1b[1;31m✗ ") == 2
        assert result.output.count("✓ ") == 2 * (len(demo.PROMISES) - 1)
        assert "2 of 16 checks not as promised" in result.output
        assert "promises kept" not in result.output

    @pytest.mark.parametrize(
        ("error", "told"),
        [(LookupError("the second\nline"), "LookupError: the second line"), (TimeoutError(), "TimeoutError")],
    )
    def test_an_error_that_nobody_foresaw_is_one(
        self, error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def step(stage: Stage) -> demo.Told:
            raise error

        monkeypatch.setattr(demo, "PROMISES", {"all is well": step})
        assert broken(summary_of("--client", "requests")) == {"all is well": told}

    def test_an_error_with_a_credential_in_its_text_is_shown_without_the_text(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def step(stage: Stage) -> demo.Told:
            stage.connect("slack", "ivy")
            raise ValueError(f"bad header: Bearer {stage.sandbox.credential('slack', 'ivy')}")

        monkeypatch.setattr(demo, "PROMISES", {"all is well": step})
        assert broken(summary_of("--client", "requests")) == {"all is well": "ValueError: [redacted]"}

    @pytest.mark.parametrize("client", drivers.CLIENTS)
    def test_an_answer_that_never_comes_is_not_waited_for(self, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def step(stage: Stage) -> demo.Told:
            stage.connect("slack", "ivy")
            stage.send("GET", f"{stage.sandbox.slack_url}/slow", stage.auth("slack", "ivy"))
            raise AssertionError("there is no answer")

        monkeypatch.setattr(demo, "PROMISES", {"all is well": step})
        monkeypatch.setattr(demo, "LONGEST", 0.0)
        monkeypatch.setattr(drivers, "PATIENCE", 0.5)
        assert broken(summary_of("--client", client)) == {"all is well": "TimeoutError"}


class TestWhatTheStageSees:
    @pytest.mark.parametrize(
        ("where", "request_of"),
        [
            ("the URL", lambda secret: {"url": f"/landed?token={secret}"}),
            ("the body", lambda secret: {"url": "/landed", "json": {"token": secret}}),
        ],
    )
    def test_a_credential_is_found_wherever_it_is(
        self, where: str, request_of: Callable[[str], dict[str, Any]]
    ) -> None:
        (opened,) = drivers.drivers_for("requests")
        with demo.Sandbox() as sandbox, opened as driver:
            stage = Stage(sandbox, driver, time.monotonic() + 10)
            stage.connect("slack", "ivy")
            sending = request_of(sandbox.credential("slack", "ivy"))
            stage.send("POST", sandbox.elsewhere_url + sending.pop("url"), None, **sending)
            assert stage.leaks("elsewhere", "slack", "ivy") == [where]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_pool_closes_no_idle_connection_as_it_may_just_have_been_given_to_a_request(library: str) -> None:
    for opened in drivers.drivers_for(library):
        with opened as driver:
            pool = driver._client._transport._pool
            assert pool._max_keepalive_connections > drivers.CROWD
            assert pool._keepalive_expiry is None


class TestBeforeItBegins:
    def test_missing_plugins_are_named(self, install: Callable[..., None]) -> None:
        install(something_else="jira")
        result = run("demo")
        assert result.exit_code == 2
        assert "install xkit-auth-slack xkit-auth-github, from where" in result.output

    def test_a_plugin_that_is_there_is_not_named(self, install: Callable[..., None]) -> None:
        install(mine="slack")
        result = run("demo")
        assert result.exit_code == 2
        assert "install xkit-auth-github, from where" in result.output

    def test_plugins_that_claim_the_same_connector_are_both_named(self, install: Callable[..., None]) -> None:
        install(mine="slack", yours="slack", octo="github")
        result = run("demo")
        assert result.exit_code == 2
        assert "mine and yours both claim" in result.output

    def test_a_client_that_is_not_installed_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "httpx2", None)
        result = run("demo")
        assert result.exit_code == 2
        assert "Not installed: httpx2. To have the whole command, install xkit-auth[cli], from" in result.output

    def test_a_client_that_is_not_asked_for_need_not_be_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "httpx2", None)
        assert run("demo", "--client", "requests").exit_code == 0

    def test_an_unknown_client_is_refused(self) -> None:
        result = run("demo", "--client", "urllib")
        assert result.exit_code == 2
        assert "'requests', 'httpx', 'httpx2'" in result.output

    @pytest.mark.parametrize("before", [None, "intranet.example"])
    def test_a_proxy_in_the_environment_does_not_matter_and_the_environment_stays_as_it_is(
        self, before: str | None
    ) -> None:
        proxy = "http://127.0.0.1:9"
        with pytest.MonkeyPatch.context() as patch:
            for name in ("NO_PROXY", "no_proxy"):
                patch.delenv(name, raising=False) if before is None else patch.setenv(name, before)
            assert run("demo", HTTP_PROXY=proxy, http_proxy=proxy).exit_code == 0
            assert (os.environ.get("NO_PROXY"), os.environ.get("no_proxy")) == (before, before)


class TestHelp:
    @pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
    def test_the_command_says_what_it_can_do(self, arguments: tuple[str, ...]) -> None:
        result = run(*arguments)
        assert result.exit_code == 0
        assert "demo Show what xkit-auth promises, and check it." in " ".join(result.output.split())
        assert "connectors Show the installed connectors, or explain one." in " ".join(result.output.split())

    def test_the_demo_says_what_its_exit_codes_mean(self) -> None:
        result = run("demo", "--help")
        assert result.exit_code == 0
        for part in ("--client", "--json", "0 if every promise was kept, 1 if one was not"):
            assert part in result.output


def test_ctrl_c_is_no_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_clients: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "outcomes", interrupted)
    result = run("demo")
    assert result.exit_code == 130
    assert "Interrupted." in result.output
