"""CONTRIBUTING.md and the page "Change xkit-auth" name only what exists."""

from __future__ import annotations

import re
import tomllib

import pytest

from helpers.docs_pages import CONTENTS, ROOT, blocks_of

PACKAGE = ROOT / "xkit_auth"
CHANGE = CONTENTS["docs/contribute/change-xkit-auth.md"]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def paths_in(page: str) -> list[str]:
    """Return each path on a page: what ends with a slash or with the suffix of a file."""
    return sorted(set(re.findall(r"(?<![\w./<>-])(?:[\w.-]+/)*[\w.-]+(?:/(?![\w<])|\.(?:py|md|toml)\b)", page)))


def is_there(path: str) -> bool:
    """Return whether a path exists, from the root of the checkout or from the package."""
    return (ROOT / path).exists() or (PACKAGE / path).exists()


@pytest.mark.parametrize("path", paths_in(CHANGE))
def test_a_path_on_the_change_page_exists(path):
    assert is_there(path)


@pytest.mark.parametrize("path", paths_in(CONTRIBUTING))
def test_a_path_in_contributing_exists(path):
    assert is_there(path)


def test_paths_are_found_in_every_form():
    page = "`_room/file.py`, `_room/` and [a page](docs/page.md), but neither `_clients/<library>/` nor `<library>.py`"
    assert paths_in(page) == ["_room/", "_room/file.py", "docs/page.md"]
    assert not is_there("_room/file.py")


def test_every_room_is_in_the_drawing():
    (drawing,) = (block.body for block in blocks_of("", CHANGE) if block.language == "text")
    drawn = {path.rstrip("/") for path in paths_in(drawing)}
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")}
    assert drawn == folders - {".", "_cli", "sdk", "testing"} | {"requests.py", "httpx.py", "httpx2.py"}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("_credentials/cache.py", "_hold_for"),
        ("_credentials/broker.py", "_ADAPTERS"),
        ("_connectors/failure.py", "judged"),
        ("requests.py", "open_transport"),
    ],
)
def test_a_name_on_the_change_page_is_defined_where_the_page_says(file, name):
    assert re.search(rf"`(?:\w+\.)?{name}`", CHANGE)
    assert re.search(rf"^ *(?:def {name}\(|{name} = )", (PACKAGE / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_each_dependency_group_of_contributing_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = re.findall(r"--group ([\w-]+)", CONTRIBUTING)
    assert groups
    assert set(groups) <= set(project["dependency-groups"])
