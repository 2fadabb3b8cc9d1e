"""The command as it is started: by its name, as a module, and without the libraries that it needs."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from xkit_auth.__main__ import main

WITHOUT_THE_EXTRA = """
import runpy, sys
sys.modules["click"] = sys.modules["rich"] = None
runpy.run_module("xkit_auth", run_name="__main__")
"""


def started(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, away from the working tree."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, check=False, text=True, encoding="utf-8", timeout=600
    )


def test_without_its_extra_it_says_in_one_line_what_to_install(tmp_path: Path) -> None:
    ended = started(tmp_path, "-c", WITHOUT_THE_EXTRA)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Not installed: click, rich. To have the whole command, install xkit-auth[cli], from where")


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_it_names_the_library_that_is_missing(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("click", "rich"):
        monkeypatch.setitem(sys.modules, name, None if name == missing else pytest)  # any module will do
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith(f"Not installed: {missing}.")


@pytest.mark.needs_all
def test_python_m_runs_it(tmp_path: Path) -> None:
    ended = started(tmp_path, "-m", "xkit_auth", "demo", "--client", "httpx")
    assert ended.returncode == 0, ended.stderr
    assert "8 promises kept with 2 clients" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.needs_all
def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["anything", "--version"])
    monkeypatch.delitem(sys.modules, "xkit_auth.__main__")
    with pytest.raises(SystemExit) as left:
        runpy.run_module("xkit_auth", run_name="__main__")
    assert left.value.code == 0
    assert capsys.readouterr().out == f"xkit-auth {version('xkit-auth')}\n"
