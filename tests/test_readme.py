"""The README's programs run, and its commands exist."""

from __future__ import annotations

import configparser
import re
import runpy
from pathlib import Path

import pytest

from xkit_auth import Xkit
from xkit_auth.testing import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.needs_all
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_in_the_readme_says_hello(sandbox: Sandbox, monkeypatch, capsys, number):
    sandbox.connect("slack", "user-42")
    xkit = sandbox.xkit()
    monkeypatch.setattr(Xkit, "default", classmethod(lambda _cls: xkit))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    program = PROGRAMS[number].replace("https://slack.com", sandbox.slack_url)
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "Hello, user-42\n"


@pytest.mark.needs_all
def test_the_first_program_tells_a_revoked_user_to_connect_again(sandbox: Sandbox, monkeypatch, capsys):
    sandbox.connect("slack", "user-42")
    sandbox.revoke("slack", "user-42")
    xkit = sandbox.xkit(reconnect_url="https://app.example/{connector}")
    monkeypatch.setattr(Xkit, "default", classmethod(lambda _cls: xkit))
    exec(compile(PROGRAMS[0].replace("https://slack.com", sandbox.slack_url), "README.md", "exec"), {})
    assert capsys.readouterr().out == "Please connect Slack again: https://app.example/slack\n"


@pytest.mark.needs_all
@pytest.mark.parametrize(
    ("state", "said"),
    [("never connected", "Please connect Slack: "), ("revoked", "Please connect Slack again: "), ("disabled", "")],
)
def test_the_first_program_prints_a_link_of_the_environment(sandbox: Sandbox, monkeypatch, capsys, state, said):
    if state == "revoked":
        sandbox.connect("slack", "user-42")
        sandbox.revoke("slack", "user-42")
    if state == "disabled":
        sandbox.disable("slack", "user-42")
    template = re.search(r'XKIT_RECONNECT_URL="(.*)"', README)
    assert template is not None
    monkeypatch.setenv("XKIT_RECONNECT_URL", template[1])
    xkit = sandbox.xkit()
    monkeypatch.setattr(Xkit, "default", classmethod(lambda _cls: xkit))
    exec(compile(PROGRAMS[0].replace("https://slack.com", sandbox.slack_url), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith(said)
    assert printed.endswith(": https://app.example/slack?for=user-42\n")


def test_the_readme_has_programs_and_its_commands_and_folders_exist():
    assert len(PROGRAMS) == 2
    for command in ("demo", "test"):
        assert f"python3 run.py {command}" in README
        assert f'"{command}"' in (ROOT / "run.py").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:docs|plugins)/[\w/-]*|CHANGELOG\.md)`", README):
        assert (ROOT / path).exists()


RUN = runpy.run_path(str(ROOT / "run.py"))
TOX = configparser.ConfigParser(interpolation=None)
TOX.read(ROOT / "tox.ini", encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ["-m", "here"]),
        (["--all"], []),
        (["--all", "run-parallel", "-p", "auto"], ["run-parallel", "-p", "auto"]),
        (["-e", "py311,lint", "--", "-x"], ["-e", "py311,lint", "--", "-x"]),
    ],
)
def test_the_tests_are_those_for_one_python_unless_others_are_asked_for(given, meant):
    assert RUN["tox_arguments"](given) == meant


def test_the_checks_for_one_python_exist_and_all_but_the_tests_are_among_all_checks():
    label, _, here = TOX["tox"]["labels"].strip().partition(" = ")
    every = re.split(r",\s*", TOX["tox"]["env_list"])
    assert label == "here"
    assert set(here.split(", ")) - set(every) == {"py"}
    assert [*RUN["TOX"]] == TOX["tox"]["requires"].split()
