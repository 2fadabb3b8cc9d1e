from importlib.metadata import version as version_of
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xkit_auth._cli.catalog import entry_of
from xkit_auth._cli.connectors import use_of
from xkit_auth.plugins import Plugins

project = "xkit-auth"
author = "The xkit-auth authors"
copyright = "2026, the xkit-auth authors"  # noqa: A001 - the name that Sphinx asks for
version = release = version_of("xkit-auth")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
]

html_theme = "furo"
html_title = f"xkit-auth {release}"
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# A long signature gets a line for each argument.
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Runs the `{testcode}` blocks of the pages, and the examples in the docstrings that the pages include.
doctest_global_setup = """
from xkit_auth import *
from xkit_auth.testing import *
"""


def keep_colons(_app: object, what: str, _name: str, _what: object, _options: object, lines: list[str]) -> None:
    # In the docstring of an attribute, Napoleon takes the words before a colon for its type.
    if what in ("attribute", "property") and lines:
        lines[0] = lines[0].replace(": ", " - ")


def skip_aliases(_app: object, _what: str, _name: str, member: object, skip: bool, _options: object) -> bool:
    # Python documents a field of a named tuple as "Alias for field number 0"; the class lists it below its attributes.
    return skip or type(member).__name__ == "_tuplegetter"


def shorten(_app: object, _what: str, name: str, *_more: object) -> tuple[str, None] | None:
    # The arguments are the same for every library. The entry of the first one describes them.
    return ("(…)", None) if name in ("xkit_auth.httpx.XkitAuth", "xkit_auth.httpx2.XkitAuth") else None


class ConnectorsPage(SphinxDirective):
    """``{connectors}``: describe the connectors of this project's plugins, as the command does."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        plugins = Plugins()
        if plugins.broken:
            raise self.error(f"a plugin is broken: {plugins.broken}")
        entries = [entry_of(brought) for brought in plugins.all()]
        ours = [each for each in entries if "(xkit-auth-" in each["plugin"]]
        return self.parse_text_to_nodes("\n".join(page_of(ours)), allow_section_headings=True)


def page_of(entries: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for entry in entries:
        lines += [f"## {entry['slug']}", ""]
        if entry["aliases"]:
            lines += [f"Also {code(*entry['aliases'])}.", ""]
        for name, kind in entry["kinds"].items():
            hosts = f"to {code(*kind['hosts'])}" if kind["hosts"] else "to the hosts that you give"
            lines.append(f"- {code(name)}: {code(*kind['sends'])} {hosts}")
            for header, extra in kind["adds_headers"].items():
                yours = ", unless you send one" if extra["gives_way"] else ""
                lines.append(f"  - with `{header}: {extra['value']}`{yours}")
        lines += [f"- param {code(name)}: {rule}" for name, rule in entry["params"].items()]
        lines += [f"- {code(rule['if'])}: {rule['then']}" for rule in entry["answers"]]
        lines += ["", f"`{use_of(entry)}`", ""]
    return lines


def code(*strings: str) -> str:
    return ", ".join(f"`{string}`" for string in strings)


def setup(app: Any) -> None:
    app.add_directive("connectors", ConnectorsPage)
    app.connect("autodoc-process-docstring", keep_colons, priority=1)
    app.connect("autodoc-skip-member", skip_aliases)
    app.connect("autodoc-process-signature", shorten)
