"""What the tests of plugins and directory share."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from xkit_auth import (
    Connector,
    Credential,
    PluginWarning,
    hookimpl,
)
from xkit_auth._account.directory import Directory

_numbers = itertools.count(1)


CREDENTIAL = Credential("token-1")


@pytest.fixture
def install(tmp_path: Any, monkeypatch: Any) -> Iterator[Any]:
    """Install a plugin: a module and its metadata, in a folder of ``sys.path``. Gives the name that errors call it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    modules: list[str] = []

    def put(source: str, *, entry: str | None = None, target: str | None = None) -> str:
        number = next(_numbers)
        module = f"throwaway_plugin_{number}"
        modules.append(module)
        entry = entry or f"p{number}"
        target = module if target is None else target.replace("*", module)
        (folder / f"{module}.py").write_text("import xkit_auth\n" + textwrap.dedent(source))
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[xkit_auth]\n{entry} = {target}\n")
        importlib.invalidate_caches()
        return f"{entry} ({module})"

    yield put
    for module in modules:
        sys.modules.pop(module, None)


ACME = """
    @xkit_auth.hookimpl
    def xkit_auth_connectors():
        return [xkit_auth.Connector("acme", aliases=["acme-oauth"], hosts=["api.acme.example"])]
"""


class Brings:
    """A plugin object that brings connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        return self.connectors


def acme(slug: str = "acme", host: str = "api.acme.example", **more: Any) -> Connector:
    return Connector(slug, hosts=[host], **more)


def left_out(match: str) -> Any:
    return pytest.warns(PluginWarning, match=match)


# Who is asked


class Answers:
    """A plugin that answers every hook, and notes that it was asked."""

    asked: ClassVar[list[str]] = []

    def __init__(self, name: str, headers: Any = None, verdict: Any = None, connectors: Any = ()) -> None:
        self.name, self.headers, self.verdict, self.connectors = name, headers, verdict, connectors

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        return self.connectors

    @hookimpl
    def xkit_auth_format_headers(self, connector: Any, credential: Any, request: Any) -> Any:
        self.asked.append(self.name)
        return self.headers

    @hookimpl
    def xkit_auth_classify_response(self, response: Any) -> Any:
        self.asked.append(self.name)
        return self.verdict


@pytest.fixture
def asked(monkeypatch: Any) -> list[str]:
    notes: list[str] = []
    monkeypatch.setattr(Answers, "asked", notes)
    return notes


# Connectors by slug


def directory(*plugins: Any, slugs: Any = None) -> Directory:
    return Directory(slugs, plugins, http_to_loopback=False)
