"""How the installed connectors are shown: all of them as a table, or one of them in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .catalog import OUTCOMES

_WIDE = 1000  # what is not a terminal is a file or another program, for which a connector is one line


def print_table(console: Console, entries: Iterable[Mapping[str, Any]]) -> None:
    """A line for each connector."""
    if not console.is_terminal:
        console.width = _WIDE
    table = Table(
        "Connector", "Also", "Kinds", "Hosts", "Params", "Plugin", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for entry in entries:
        table.add_row(
            Text(entry["slug"], "bold"),
            *(Text(", ".join(texts) or "-") for texts in (entry["aliases"], entry["kinds"], _all_hosts(entry))),
            Text(", ".join(entry["params"]) or "-"),
            Text(entry["plugin"], "dim"),
        )
    console.print(table)


def _all_hosts(entry: Mapping[str, Any]) -> list[str]:
    hosts = [host for kind in entry["kinds"].values() for host in kind["hosts"]]
    return list(dict.fromkeys(hosts)) or ["(hosts= of your own)"]


def print_one(console: Console, entry: Mapping[str, Any], about: str) -> None:
    """Everything about one connector."""
    console.print(Text(entry["slug"], "bold"), Text(f"from the plugin {entry['plugin']}", "dim"))
    for paragraph in about.replace("``", "").split("\n\n") if about else ():
        console.print(Text(f"\n{' '.join(paragraph.splitlines())}"))
    for title, lines in _sections(entry):
        console.print(Text(f"\n{title}", "bold cyan"))
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)


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
