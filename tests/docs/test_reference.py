"""The reference is complete, and its code compiles and names only what exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from importlib.util import find_spec
from typing import Any

import pytest

import xkit_auth
from helpers.docs_pages import BLOCKS, CONTENTS, DOCS, PYTHON, ROOT, blocks_of, errors
from xkit_auth import Connector, Failure, Judgement, Placement, Verdict, Xkit, XkitAuthError, hookspecs
from xkit_auth.testing import Answer, Sandbox, check_connector

REFERENCE = {path.stem: path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")}


CLIENTS = ("requests", "httpx", "httpx2")


# All take the same arguments, so the one of any installed client will do.
XkitAuth: Any = importlib.import_module(f"xkit_auth.{next(filter(find_spec, CLIENTS))}").XkitAuth


# Names and arguments


def test_every_hook_has_a_heading_with_its_arguments():
    hooks = {name: getattr(hookspecs, name) for name in vars(hookspecs) if name.startswith("xkit_auth_")}
    expected = [f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in hooks.items()]
    assert re.findall(r"^## `(xkit_auth_.*)`$", REFERENCE["hooks"], re.MULTILINE) == expected
    assert re.findall(r"^\.\. autofunction:: xkit_auth\.hookspecs\.(\w+)$", REFERENCE["hooks"], re.MULTILINE) == list(
        hooks
    )


def test_the_error_table_lists_every_error_with_its_retryable_flag():
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \|$", REFERENCE["errors"], re.MULTILINE)
    assert sorted(rows) == sorted((name, "yes" if each.retryable else "no") for name, each in errors().items())


def test_the_error_tree_matches_the_classes():
    (tree,) = [block.body for block in blocks_of("", REFERENCE["errors"]) if "├─" in block.body]
    drawn: list[tuple[str, str | None]] = []
    path: list[str] = []
    for line in tree.splitlines():
        indent = re.match(r"[│├└─ ]*", line)
        assert indent is not None
        depth = len(indent[0]) // 3 if indent[0] else 0
        path = [*path[:depth], line[indent.end() :]]
        drawn.append((path[-1], path[-2] if depth else None))
    expected = {
        (name, each.__base__.__name__ if each is not XkitAuthError else None) for name, each in errors().items()
    }
    assert set(drawn) == expected
    assert len(drawn) == len(expected)


@pytest.mark.parametrize("name", xkit_auth.__all__)
def test_every_public_name_is_in_the_reference(name):
    entry = re.compile(
        rf"^\.\. (?:auto(?:class|exception|function)|py:data|py:decorator):: xkit_auth\.{name}$", re.MULTILINE
    )
    assert [page for page, text in REFERENCE.items() if entry.search(text)], f"{name} is on no page of docs/reference"


def test_the_auth_objects_of_every_client_are_in_the_reference():
    for client in CLIENTS:
        assert f".. autoclass:: xkit_auth.{client}.XkitAuth\n" in REFERENCE["api"]
    assert ".. autoclass:: xkit_auth.requests.NoAuth\n" in REFERENCE["api"]
    # The docstring of __init__ describes the arguments. Sphinx includes it only with this option.
    assert ".. autoclass:: xkit_auth.requests.XkitAuth\n   :class-doc-from: both\n" in REFERENCE["api"]


def documented_arguments(docstring: str | None) -> list[str]:
    """Return the names below ``Args:``."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    start = lines.index("Args:") + 1
    names: list[str] = []
    for line in lines[start:]:
        if line and not line.startswith(" "):
            break
        match = re.match(r" {4}(\w+(?:, \w+)*): ", line)
        names += match[1].split(", ") if match else []
    return names


@pytest.mark.parametrize(
    ("docstring", "function"),
    [
        pytest.param(Xkit.__doc__, Xkit, id="Xkit"),
        pytest.param(Connector.__doc__, Connector, id="Connector"),
        pytest.param(XkitAuth.__init__.__doc__, XkitAuth, id="XkitAuth"),
    ],
)
def test_every_argument_is_documented_once(docstring, function):
    assert sorted(documented_arguments(docstring)) == sorted(inspect.signature(function).parameters)


def test_the_reference_lists_every_public_method_of_xkit():
    methods = [name for name, value in vars(Xkit).items() if not name.startswith("_") and callable(getattr(Xkit, name))]
    listed = re.search(r"autoclass:: xkit_auth\.Xkit\n   :members: (.*)\n", REFERENCE["api"])
    assert listed is not None
    assert set(methods) - set(listed[1].split(", ")) == {"explain"}, "explain is for auth objects"


@pytest.mark.needs_all
def test_every_command_option_is_documented():
    import click

    from xkit_auth._cli.app import app

    assert isinstance(app, click.Group)
    for name, command in app.commands.items():
        assert f"xkit-auth {name}" in REFERENCE["command"]
        for parameter in filter(is_option, command.params):
            for option in parameter.opts:
                assert f"`{option}" in REFERENCE["command"], f"{option} of xkit-auth {name}"
    listed = set(re.findall(r"`(--?[\w-]+)", REFERENCE["command"]))
    known = {option for command in app.commands.values() for each in command.params for option in each.opts}
    assert listed - known == {"-h", "--help"}


def is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


# Code blocks


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.where)
def test_a_python_block_compiles(block):
    compile(block.body, block.where, "exec")


CODE = {
    **{block.where: block.body for block in BLOCKS if block.language not in ("{eval-rst}", "{toctree}", "{warning}")},
    **{
        f"plugins/_template/{path}": (ROOT / "plugins/_template" / path).read_text(encoding="utf-8")
        for path in ("xkit_auth_acme.py", "tests/test_acme.py")
    },
    **{block.where: block.body for block in blocks_of("README.md", (ROOT / "README.md").read_text(encoding="utf-8"))},
}


@pytest.mark.parametrize("where", CODE)
def test_code_lines_are_at_most_79_characters(where):
    assert [line for line in CODE[where].splitlines() if len(line) > 79] == []


def test_docstring_example_lines_are_at_most_79_characters():
    lines = [
        line.strip()
        for path in (ROOT / "xkit_auth").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith((">>> ", "... "))
    ]
    assert [line for line in lines if len(line) > 79] == []


SIGNATURES = {
    each.__name__: inspect.signature(each)
    for each in (Answer, Connector, Failure, Judgement, Placement, Sandbox, Xkit, check_connector)
} | {"XkitAuth": inspect.signature(XkitAuth)}


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.where)
def test_a_python_block_uses_only_existing_names(block):
    for node in ast.walk(ast.parse(block.body)):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "xkit_auth":
            for alias in node.names:
                assert exists(f"{node.module}.{alias.name}"), f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Verdict":
            assert node.attr in Verdict.__members__
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sandbox":
            assert hasattr(Sandbox, node.attr) or node.attr in Sandbox.__annotations__, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SIGNATURES:
            keywords = {each.arg: None for each in node.keywords if each.arg}
            SIGNATURES[node.func.id].bind_partial(*node.args, **keywords)


def exists(dotted: str) -> bool:
    """Return whether a name of the package exists. The module of a client that is not installed counts as existing."""
    parts = dotted.split(".")
    at: Any = xkit_auth
    for part, path in zip(parts[1:], [".".join(parts[: end + 1]) for end in range(1, len(parts))], strict=True):
        if hasattr(at, part):
            at = getattr(at, part)
        elif not hasattr(at, "__path__") or find_spec(path) is None:
            return False
        elif part in CLIENTS and find_spec(part) is None:
            return True
        else:
            at = importlib.import_module(path)
    return True


@pytest.mark.parametrize("name", CONTENTS)
def test_each_dotted_name_on_a_page_exists(name):
    for dotted in set(re.findall(r"(?<![\w.\[-])xkit_auth(?:\.\w+)+", CONTENTS[name])):
        assert exists(dotted), dotted


def test_exists_finds_only_existing_names():
    assert exists("xkit_auth.Xkit.get_credential")
    assert exists("xkit_auth.testing.Sandbox")
    assert not exists("xkit_auth.nothing")
    assert not exists("xkit_auth.Xkit.nothing")
