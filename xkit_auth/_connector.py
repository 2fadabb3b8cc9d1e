"""What is known about a provider, as data: its hosts, where its credential goes, how it refuses one.

A mistake in a ``Connector`` is found when it is made, and the error names the connector and the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._errors import ConfigurationError
from ._model import Judgement, ResponseView, Value, Verdict
from ._origin import Hosts
from ._placement import SLOT, Params, Placement, Template
from ._text import is_header_name, why_not_sendable

ParamRule = str | Sequence[str]

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SLUG = re.compile(r"[^\s/\\\x00-\x1f\x7f]+")


class Failure(Value):
    """One rule that reads a provider's answer. Every condition that is given must hold.

    Attributes:
        then: the verdict if the rule holds.
        status: the HTTP status, or several.
        header: header names and a text that the header's value must contain, in any case; ``""`` if it need only be
            there.
        json: paths into a JSON body, such as ``"error.code"`` or ``"errors.0.code"``, and the value that must be there,
            or a set, list or tuple of values one of which must be there. The connector's ``inspect`` must name the
            status.

    Example:
        >>> rule = Failure(Verdict.REFETCH, status=200, json={"ok": False, "error": ("token_expired", "invalid_auth")})
    """

    __slots__ = ("header", "json", "status", "then")
    then: Verdict
    status: tuple[int, ...]
    header: Mapping[str, str]
    json: Mapping[str, Any]

    def __init__(
        self,
        then: Verdict,
        *,
        status: int | Iterable[int] = (),
        header: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> None:
        self._set(
            then=then,
            status=(status,) if isinstance(status, int) else tuple(status),
            header=dict(header or {}),
            json=dict(json or {}),
        )

    def holds(self, response: ResponseView) -> bool:
        """Whether the answer is of the kind that this rule describes."""
        if self.status and response.status not in self.status:
            return False
        for name, part in self.header.items():
            if part.lower() not in response.headers.get(name, "").lower() or name not in response.headers:
                return False
        return all(_matches(_at(response.json, path), wanted) for path, wanted in self.json.items())


_MISSING = object()


def _at(body: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(body, dict):
            body = body.get(step, _MISSING)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return _MISSING
    return body


def _matches(found: Any, wanted: Any) -> bool:
    choices = wanted if isinstance(wanted, (set, frozenset, list, tuple)) else (wanted,)
    return any(type(found) is type(choice) and found == choice for choice in choices)


class Connector(Value):
    """A provider as data: which hosts it has, where its credential goes, what a refusal looks like.

    Args:
        slug: its usual name in Xkit, such as ``"slack"``.
        aliases: other slugs under which it is commonly configured, such as ``"github-oauth"``.
        hosts: ``host[:port]`` entries that may receive the credential; ``*.`` in front is exactly one label;
            ``{param.NAME}`` is filled from ``params``.
        params: per-connection data that hosts or headers need, each with its rule: ``"label"`` (one DNS label),
            ``"id"`` (``[A-Za-z0-9._-]``, 128 at most), a list of allowed values, or a host suffix such as
            ``".my.salesforce.com"`` under which the value must lie.
        header, basic: where the credential goes, short for ``kinds={"oauth2": Placement(header=…, basic=…)}``.
        extra: further headers that the provider wants; wrap a value in ``Default`` if the caller's own shall win.
        kinds: the kinds of credential, by name, if there are several; the first is the default.
        failures: rules for the provider's answers, the first that holds wins; after them 401 means ``REFETCH`` and
            429 ``RATE_LIMITED``.
        inspect: statuses and the content type for which the rules may read the body, such as
            ``{200: "application/json"}``: at most 64 KiB of JSON, never a stream or a download.

    Raises:
        ConfigurationError: something in it cannot be; the text names the connector and the field.

    Example:
        >>> acme = Connector("acme", hosts=["api.acme.example"], header={"X-Api-Key": "{token}"})
    """

    __slots__ = ("aliases", "extra", "failures", "hosts", "inspect", "kinds", "params", "slug")
    slug: str
    aliases: tuple[str, ...]
    hosts: tuple[str, ...]
    params: Mapping[str, ParamRule]
    kinds: Mapping[str, Placement]
    extra: Mapping[str, str]
    failures: tuple[Failure, ...]
    inspect: Mapping[int, str]

    def __init__(
        self,
        slug: str,
        *,
        hosts: Iterable[str],
        aliases: Iterable[str] = (),
        params: Mapping[str, ParamRule] | None = None,
        header: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
        kinds: Mapping[str, Placement] | None = None,
        failures: Iterable[Failure] = (),
        inspect: Mapping[int, str] | None = None,
    ) -> None:
        self._set(
            slug=slug,
            aliases=_texts(slug, "aliases", aliases),
            hosts=_texts(slug, "hosts", hosts),
            params=_mapping(slug, "params", params),
            kinds=_kinds(slug, kinds, header, basic),
            extra=_mapping(slug, "extra", extra),
            failures=_list(slug, "failures", failures),
            inspect=_mapping(slug, "inspect", inspect),
        )
        _Check(self).everything()

    def replace(self, **changes: Any) -> Connector:
        """The same connector with some of its fields changed: ``slack.replace(hosts=["slack.example"])``."""
        return Connector(**{**self._attributes(), **changes})

    def __repr__(self) -> str:
        return f"Connector({getattr(self, 'slug', '')!r})"


def _mistake(slug: object, field: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"Connector {slug!r}: {field}: {why}", hint="Correct the plugin that brings this connector."
    )


def _list(slug: str, field: str, values: object) -> tuple[Any, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise _mistake(slug, field, "it is a list")
    return tuple(values)


def _texts(slug: str, field: str, values: object) -> tuple[str, ...]:
    texts = _list(slug, field, values)
    if not all(isinstance(text, str) for text in texts):
        raise _mistake(slug, field, "it is a list of texts")
    return texts


def _mapping(slug: str, field: str, value: object) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _mistake(slug, field, "it is a mapping")
    return dict(value)


def _kinds(slug: str, kinds: object, header: Any, basic: Any) -> dict[str, Placement]:
    if kinds is None:
        _mapping(slug, "header", header)
        if basic is not None:
            _list(slug, "basic", basic)
        return {"oauth2": Placement(header=header, basic=basic)}
    if header is not None or basic is not None:
        raise _mistake(slug, "kinds", "give kinds=, or header= or basic=, not both")
    return _mapping(slug, "kinds", kinds)


class _Check:
    """Goes through a new connector once, so that its mistakes show when the plugin loads and not at night."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.param_slots = tuple(f"param.{name}" for name in connector.params)

    def everything(self) -> None:
        for name in (self.connector.slug, *self.connector.aliases):
            if not isinstance(name, str) or name in (".", "..") or not _SLUG.fullmatch(name):
                raise self.mistake("slug", "a slug is a text without spaces, slashes and control characters")
        for name, rule in self.connector.params.items():
            self.param_rule(name, rule)
        for entry in self.connector.hosts:
            self.template("hosts", entry, self.param_slots)
        if not any("{" in entry for entry in self.connector.hosts):
            hosts_of(self.connector, {})
        if not self.connector.kinds:
            raise self.mistake("kinds", "there must be one at least")
        for kind, placement in self.connector.kinds.items():
            self.placement(kind, placement)
        for name, value in self.connector.extra.items():
            self.header("extra", name, value, self.param_slots)
        for index, failure in enumerate(self.connector.failures):
            self.failure(f"failures[{index}]", failure)

    def mistake(self, field: str, why: str) -> ConfigurationError:
        return _mistake(self.connector.slug, field, why)

    def template(self, field: str, text: str, allowed: Iterable[str]) -> None:
        try:
            Template(text, allowed=allowed)
        except ValueError as mistake:
            raise self.mistake(field, str(mistake)) from None

    def header(self, field: str, name: str, text: str, allowed: Iterable[str]) -> None:
        if not isinstance(name, str) or not is_header_name(name):
            raise self.mistake(field, f"{name!r} is not the name of a header")
        reason = why_not_sendable(SLOT.sub("x", text)) if isinstance(text, str) else "it is not a text"
        if reason:
            raise self.mistake(field, f"the value of {name} cannot be sent: {reason}")
        self.template(field, text, allowed)

    def placement(self, kind: str, placement: Placement) -> None:
        allowed = ("token", "field.", *self.param_slots)
        if not isinstance(kind, str) or not isinstance(placement, Placement):
            raise self.mistake(f"kinds[{kind!r}]", "a kind is a name with its Placement(…)")
        if bool(placement.header) == (placement.basic is not None):
            raise self.mistake(f"kinds[{kind!r}]", "it needs header= or basic=, one of the two")
        for name, text in placement.header.items():
            self.header(f"kinds[{kind!r}].header", name, text, allowed)
        if placement.basic is not None:
            self.basic(f"kinds[{kind!r}].basic", placement.basic, allowed)

    def basic(self, field: str, pair: Sequence[object], allowed: Iterable[str]) -> None:
        if len(pair) != 2:
            raise self.mistake(field, "it is a pair: user name and password")
        for text in pair:
            reason = why_not_sendable(SLOT.sub("x", text)) if isinstance(text, str) else "it is not a text"
            if reason and text != "":
                raise self.mistake(field, f"a half of it cannot be sent: {reason}")
            self.template(field, str(text), allowed)

    def param_rule(self, name: str, rule: ParamRule) -> None:
        if isinstance(rule, str):
            is_rule = rule in ("label", "id") or _SUFFIX.fullmatch(rule) is not None
        else:
            choices: tuple[object, ...] = tuple(rule) if isinstance(rule, Iterable) else ()
            good = [isinstance(value, str) and not why_not_sendable(value) for value in choices]
            is_rule = bool(good) and all(good)
        if is_rule:
            return
        known = '"label", "id", a list of texts or a suffix like ".acme.com"'
        raise self.mistake(f"params[{name!r}]", f"the rule is {known}")

    def failure(self, field: str, rule: Failure) -> None:
        if not isinstance(rule, Failure) or not isinstance(rule.then, Verdict):
            raise self.mistake(field, "a rule is Failure(Verdict.…, …)")
        if not (rule.status or rule.header or rule.json):
            raise self.mistake(field, "a rule needs a condition: status=, header= or json=")
        if rule.json and not set(rule.status or (-1,)) <= set(self.connector.inspect):
            raise self.mistake(field, "json= needs status=, and inspect= must name each of those statuses")


_SUFFIX = re.compile(r"(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?){2,}", re.IGNORECASE | re.ASCII)


def checked_params(connector: Connector, params: Params) -> dict[str, str]:
    """``params`` as the connector wants them.

    Raises:
        ConfigurationError: one is missing, unknown, or not of the form that its rule asks for.
    """
    for name in (*connector.params, *params):
        if name not in params or name not in connector.params:
            problem = "is missing" if name in connector.params else "is not known"
            raise ConfigurationError(
                f"The param {name!r} {problem}",
                connector=connector.slug,
                hint=f"This connector takes params: {', '.join(connector.params) or 'none'}.",
            )
    for name, rule in connector.params.items():
        value = params[name]
        if not isinstance(value, str) or not _fits(value, rule):
            raise ConfigurationError(
                f"The param {name!r} is not of the form that the connector allows",
                connector=connector.slug,
                hint=f"It must be {_described(rule)}.",
            )
    return dict(params)


def _fits(value: str, rule: ParamRule) -> bool:
    if rule == "label":
        return _LABEL.fullmatch(value) is not None
    if rule == "id":
        return _ID.fullmatch(value) is not None
    if isinstance(rule, str):
        below, found = value[: -len(rule)], value.lower().endswith(rule.lower())
        return found and all(_LABEL.fullmatch(label) for label in below.split("."))
    return value in rule


def _described(rule: ParamRule) -> str:
    if rule == "label":
        return "one DNS label, such as 'acme'"
    if rule == "id":
        return "1 to 128 letters, digits, dots, dashes and underscores"
    return f"a host below {rule!r}" if isinstance(rule, str) else f"one of {', '.join(rule)}"


def hosts_of(connector: Connector, params: Params) -> Hosts:
    """The connector's hosts with its params filled in."""
    slots = tuple(f"param.{name}" for name in connector.params)
    entries = [
        Template(entry, allowed=slots).filled(lambda slot: params[slot.removeprefix("param.")])
        for entry in connector.hosts
    ]
    try:
        return Hosts(entries)
    except ValueError as mistake:
        raise ConfigurationError(f"Connector {connector.slug!r}: hosts: {mistake}") from None


def judged_by_rules(connector: Connector, response: ResponseView) -> Judgement:
    """What the connector's own rules say about an answer; after them come the two that hold everywhere."""
    for rule in connector.failures:
        if rule.holds(response):
            return Judgement(rule.then)
    if response.status == 401:
        return Judgement(Verdict.REFETCH)
    return Judgement(Verdict.RATE_LIMITED if response.status == 429 else Verdict.ACCEPTED)
