"""The pytest plugin: modules that make an ``Xkit`` when they are imported, for real hosts, are tested as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xkit_auth.plugins import installed_connectors
from xkit_auth.testing import pytest as plugin

pytestmark = pytest.mark.skipif("slack" not in installed_connectors(), reason="needs xkit-auth-slack")

CLIENTS = """
import httpx
from xkit_auth import Xkit, current_context
from xkit_auth.httpx import XkitAuth

SLACK = "https://slack.com/api"

xkit = Xkit(reconnect_url="https://app.example.com/connect/{connector}")
slack_auth = XkitAuth("slack", context=current_context, xkit=xkit)
slack = httpx.Client(auth=slack_auth, base_url=SLACK)
"""

TESTS = """
import pytest
from clients import slack
from xkit_auth import ConnectionUnavailable, use_context


def test_a_connected_user(xkit_sandbox):
    xkit_sandbox.connect("slack", "ann")
    with use_context("ann"):
        assert slack.get("/auth.test").json()["user"] == "ann"
    xkit_sandbox.down("429", retry_after=60)
    with use_context("bob"), pytest.raises(Exception):
        slack.get("/auth.test")


def test_the_next_test_begins_anew(xkit_sandbox):
    with use_context("ann"), pytest.raises(ConnectionUnavailable) as caught:
        slack.get("/auth.test")
    assert caught.value.reconnect_url == "https://app.example.com/connect/slack"
    xkit_sandbox.connect("slack", "bob")
    with use_context("bob"):
        assert slack.get("/auth.test").json()["user"] == "bob"
"""

PLUGIN = 'pytest_plugins = ["xkit_auth.testing.pytest"]\n'


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XKIT_", "PYTEST_"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_is_named_in_a_conftest(tmp_path: Path) -> None:
    (tmp_path / "clients.py").write_text(CLIENTS)
    (tmp_path / "test_clients.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(PLUGIN)
    ran = run(tmp_path)
    assert "2 passed" in ran.stdout, ran.stdout


def test_named_on_the_command_line_it_comes_before_a_conftest_that_imports_the_code(tmp_path: Path) -> None:
    (tmp_path / "clients.py").write_text(CLIENTS)
    (tmp_path / "test_clients.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text("import clients\n")
    ran = run(tmp_path, "-p", "xkit_auth.testing.pytest")
    assert "2 passed" in ran.stdout, ran.stdout


def test_without_it_the_code_has_no_keys(tmp_path: Path) -> None:
    (tmp_path / "clients.py").write_text(CLIENTS)
    (tmp_path / "test_clients.py").write_text(TESTS)
    assert "No publishable_key for Xkit" in run(tmp_path).stdout


def test_it_begins_once_gives_a_sandbox_that_is_new_and_leaves_everything_as_it_was() -> None:
    config: Any = SimpleNamespace(stash=pytest.Stash())
    plugin.pytest_load_initial_conftests(config)
    plugin.pytest_configure(config)
    given = plugin.xkit_sandbox._get_wrapped_function()(config)
    sandbox = next(given)
    base_url = sandbox.base_url
    assert os.environ["XKIT_BASE_URL"] == base_url
    sandbox.connect("slack", "ann")
    assert list(given) == []
    assert sandbox.call_count() == 0
    plugin.pytest_unconfigure(config)
    assert os.environ.get("XKIT_BASE_URL") != base_url
    plugin.pytest_unconfigure(SimpleNamespace(stash=pytest.Stash()))  # type: ignore[arg-type]
