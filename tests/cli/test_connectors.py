"""``xkit-auth connectors``: what is installed, as a table and as JSON, and one of them in words."""

from __future__ import annotations

import io
import json
import re
from importlib.metadata import EntryPoint
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner, Result
from rich.console import Console

from xkit_auth import (
    PRESENT,
    Connector,
    Contains,
    Default,
    Failure,
    Placement,
    StartsWith,
    Verdict,
    hookimpl,
    plugins,
)
from xkit_auth._cli.app import app
from xkit_auth._cli.catalog import rule_of
from xkit_auth._cli.connectors import print_table

pytestmark = pytest.mark.needs_all

ACME = Connector(
    "acme",
    aliases=["acme-oauth"],
    hosts=["{param.team}.acme.example"],
    paths=["/v2/"],
    params={"team": "label", "region": ["eu", "us"]},
    kinds={
        "oauth2": Placement(),
        "service": Placement(
            basic=("{field.user}", ""), query={"team": "{param.team}"}, hosts=["service.acme.example"]
        ),
        "bot": Placement(path="/bot{token}"),
    },
    extra={"Acme-Version": Default("2"), "Acme-App": "x"},
    inspect={400: "application/json"},
    failures=[Failure(Verdict.REFETCH, status=400, json={"error.code": ["expired", "unknown"]})],
)
HOME = Connector("home", hosts=[], kinds={"key": Placement(query={"key": "{token}"})})


class Brings:
    """A plugin, as an object."""

    def __init__(self, *connectors: Connector) -> None:
        self._connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        return self._connectors


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make these the only plugins that are installed."""

    def install(**objects: Any) -> None:
        entries = [EntryPoint(name, "some:thing", plugins.ENTRY_POINT_GROUP) for name in objects]
        monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
        monkeypatch.setattr(EntryPoint, "load", lambda entry: objects[entry.name])

    return install


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["connectors", *arguments], catch_exceptions=False)


def test_every_connector_is_a_line(install: Any) -> None:
    install(two=Brings(HOME), one=Brings(ACME))
    result = run()
    assert result.exit_code == 0
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["Connector", "Also", "Kinds", "Hosts", "Params", "Plugin"]
    assert [" ".join(line.split()) for line in lines] == [
        "acme acme-oauth oauth2, service, bot {param.team}.acme.example, service.acme.example team, region one",
        "home - key (hosts= of your own) - two",
    ]


def test_on_a_terminal_the_table_is_as_wide_as_that(install: Any) -> None:
    install(one=Brings(ACME))
    console = Console(width=60, force_terminal=True, file=io.StringIO())
    print_table(console, json.loads(run("--json").stdout))
    assert console.width == 60


def test_on_a_terminal_of_80_columns_no_slug_is_cut() -> None:
    console = Console(width=80, force_terminal=True, no_color=True, file=io.StringIO())
    entries = json.loads(run("--json").stdout)
    print_table(console, entries)
    assert isinstance(console.file, io.StringIO)
    printed = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()
    assert max(map(len, printed)) <= 80
    assert {entry["slug"] for entry in entries} <= {line.split()[0] for line in printed}


def test_the_real_ones_are_listed() -> None:
    listed = [line.split()[0] for line in run().stdout.splitlines()]
    assert {"slack", "github", "aws", "zendesk", "jira"} <= set(listed)
    entries = json.loads(run("--json").stdout)
    assert [entry["slug"] for entry in entries] == listed[1:]


def test_nothing_installed_is_said_with_what_to_do(install: Any) -> None:
    install()
    assert "install xkit-auth-slack, from" in run().stdout
    assert json.loads(run("--json").stdout) == []


def test_as_json_it_is_all_there(install: Any) -> None:
    install(one=Brings(ACME))
    (entry,) = json.loads(run("--json").stdout)
    assert entry == json.loads(run("acme", "--json").stdout) == json.loads(run("acme-oauth", "--json").stdout)
    assert entry["aliases"] == ["acme-oauth"]
    assert entry["plugin"] == "one"
    assert entry["paths"] == ["/v2/"]
    assert entry["params"] == {"team": "one DNS label, such as 'acme'", "region": "one of eu, us"}
    assert list(entry["kinds"]) == ["oauth2", "service", "bot"]
    assert entry["kinds"]["oauth2"] == {
        "sends": ["Authorization: Bearer {token}"],
        "hosts": ["{param.team}.acme.example"],
        "needs_params": ["team"],
        "adds_headers": {
            "Acme-Version": {"value": "2", "gives_way": True},
            "Acme-App": {"value": "x", "gives_way": False},
        },
        "default": True,
    }
    assert entry["kinds"]["service"]["sends"] == ["HTTP Basic: {field.user} :", "?team={param.team}"]
    assert entry["kinds"]["bot"]["sends"] == ["/bot{token}/… before the path"]
    assert entry["answers"] == [
        {
            "if": "status 400, JSON error.code is 'expired' or 'unknown'",
            "verdict": "refetch",
            "then": "asks Xkit again",
        }
    ]


def test_one_is_explained(install: Any) -> None:
    install(one=Brings(ACME))
    assert (
        run("acme").stdout
        == """\
acme from the plugin one

Other slugs for it
  acme-oauth

Credential 'oauth2', the default
  sent as  Authorization: Bearer {token}
  and      Acme-Version: 2, if you send none
  and      Acme-App: x
  to       {param.team}.acme.example

Credential 'service'
  sent as  HTTP Basic: {field.user} :
  sent as  ?team={param.team}
  and      Acme-Version: 2, if you send none
  and      Acme-App: x
  to       service.acme.example

Credential 'bot'
  sent as  /bot{token}/… before the path
  and      Acme-Version: 2, if you send none
  and      Acme-App: x
  to       {param.team}.acme.example

Params
  team: one DNS label, such as 'acme'
  region: one of eu, us

Told apart by ANY, where others have its host, by a path that begins with
  /v2/

What an answer means (the first that fits counts)
  status 400, JSON error.code is 'expired' or 'unknown': asks Xkit again
  status 401: asks Xkit again
  status 429: is yours: too many requests

Use
  XkitAuth("acme", context="user-42", params={"team": "…"})
"""
    )


def test_its_use_names_what_it_cannot_do_without(install: Any) -> None:
    install(one=Brings(HOME))
    assert run("home").stdout.endswith('XkitAuth("home", context="user-42", hosts=["…"], kind="key")\n')


def test_the_authors_own_words_are_part_of_it() -> None:
    for slug, words in [
        ("zendesk", "Zendesk Support"),
        ("slack", "Slack says that a token is dead"),
        ("aws", "botocore"),
    ]:
        assert words in " ".join(run(slug).stdout.split())


def test_the_command_does_what_it_says_its_use_is() -> None:
    from xkit_auth.plugins import Plugins

    assert 'XkitAuth("zendesk", context="user-42", params={"subdomain": "…"})' in run("zendesk").stdout
    assert Plugins().find("zendesk")


def test_an_unknown_slug_is_said_with_those_that_are_near(install: Any) -> None:
    install(one=Brings(ACME))
    result = run("acmee")
    assert result.exit_code == 2
    assert "No connector is installed under the slug 'acmee'. Did you mean acme" in result.output
    assert "xkit-auth connectors shows" in run("zzz").output


def test_a_slug_that_two_claim_is_said_and_both_are_listed(install: Any) -> None:
    install(one=Brings(ACME), two=Brings(ACME))
    assert [line.split()[-1] for line in run().stdout.splitlines()] == ["Plugin", "one", "two"]
    result = run("acme")
    assert result.exit_code == 2
    assert "one and two both claim" in result.output


def test_a_broken_plugin_is_named_and_the_others_are_shown(install: Any) -> None:
    install(one=Brings(ACME), two=Brings("nonsense"))  # type: ignore[arg-type]
    result = run()
    assert "acme" in result.stdout
    assert "plugin two is left out" in result.output


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"status": (401, 403)}, "status 401 or 403"),
        ({"status": range(500, 600)}, "status 500 to 599"),
        ({"header": {"X-Sso": PRESENT}}, "header X-Sso is there"),
        ({"header": {"X-Left": "0"}}, "header X-Left is '0'"),
        ({"challenge": {"error": "invalid_token"}}, "WWW-Authenticate: error is 'invalid_token'"),
        (
            {"status": 401, "text": ["a", Contains("b"), Contains("c"), StartsWith("d")]},
            "status 401, text is 'a' or contains 'b' or 'c' or begins with 'd'",
        ),
        (
            {"status": 401, "json": {"ok": False, "code": (1, 2, 5)}},
            "status 401, JSON ok is False, JSON code is 1, 2 or 5",
        ),
    ],
)
def test_a_rule_is_put_into_words(rule: dict[str, Any], words: str) -> None:
    assert rule_of(Failure(Verdict.DENIED, **rule))["if"] == words
