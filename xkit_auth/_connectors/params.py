"""Per-connection data that hosts and headers need, and the rules that keep it harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from .._values import ConfigurationError, why_not_sendable

Params: TypeAlias = Mapping[str, str]
ParamRule: TypeAlias = str | Sequence[str]

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_BELOW = (".", "*.")
_MOST_TOLD = 40
SUFFIX = re.compile(r"(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?){2,}", re.IGNORECASE | re.ASCII)


def is_rule(rule: object) -> bool:
    """Whether this is a rule for a param."""
    if isinstance(rule, str):
        return rule in ("label", "id") or _is_below_rule(rule)
    choices: tuple[object, ...] = tuple(rule) if isinstance(rule, Iterable) else ()
    return bool(choices) and all(isinstance(choice, str) and _is_choice(choice) for choice in choices)


def _is_choice(text: str) -> bool:
    return _is_below_rule(text) if text.startswith(_BELOW) else why_not_sendable(text) is None


def _is_below_rule(text: str) -> bool:
    return text.startswith(_BELOW) and SUFFIX.fullmatch(text.removeprefix("*")) is not None


def values_of(rule: ParamRule) -> tuple[str, ...]:
    """The values that a rule lists as they are."""
    return () if isinstance(rule, str) else tuple(choice for choice in rule if not choice.startswith(_BELOW))


def shortest(rule: ParamRule) -> str:
    """A value that fits a rule, of as few labels as any."""
    if isinstance(rule, str):
        return f"x{rule.removeprefix('*')}" if rule.startswith(_BELOW) else "x"
    return min((*values_of(rule), *(shortest(each) for each in rule if each.startswith(_BELOW))), key=_dots_in)


def _dots_in(text: str) -> int:
    return text.count(".")


def described(rule: ParamRule) -> str:
    """What a rule allows, in words."""
    if rule == "label":
        return "one DNS label, such as 'acme'"
    if rule == "id":
        return "1 to 128 letters, digits, dots, dashes and underscores"
    if isinstance(rule, str):
        return f"a host {'one label ' if rule.startswith('*') else ''}below {rule.removeprefix('*')!r}"
    values = values_of(rule)
    few = values if len(values) <= _MOST_TOLD else (f"{len(values)} values that it knows, such as {values[0]}",)
    parts = [f"one of {', '.join(few)}"] if values else []
    return " or ".join([*parts, *(described(choice) for choice in rule if choice.startswith(_BELOW))])


def checked_params(
    connector: str, rules: Mapping[str, ParamRule], params: Params, needed: Iterable[str]
) -> dict[str, str]:
    """``params`` as the connector wants them: those that are needed are there, and each is of the form of its rule.

    Raises:
        ConfigurationError: one is missing, unknown, or not of the form that its rule asks for.
    """
    missing = [name for name in needed if name not in params]
    unknown = [name for name in params if name not in rules]
    for name in (*missing, *unknown):
        problem = "is missing" if name in missing else "is not known"
        raise ConfigurationError(
            f"The param {name!r} {problem}",
            connector=connector,
            hint=f"Correct params= in your application. This connector takes: {', '.join(rules) or 'none'}.",
        )
    for name, value in params.items():
        if not isinstance(value, str) or not _fits(value, rules[name]):
            raise ConfigurationError(
                f"The param {name!r} is not of the form that the connector allows",
                connector=connector,
                hint=f"Correct params= in your application: it must be {described(rules[name])}.",
            )
    return dict(params)


def _fits(value: str, rule: ParamRule) -> bool:
    if rule == "label":
        return _LABEL.fullmatch(value) is not None
    if rule == "id":
        return _ID.fullmatch(value) is not None and value.strip(".") != ""  # dots alone mean something in a path
    if isinstance(rule, str):
        return _is_below(value, rule)
    return any(_is_below(value, choice) if choice.startswith(_BELOW) else value == choice for choice in rule)


def _is_below(host: str, rule: str) -> bool:
    suffix = rule.removeprefix("*")
    labels, found = host[: -len(suffix)].split("."), host.isascii() and host.lower().endswith(suffix.lower())
    return found and all(map(_LABEL.fullmatch, labels)) and (suffix == rule or len(labels) == 1)
