"""Imports point one way, importing is cheap, and what is public is listed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xkit_auth

PACKAGE = Path(xkit_auth.__file__).parent

# Each module may import those that stand above it. Those in one line do not know each other.
LAYERS = [
    ["_disguise", "_errors", "_process"],
    ["_calling"],
    ["_text", "_elsewhere", "_expiry", "_chance", "_challenge", "_body", "_in_url", "_whole"],
    ["_origin"],
    ["_known", "_model", "_params", "_showing"],
    ["_placement", "_account", "_failure", "_log"],
    ["_current"],
    ["_connector_check"],
    ["_connector"],
    ["_policy"],
    ["_network", "_untouched", "_refusals"],
    ["_flow", "_platform", "_pauses", "_cache", "_webhook", "_link"],
    ["_calls", "_flight"],
    ["hookspecs"],
    ["plugins"],
    ["_broker", "_directory"],
    ["_xkit"],
    ["_auth"],
    ["_all_of", "_quiet"],
    ["_httpx_body", "_httpx_mark", "_httpx_transport", "_requests_home", "_requests_transport"],
    ["_requests_parts"],
    ["_httpx_ahead", "_httpx_place", "_httpx_wire"],
    ["_httpx", "_requests_hop"],
    ["_httpx_all_of"],
    ["requests", "httpx", "httpx2"],
]
CORE = [module for layer in LAYERS[:19] for module in layer]
ADAPTERS = [module for layer in LAYERS[19:] for module in layer]
HTTP_LIBRARIES = {"requests", "urllib3", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "aiohttp"}
ROOMS = {"_cli", "__main__", "testing", "sdk"}  # beside the library, not inside it
PUBLIC = {"__init__"}


def imports_of(module: str) -> tuple[set[str], set[str], set[str]]:
    """The modules of ours that a module imports, the libraries, and those libraries that it imports at once."""
    ours: set[str] = set()
    libraries: set[str] = set()
    at_once: set[str] = set()
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1, f"{module} reaches out of its package"
            ours |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            libraries.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.Import):
            libraries |= {alias.name.split(".")[0] for alias in node.names}
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            at_once |= {alias.name.split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            at_once.add(str(statement.module).split(".")[0])
    return ours, libraries, at_once


def test_the_table_names_every_module_of_the_library():
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert there - ROOMS - PUBLIC == {*CORE, *ADAPTERS}


@pytest.mark.parametrize("module", [*CORE, *ADAPTERS])
def test_imports_point_one_way(module):
    above: set[str] = set()
    for layer in LAYERS:
        if module in layer:
            break
        above |= set(layer)
    ours, _, _ = imports_of(module)

    assert ours <= above


@pytest.mark.parametrize("module", CORE)
def test_only_adapters_import_an_http_library(module):
    _, libraries, _ = imports_of(module)

    assert not libraries & HTTP_LIBRARIES


@pytest.mark.parametrize("module", [*CORE, *ADAPTERS])
def test_only_the_modules_about_plugins_import_pluggy(module):
    _, libraries, _ = imports_of(module)

    assert ("pluggy" in libraries) is (module in ("hookspecs", "plugins"))


@pytest.mark.parametrize("module", [*CORE, *ADAPTERS])
def test_nobody_imports_wrapt(module):
    _, libraries, _ = imports_of(module)

    assert "wrapt" not in libraries


@pytest.mark.parametrize("module", CORE)
def test_the_core_needs_the_standard_library_and_pluggy_alone(module):
    _, libraries, _ = imports_of(module)
    where_installed = {"_flight": {"trio"}, "_network": {"certifi"}}.get(module, set())

    assert libraries - where_installed <= {*sys.stdlib_module_names, "pluggy"}


@pytest.mark.parametrize("module", [*CORE, *ADAPTERS])
def test_event_loops_are_imported_only_where_somebody_waits_in_one(module):
    _, libraries, at_once = imports_of(module)

    assert not at_once & {"asyncio", "trio", "anyio"}
    assert not libraries & {"asyncio", "trio", "anyio"} or module == "_flight"


def modules_after(program: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys\nbefore = set(sys.modules)\n{program}\nprint(*set(sys.modules) - before)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


def test_importing_the_package_brings_in_nothing_heavy():
    brought = modules_after("import xkit_auth")

    heavy = {*HTTP_LIBRARIES, "asyncio", "trio", "anyio", "pluggy", "wrapt", "ssl", "logging"}
    heavy |= {"importlib.metadata", "http.client", "email.message", "sqlite3"}
    assert not heavy & brought


def test_making_an_xkit_brings_in_no_plugin_machinery():
    brought = modules_after("import xkit_auth; xkit_auth.Xkit(publishable_key='pk', secret_key='sk').close()")

    assert not {"pluggy", "asyncio", *HTTP_LIBRARIES} & brought


def test_what_asks_xkit_comes_when_somebody_wants_it():
    assert "xkit_auth._broker" not in modules_after("import xkit_auth; xkit_auth.NotConnected")
    assert "xkit_auth._broker" in modules_after("from xkit_auth import Xkit")


def test_hookimpl_is_there_when_somebody_asks_for_it():
    brought = modules_after("import xkit_auth; xkit_auth.hookimpl")

    assert "pluggy" in brought
    assert not HTTP_LIBRARIES & brought


def test_the_list_of_public_names_is_complete():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }

    assert set(xkit_auth.__all__) == imported | set(xkit_auth._LATE)
    for name in xkit_auth.__all__:
        assert getattr(xkit_auth, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing_of_that_name'"):
        xkit_auth.nothing_of_that_name  # noqa: B018


def test_every_public_name_is_documented():
    for name in set(xkit_auth.__all__) - {"ANY", "hookimpl"}:
        assert getattr(xkit_auth, name).__doc__, name


def test_the_package_is_marked_as_typed():
    assert (PACKAGE / "py.typed").exists()
