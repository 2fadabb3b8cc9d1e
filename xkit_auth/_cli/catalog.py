"""What is known of the installed connectors, as data: for the command's tables, its JSON, and the reference page."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from .._connectors import (
    PRESENT,
    Connector,
    Contains,
    Default,
    Failure,
    Placement,
    StartsWith,
    choices_of,
    described,
    extra_for,
    hosts_for,
    params_for,
)
from .._values import XkitAuthError
from ..plugins import Brought, Plugins

OUTCOMES = {
    "accepted": "is yours",
    "refetch": "asks Xkit again",
    "reconnect": "the user must connect again",
    "denied": "is yours: another credential does not help",
    "rate_limited": "is yours: too many requests",
    "challenge": "is yours, and an event tells what the provider wants",
}


class NotInstalled(Exception):
    """No connector is installed under a slug, or two are."""


def installed() -> tuple[Plugins, list[str]]:
    """The installed plugins, and what is to be said about those that are broken."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plugins = Plugins()
    return plugins, [str(each.message) for each in caught]


def found(plugins: Plugins, slug: str) -> Brought:
    """The connector of this slug or alias.

    Raises:
        NotInstalled: there is none, or there are two.
    """
    try:
        brought = plugins.find(slug)
    except XkitAuthError as error:
        raise NotInstalled(str(error)) from None
    if brought is None:
        known = [name for each in plugins.all() for name in (each.connector.slug, *each.connector.aliases)]
        near = get_close_matches(slug, known)
        perhaps = f" Did you mean {' or '.join(near)}?" if near else " xkit-auth connectors shows those that are."
        raise NotInstalled(f"No connector is installed under the slug {slug!r}.{perhaps}")
    return brought


def entry_of(brought: Brought) -> dict[str, Any]:
    """Everything about one connector, in plain values."""
    connector = brought.connector
    return {
        "slug": connector.slug,
        "aliases": list(connector.aliases),
        "plugin": brought.plugin,
        "hosts": list(connector.hosts),
        "paths": list(connector.paths),
        "params": {name: described(rule) for name, rule in connector.params.items()},
        "kinds": {kind: kind_of(connector, kind) for kind in connector.kinds},
        "answers": [rule_of(rule) for rule in connector.failures],
    }


def kind_of(connector: Connector, kind: str) -> dict[str, Any]:
    """One kind of credential: where it goes, and what it needs."""
    placement = connector.kinds[kind]
    return {
        "sends": sends(placement),
        "hosts": list(hosts_for(connector, kind)),
        "needs_params": list(params_for(connector, kind)),
        "adds_headers": {
            name: {"value": str(value), "gives_way": isinstance(value, Default)}
            for name, value in extra_for(connector, kind).items()
        },
        "default": kind == next(iter(connector.kinds)) and not placement.exposes,
    }


def sends(placement: Placement) -> list[str]:
    """Where the credential goes, a line for each place."""
    lines = [f"{name}: {template}" for name, template in placement.header.items()]
    if placement.basic is not None:
        lines.append("HTTP Basic: {} : {}".format(*placement.basic).rstrip())
    lines += [f"?{name}={template}" for name, template in placement.query.items()]
    return [*lines, f"{placement.path}/… before the path"] if placement.path else lines


def rule_of(rule: Failure) -> dict[str, str]:
    """A rule in words: what it looks at, and what follows."""
    conditions = [f"status {_any_of(rule.status)}"] if rule.status else []
    conditions += [f"header {name} {_says(wanted)}" for name, wanted in rule.header.items()]
    conditions += [f"WWW-Authenticate: {name} {_says(wanted)}" for name, wanted in rule.challenge.items()]
    conditions += [f"JSON {path} {_says(wanted)}" for path, wanted in rule.json.items()]
    conditions += [f"text {_says(rule.text)}"] if rule.text is not None else []
    return {"if": ", ".join(conditions), "verdict": rule.then.value, "then": OUTCOMES[rule.then.value]}


def _says(wanted: Any) -> str:
    by_verb: dict[str, list[Any]] = {}
    for choice in choices_of(wanted):
        by_verb.setdefault(_VERBS.get(type(choice), "is"), []).append(getattr(choice, "text", choice))
    if choices_of(wanted) == (PRESENT,):
        return "is there"
    return " or ".join(f"{verb} {_any_of(choices)}" for verb, choices in by_verb.items())


_VERBS: dict[type, str] = {Contains: "contains", StartsWith: "begins with"}


def _any_of(choices: Iterable[Any]) -> str:
    *most, last = _with_ranges(list(choices))
    return f"{', '.join(most)} or {last}" if most else last


def _with_ranges(choices: list[Any]) -> list[str]:
    """Each choice as a text, and numbers that follow each other as one."""
    texts: list[str] = []
    while choices:
        first, length = choices[0], 1
        while type(first) is int and choices[length : length + 1] == [first + length]:
            length += 1
        texts += [f"{first} to {first + length - 1}"] if length > 2 else [repr(each) for each in choices[:length]]
        choices = choices[length:]
    return texts


def about(plugins: Plugins, brought: Brought) -> str:
    """What the module that makes the connector says of it."""
    found = plugins.get(brought.plugin)
    for module in [sys.modules.get(getattr(found, "__name__", "")), *_parts_of(found)]:
        if module is not None and any(value is brought.connector for value in vars(module).values()):
            return inspect.getdoc(module) or ""
    return ""


def _parts_of(plugin: object) -> list[Any]:
    prefix = f"{getattr(plugin, '__name__', '?')}."
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(prefix)]
