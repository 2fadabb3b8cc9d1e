"""The part of the command that works without click and rich, and a table that fits a terminal."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import pytest

from xkit_auth import Connector, Placement, __main__, hookimpl, plugins
from xkit_auth._cli.catalog import entry_of
from xkit_auth._cli.connectors import lines_of_table
from xkit_auth._cli.plain import run
from xkit_auth.plugins import Brought

ACME = Connector(
    "acme",
    aliases=["acme-oauth"],
    hosts=["{param.subdomain}.api.acme.example"],
    params={"subdomain": "label"},
    kinds={"oauth2": Placement(), "key": Placement(header={"X-Key": "{token}"}, hosts=["key.acme.example"])},
)
MANY = [
    Connector(f"provider-{number}", hosts=[f"api-{each}.provider-{number}.example" for each in range(4)])
    for number in range(20)
]


class Brings:
    """A plugin, as an object."""

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        return [ACME]


class Unusable:
    """A plugin that cannot say what it brings."""

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        raise ZeroDivisionError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make this the only plugin that is installed, or one that is broken."""

    def installed(**objects: Any) -> None:
        entries = [EntryPoint(name, "some:thing", plugins.ENTRY_POINT_GROUP) for name in objects]
        monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
        monkeypatch.setattr(EntryPoint, "load", lambda entry: objects[entry.name])

    return installed


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, as it is started where neither click nor rich is installed; it returns the exit code."""

    def bare(*arguments: str) -> Any:
        monkeypatch.setattr(sys, "argv", ["xkit-auth", *arguments])
        for name in ("click", "rich"):
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, "xkit_auth.__main__", raising=False)
        with pytest.raises(SystemExit) as left:
            runpy.run_module("xkit_auth", run_name="__main__")
        return left.value.code

    return bare


def test_the_version_and_the_help_need_nothing(bare: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert bare("--version") == 0
    assert capsys.readouterr().out == f"xkit-auth {version('xkit-auth')}\n"
    for arguments in (["--help"], ["-h"], ["demo", "--help"], ["connectors", "-h"]):
        assert bare(*arguments) == 0
        said = capsys.readouterr().out
        assert "xkit-auth connectors [SLUG]" in said
        assert "install xkit-auth[cli], from" in said


def test_the_connectors_need_nothing(bare: Any, installed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    installed(one=Brings())
    assert bare("connectors") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [
        *("acme", "acme-oauth", "oauth2,", "key", "{param.subdomain}.api.acme.example,", "key.acme.example"),
        *("subdomain", "one"),
    ]
    assert bare("connectors", "acme-oauth") == 0
    assert capsys.readouterr().out.startswith("acme from the plugin one\n\nOther slugs for it\n  acme-oauth\n")
    assert bare("connectors", "--json") == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert bare("connectors", "--json", "acme") == 0
    assert json.loads(capsys.readouterr().out) == entry


def test_what_is_not_there_is_said(bare: Any, installed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    installed(one=Brings())
    assert bare("connectors", "acmee") == 2
    assert "Did you mean acme" in capsys.readouterr().err
    installed(two=Unusable())
    assert bare("connectors") == 0
    ended = capsys.readouterr()
    assert "No connectors are installed" in ended.out
    assert "plugin two is left out" in ended.err


@pytest.mark.parametrize("arguments", [[], ["demo"], ["connectors", "--nonsense"], ["connectors", "a", "b"], ["x"]])
def test_all_else_needs_the_extra(bare: Any, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert bare(*arguments) == 2
    assert capsys.readouterr().err.startswith("Not installed: click, rich.")


@pytest.mark.skipif(os.name == "nt", reason="Windows has another error for it")
def test_a_reader_who_has_seen_enough_is_no_error_to_report() -> None:
    program = "import sys; sys.modules['rich'] = None; from xkit_auth.__main__ import main; main()"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        ran = subprocess.run(
            [sys.executable, "-c", program, "connectors"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (1, "")


def test_on_a_terminal_the_plain_table_is_as_wide_as_that(
    installed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(one=Brings())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["connectors"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["Connector", "Hosts", "Plugin"]


def test_80_columns_are_enough_and_no_slug_or_host_is_cut() -> None:
    lines = lines_of_table([entry_of(Brought(each, "many (xkit-auth-many)")) for each in [ACME, *MANY]], 80)
    assert max(map(len, lines)) <= 80
    words = [word for line in lines for word in line.split()]
    assert {each.slug for each in [ACME, *MANY]} <= {*words}
    assert {host for each in [ACME, *MANY] for host in each.hosts} <= {*words}


@pytest.mark.needs_all
def test_80_columns_are_enough_for_the_real_ones() -> None:
    from xkit_auth.plugins import Plugins

    brought = Plugins().all()
    lines = lines_of_table([entry_of(each) for each in brought], 80)
    assert max(map(len, lines)) <= 80
    assert {each.connector.slug for each in brought} <= {line.split()[0] for line in lines}


def test_whoever_has_read_enough_ends_it_quietly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(_arguments: list[str]) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(__main__, "what_is_missing", lambda *_names: "click is missing")
    monkeypatch.setattr("xkit_auth._cli.plain.run", run)
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(SystemExit) as ended:
            __main__.main()
    assert ended.value.code == 1
