"""The part of the command that needs no library: what it is for, its version, and the connectors."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version

from . import what_is_missing
from .catalog import NotInstalled, about, entry_of, found, installed
from .connectors import NOTHING, lines_of_one, lines_of_table

HELP = """\
Usage: xkit-auth connectors [SLUG] [--json]
       xkit-auth demo
       xkit-auth --version

connectors shows the installed connectors, or explains one. demo shows at work what xkit-auth does.
"""


def run(arguments: Sequence[str]) -> int | None:
    """Do what was asked for and return the exit code; ``None`` if that takes more than there is."""
    if arguments == ["--version"]:
        print(f"xkit-auth {version('xkit-auth')}")
        return 0
    if arguments[:1] == ["connectors"] and not {"-h", "--help"} & {*arguments}:
        options, slugs = [each for each in arguments[1:] if each.startswith("-")], arguments[1:]
        slugs = [each for each in slugs if each not in options]
        return _connectors(slugs, as_json="--json" in options) if {*options} <= {"--json"} and len(slugs) < 2 else None
    if {"-h", "--help"} & {*arguments}:
        print(f"{HELP}\n{what_is_missing('click', 'rich')}")
        return 0
    return None


def _connectors(slugs: Sequence[str], *, as_json: bool) -> int:
    plugins, warnings = installed()
    for warning in warnings:
        print(warning, file=sys.stderr)
    if not slugs:
        entries = [entry_of(each) for each in plugins.all()]
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        lines = lines_of_table(entries, width) if entries else [NOTHING]
        print(json.dumps(entries, indent=2) if as_json else "\n".join(lines))
        return 0
    try:
        brought = found(plugins, slugs[0])
    except NotInstalled as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    entry = entry_of(brought)
    print(json.dumps(entry, indent=2) if as_json else "\n".join(lines_of_one(entry, about(plugins, brought))))
    return 0
