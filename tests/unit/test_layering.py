"""Rooms import one way and only what other rooms offer; importing is cheap; what is public is listed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import xkit_auth

PACKAGE = Path(xkit_auth.__file__).parent

# Each room may import those that it names here. A room without a folder is one of the files that users import.
ARROWS: dict[str, set[str]] = {
    "_values": set(),
    "_connectors": {"_values"},
    "_sources": {"_values"},
    "_credentials": {"_values", "_sources"},
    "hookspecs": {"_values", "_connectors"},
    "plugins": {"_values", "_connectors", "hookspecs"},
    "_account": {"_values", "_connectors", "_sources", "_credentials", "plugins"},
    "_clients": {"_values", "_connectors", "_sources", "_credentials", "_account"},
    "_clients.httpx": {"_values", "_connectors", "_sources", "_account", "_clients"},
    "_clients.requests": {"_values", "_connectors", "_sources", "_account", "_clients"},
    "requests": {"_values", "_sources", "_clients", "_clients.requests"},
    "httpx": {"_values", "_sources", "_clients", "_clients.httpx"},
    "httpx2": {"_values", "_sources", "_clients", "_clients.httpx"},
    "sdk": {"_values", "_connectors", "_sources", "_account", "_clients", "_clients.httpx"},
}
FACES = {"requests", "httpx", "httpx2"}
ADAPTERS = {"_clients.httpx", "_clients.requests", *FACES}
CORE = set(ARROWS) - ADAPTERS - {"sdk"}
BESIDE = {"_cli", "__main__", "testing", "__init__"}  # they use the library, and nothing of it uses them
HTTP_LIBRARIES = {"requests", "urllib3", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "aiohttp"}
MOST_FILES = 12


class Import(NamedTuple):
    """One statement ``from … import …``, or one name of an ``import``."""

    file: str
    module: tuple[str, ...]
    """From the package on, if it is ours: ``("_values", "errors")``."""
    names: frozenset[str]
    is_ours: bool
    is_at_once: bool


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return ".".join(inside.parent.parts) or inside.stem


def files_of(room: str) -> list[Path]:
    folder = PACKAGE.joinpath(*room.split("."))
    return sorted(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text())
    package = path.relative_to(PACKAGE).parent.parts
    file = str(path.relative_to(PACKAGE))
    for node in ast.walk(tree):
        at_once = node in tree.body
        if isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                module = (*package[: len(package) - node.level + 1], *module)
            yield Import(file, module, frozenset(each.name for each in node.names), bool(node.level), at_once)
        elif isinstance(node, ast.Import):
            for each in node.names:
                yield Import(file, tuple(each.name.split(".")), frozenset(), False, at_once)


def ours(room: str) -> Iterator[tuple[str, Import]]:
    """What a room imports from the package, each with the room that it comes from."""
    for path in files_of(room):
        for each in imports_of(path):
            if each.is_ours:
                module = each.module or tuple(each.names)
                yield next(".".join(module[:n]) for n in (2, 1) if ".".join(module[:n]) in ARROWS), each


def libraries(room: str, *, at_once: bool = False) -> set[str]:
    found = (each for path in files_of(room) for each in imports_of(path))
    return {each.module[0] for each in found if not each.is_ours and (each.is_at_once or not at_once)}


def test_the_table_names_every_room():
    folders = {room_of(path) for path in PACKAGE.rglob("*.py")}

    assert {each for each in folders if each.split(".")[0] not in BESIDE} == set(ARROWS)


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_imports_only_the_rooms_that_stand_before_it(room):
    assert {other for other, _ in ours(room)} - {room} <= ARROWS[room]
    assert list(ARROWS)[list(ARROWS).index(room) :].count(room) == 1
    assert ARROWS[room] <= set(list(ARROWS)[: list(ARROWS).index(room)])


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_takes_from_another_only_what_that_one_offers(room):
    for other, each in ours(room):
        if other != room and other.startswith("_"):
            assert each.module == tuple(other.split(".")), f"{each.file} reaches into {'.'.join(each.module)}"


@pytest.mark.parametrize("room", sorted(each for each in ARROWS if each.startswith("_")))
def test_what_a_room_offers_is_listed_and_wanted_elsewhere(room):
    offered = {name for each in imports_of(PACKAGE.joinpath(*room.split("."), "__init__.py")) for name in each.names}
    wanted = {
        name
        for path in PACKAGE.rglob("*.py")
        if room_of(path) != room
        for each in imports_of(path)
        if each.is_ours and each.module == tuple(room.split("."))
        for name in each.names
    }

    module = __import__(f"xkit_auth.{room}", fromlist=["x"])
    assert set(getattr(module, "__all__", ())) == offered - {"annotations"}
    assert offered - {"annotations"} <= wanted | {"_values"}


@pytest.mark.parametrize("room", sorted(each for each in ARROWS if files_of(each)[1:]))
def test_files_in_a_room_do_not_import_each_other_in_a_circle(room):
    files = {path.stem: path for path in files_of(room) if path.stem != "__init__"}
    inside = {
        name: {each.module[-1] for each in imports_of(path) if each.is_ours and each.module[-1] in files}
        for name, path in files.items()
    }
    while ends := {name for name, wants in inside.items() if not wants & set(inside)}:
        inside = {name: wants for name, wants in inside.items() if name not in ends}

    assert not inside


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_has_a_dozen_files_at_most(room):
    assert len(files_of(room)) <= MOST_FILES


@pytest.mark.parametrize("room", sorted(CORE))
def test_only_adapters_import_an_http_library(room):
    assert not libraries(room) & HTTP_LIBRARIES


@pytest.mark.parametrize("room", ARROWS)
def test_only_the_files_about_plugins_import_pluggy_and_only_sdk_imports_wrapt(room):
    assert ("pluggy" in libraries(room)) is (room in ("hookspecs", "plugins"))
    assert ("wrapt" in libraries(room)) is (room == "sdk")


@pytest.mark.parametrize("room", sorted(CORE))
def test_the_core_needs_the_standard_library_and_pluggy_alone(room):
    where_installed = {"_credentials": {"trio"}, "_sources": {"certifi"}}.get(room, set())

    assert libraries(room) - where_installed <= {*sys.stdlib_module_names, "pluggy"}


@pytest.mark.parametrize("room", sorted(set(ARROWS) - {"sdk"}))
def test_event_loops_are_imported_only_where_a_caller_waits_in_one(room):
    assert not libraries(room, at_once=True) & {"asyncio", "trio", "anyio"}
    assert not libraries(room) & {"asyncio", "trio", "anyio"} or room == "_credentials"


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


def test_what_asks_for_credentials_is_imported_when_it_is_first_used():
    assert "xkit_auth._credentials" not in modules_after("import xkit_auth; xkit_auth.NotConnected")
    assert "xkit_auth._credentials" in modules_after("from xkit_auth import Xkit")


def test_hookimpl_is_imported_when_it_is_first_used():
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
