"""The pages of the documentation and their code blocks, for the tests in tests/docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import xkit_auth
from xkit_auth import XkitAuthError

ROOT = next(folder for folder in Path(__file__).parents if (folder / "tox.ini").is_file())
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CONTENTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [*PAGES, ROOT / "CHANGELOG.md", *sorted(ROOT.glob("plugins/*/README.md"))]
}
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<what>.*)\n(?P<body>(?:.*\n)*?)(?P=fence)$", re.MULTILINE)
OPTION = re.compile(r"^:(\w+): (.*)\n", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page."""

    where: str
    language: str
    caption: str
    body: str


def blocks_of(name: str, text: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(text):
        directive, _, language = match["what"].partition(" ")
        body, caption = match["body"], ""
        if directive == "{testcode}":
            language = "python"
        elif directive == "{code-block}":
            caption = dict(OPTION.findall(body)).get("caption", "")
            body = OPTION.sub("", body).lstrip("\n")
        else:
            language = directive
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(f"{name}:{line}", language, caption, body))
    return found


BLOCKS = [block for name, text in CONTENTS.items() for block in blocks_of(name, text)]
PYTHON = [block for block in BLOCKS if block.language == "python"]


def errors() -> dict[str, type[XkitAuthError]]:
    public = {name: getattr(xkit_auth, name) for name in xkit_auth.__all__}
    return {name: each for name, each in public.items() if isinstance(each, type) and issubclass(each, XkitAuthError)}
