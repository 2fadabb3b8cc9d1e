from importlib.metadata import version as version_of
from typing import Any

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

# What is run: the `{testcode}` blocks of these pages, and the examples in the docstrings that they show.
doctest_global_setup = """
from xkit_auth import *
from xkit_auth.testing import Sandbox
"""


def keep_colons(_app: object, what: str, _name: str, _what: object, _options: object, lines: list[str]) -> None:
    # Napoleon takes the words before a colon, in the docstring of an attribute, for its type.
    if what in ("attribute", "property") and lines:
        lines[0] = lines[0].replace(": ", " - ")


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", keep_colons, priority=1)
