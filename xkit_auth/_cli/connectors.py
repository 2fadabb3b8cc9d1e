"""How the installed connectors are shown: all of them as a table, or one of them in words. Only the looks need rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from .._values import to_install
from .catalog import OUTCOMES

if TYPE_CHECKING:
    from rich.console import Console

NOTHING = f"No connectors are installed. For Slack's, {to_install(packages=['xkit-auth-slack'])}."

_GAP = "  "


def print_table(console: Console, entries: Sequence[Mapping[str, Any]]) -> None:
    """The table, in the width of a terminal."""
    from rich.text import Text

    heading, *lines = lines_of_table(entries, console.width if console.is_terminal else None)
    console.print(Text(heading, "bold"), soft_wrap=True)
    for line in lines:
        text = Text(line)
        text.stylize("bold", 0, len(line) - len(line.partition(" ")[2]))
        console.print(text, soft_wrap=True)


def lines_of_table(entries: Sequence[Mapping[str, Any]], width: int | None) -> list[str]:
    """A heading, and a line for each connector; where that does not fit, less of each, with a line for each host.

    What is not a terminal has no width: it is a file or another program, for which a connector is one line.
    """
    rows = [["Connector", "Also", "Kinds", "Hosts", "Params", "Plugin"], *map(_row, entries)]
    lines = _aligned(rows)
    if width is None or max(map(len, lines)) <= width:
        return lines
    rows = [["Connector", "Hosts", "Plugin"]]
    for entry in entries:
        first = (entry["slug"], entry["plugin"].partition(" ")[0])
        for host, (slug, plugin) in zip_longest(_all_hosts(entry), [first], fillvalue=("", "")):
            rows.append([slug, str(host), plugin])
    return _aligned(rows)


def _row(entry: Mapping[str, Any]) -> list[str]:
    texts = (entry["aliases"], entry["kinds"], _all_hosts(entry), entry["params"])
    return [entry["slug"], *(", ".join(each) or "-" for each in texts), entry["plugin"]]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_GAP.join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _all_hosts(entry: Mapping[str, Any]) -> list[str]:
    hosts = [host for kind in entry["kinds"].values() for host in kind["hosts"]]
    return list(dict.fromkeys(hosts)) or ["(hosts= of your own)"]


def print_one(console: Console, entry: Mapping[str, Any], about: str) -> None:
    """Everything about one connector."""
    from rich.text import Text

    heading, *lines = lines_of_one(entry, about)
    console.print(Text.assemble((entry["slug"], "bold"), (heading.removeprefix(entry["slug"]), "dim")))
    for line in lines:
        is_title = bool(line) and line in _titles(entry)
        console.print(Text(line, "bold cyan" if is_title else ""), soft_wrap=line.startswith("  "))


def lines_of_one(entry: Mapping[str, Any], about: str) -> list[str]:
    """The same as plain lines."""
    lines = [f"{entry['slug']} from the plugin {entry['plugin']}"]
    for paragraph in about.replace("``", "").split("\n\n") if about else ():
        lines += ["", " ".join(paragraph.splitlines())]
    for title, texts in _sections(entry):
        lines += ["", title, *(f"  {text}" for text in texts)]
    return lines


def _titles(entry: Mapping[str, Any]) -> list[str]:
    return [title for title, _ in _sections(entry)]


def _sections(entry: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    if entry["aliases"]:
        yield "Other slugs for it", entry["aliases"]
    for name, kind in entry["kinds"].items():
        yield f"Credential {name!r}{', the default' if kind['default'] else ''}", _lines_of_kind(kind)
    if entry["params"]:
        yield "Params", [f"{name}: {rule}" for name, rule in entry["params"].items()]
    if entry["paths"]:
        yield "Told apart by ANY, where others have its host, by a path that begins with", entry["paths"]
    answers = [f"{answer['if']}: {answer['then']}" for answer in entry["answers"]]
    usual = [f"status 401: {OUTCOMES['refetch']}", f"status 429: {OUTCOMES['rate_limited']}"]
    yield "What an answer means (the first that fits counts)", [*answers, *usual]
    yield "Use", [use_of(entry)]


def _lines_of_kind(kind: Mapping[str, Any]) -> list[str]:
    lines = [f"sent as  {line}" for line in kind["sends"]]
    for name, extra in kind["adds_headers"].items():
        lines.append(f"and      {name}: {extra['value']}" + (", if you send none" if extra["gives_way"] else ""))
    return [*lines, f"to       {', '.join(kind['hosts']) or 'hosts= of your own'}"]


def use_of(entry: Mapping[str, Any]) -> str:
    """The call that makes an auth object for it."""
    name, kind = next(iter(entry["kinds"].items()))
    arguments = [repr(entry["slug"]), 'context="user-42"']
    if kind["needs_params"]:
        arguments.append("params={" + ", ".join(f'"{param}": "…"' for param in kind["needs_params"]) + "}")
    if not kind["hosts"]:
        arguments.append('hosts=["…"]')
    if not kind["default"]:
        arguments.append(f'kind="{name}"')
    return f"XkitAuth({', '.join(arguments)})".replace("'", '"')
