"""Goes through a new connector once, so that its mistakes show when the plugin loads and not at night."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from .._values import ConfigurationError, Hosts, Verdict, a_kind_of, is_header_name, quoted, why_not_sendable
from .failure import Failure, Matcher, choices_of, steps_of
from .params import SUFFIX, ParamRule, is_rule, shortest, values_of
from .placement import SLOT, Placement, Template, params_in, slots

_AN_EXAMPLE = '{"api_key": Placement(header={"X-Api-Key": "{token}"})}'
_SLUG = re.compile(r"[^\s/\\\x00-\x1f\x7f]+")
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_PART_OF_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.IGNORECASE | re.ASCII)
_JSON_VALUES = (str, int, float, bool, type(None))
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


class Fields(Protocol):
    """A connector, as far as it is looked at here."""

    slug: str
    aliases: tuple[str, ...]
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    params: Mapping[str, ParamRule]
    kinds: Mapping[str, Placement]
    extra: Mapping[str, str]
    failures: tuple[Failure, ...]
    inspect: Mapping[int, str | tuple[str, ...]]


def mistake(slug: object, field: str, why: str) -> ConfigurationError:
    """The error about one field of a connector."""
    return ConfigurationError(
        f"Connector {slug!r}: {field}: {why}",
        hint="Correct the code that makes this Connector: that of a plugin, or your own.",
    )


def why_no_slug(name: object) -> str | None:
    """Why something cannot be a connector's slug, or ``None`` if it can."""
    if isinstance(name, str) and name not in (".", "..") and _SLUG.fullmatch(name):
        return None
    return "a slug is a text without spaces, slashes and control characters"


def check(connector: Fields) -> None:
    """Look at every field.

    Raises:
        ConfigurationError: something in the connector cannot be; the text names the connector and the field.
    """
    _Check(connector).everything()


class _Check:
    def __init__(self, connector: Fields) -> None:
        self.connector = connector
        self.param_slots = slots(connector.params)
        self.all_slots = slots(connector.params, with_credential=True)

    def everything(self) -> None:
        for name in (self.connector.slug, *self.connector.aliases):
            reason = why_no_slug(name)
            if reason:
                raise self.mistake("slug", reason)
        for name, rule in self.connector.params.items():
            self.param_rule(name, rule)
        self.hosts("hosts", self.connector.hosts)
        for path in self.connector.paths:
            self.path("paths", path)
        if not self.connector.kinds:
            raise self.mistake("kinds", "there must be one at least")
        for kind, placement in self.connector.kinds.items():
            self.placement(f"kinds[{kind!r}]", kind, placement)
        self.headers("extra", self.connector.extra, self.param_slots)
        for status, types in self.connector.inspect.items():
            self.inspected(status, types)
        for index, failure in enumerate(self.connector.failures):
            self.failure(f"failures[{index}]", failure)

    def mistake(self, field: str, why: str) -> ConfigurationError:
        return mistake(self.connector.slug, field, why)

    # Where it may go

    def hosts(self, field: str, entries: object) -> None:
        if not isinstance(entries, tuple) or not all(isinstance(entry, str) for entry in entries):
            raise self.mistake(field, 'it must be a list of texts: write hosts=["api.acme.example"]')
        for entry in entries:
            self.template(field, entry, self.param_slots)
            self.host_with_params(field, entry)
        try:
            Hosts(map(self.shortest, entries))
        except ValueError as problem:
            raise self.mistake(field, str(problem)) from None

    def host_with_params(self, field: str, entry: str) -> None:
        """A param must not be able to name just any host."""
        for name in params_in(entry):
            rule = self.connector.params[name]
            if rule == "id":
                raise self.mistake(field, f"{entry!r}: the param {name!r} is an id, which a host cannot be made of")
            behind = entry.rpartition(f"{{param.{name}}}")[2].partition(":")[0]
            if rule == "label" and not SUFFIX.fullmatch("".join(self.shortest(behind).partition(".")[1:])):
                raise self.mistake(field, f"{entry!r} has no domain of the provider's behind the param {name!r}")
            for choice in values_of(rule):
                if not _PART_OF_HOST.fullmatch(choice):
                    raise self.mistake(
                        field, f"{entry!r}: the param {name!r} may be {choice!r}, which is no part of a host"
                    )

    def shortest(self, text: str) -> str:
        """``text`` with its params filled in, with as few labels as their rules allow."""
        return SLOT.sub(lambda slot: shortest(self.connector.params[slot[1].removeprefix("param.")]), text)

    def path(self, field: str, text: str) -> None:
        if not _PATH.fullmatch(text):
            raise self.mistake(
                field, f"{quoted(text)} is not the beginning of a path, percent-encoded where that is needed"
            )

    def param_rule(self, name: object, rule: ParamRule) -> None:
        if not isinstance(name, str):
            raise self.mistake("params", "the name of a param is a text")
        if not is_rule(rule):
            known = '"label", "id", a suffix like ".acme.com" or "*.acme.com", or a list of texts and suffixes'
            raise self.mistake(f"params[{name!r}]", f"the rule is {known}")

    # Where it is written

    def template(self, field: str, text: str, allowed: Iterable[str]) -> None:
        undeclared = [name for name in params_in(text) if name not in self.connector.params]
        if undeclared:
            example = f'params={{"{undeclared[0]}": "label"}}'
            raise self.mistake(
                field, f"{text!r} names the param {undeclared[0]!r}, which nothing declares: write {example}"
            )
        try:
            Template(text, allowed=allowed)
        except ValueError as problem:
            raise self.mistake(field, str(problem)) from None

    def text(self, field: str, what: str, text: object, allowed: Iterable[str], *, may_be_empty: bool = False) -> None:
        reason = why_not_sendable(SLOT.sub("x", text)) if isinstance(text, str) else "it is not a text"
        if reason and not (may_be_empty and text == ""):
            raise self.mistake(field, f"{what} cannot be sent: {reason}")
        self.template(field, str(text), allowed)

    def headers(self, field: str, headers: Mapping[str, str], allowed: Iterable[str]) -> None:
        for name, text in headers.items():
            if not isinstance(name, str) or not is_header_name(name):
                raise self.mistake(field, f"{quoted(name)} is not the name of a header")
            self.text(field, f"the value of {name}", text, allowed)

    def placement(self, field: str, kind: str, placement: Placement) -> None:
        if not isinstance(kind, str) or not isinstance(placement, Placement):
            raise self.mistake(
                field,
                f"a kind is a name with its Placement(…), not with {a_kind_of(placement)}: write kinds={_AN_EXAMPLE}",
            )
        for name in ("header", "query", "extra"):
            if not isinstance(getattr(placement, name), Mapping):
                raise self.mistake(
                    f"{field}.{name}", f"it must be a mapping, not {a_kind_of(getattr(placement, name))}"
                )
        if placement.header and placement.basic is not None:
            raise self.mistake(field, "it takes header= or basic=, not both")
        self.headers(f"{field}.header", placement.header, self.all_slots)
        if placement.basic is not None:
            self.basic(f"{field}.basic", placement.basic)
        for name, text in placement.query.items():
            self.text(f"{field}.query", "a parameter's name", name, ())
            self.text(f"{field}.query", f"the value of {name}", text, self.all_slots)
        if placement.path != "":
            self.text(f"{field}.path", "it", placement.path, self.all_slots)
            self.path(f"{field}.path", SLOT.sub("x", placement.path))
        if not any(Template(text, allowed=self.all_slots).is_secret for text in placement.templates):
            raise self.mistake(
                field,
                "no template of it names the credential: write {token} or {field.NAME}, in braces",
            )
        self.hosts(f"{field}.hosts", placement.hosts)
        self.headers(f"{field}.extra", placement.extra, self.param_slots)

    def basic(self, field: str, pair: Sequence[object]) -> None:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise self.mistake(field, 'it is a pair, user name and password: write basic=("{token}", "")')
        for text in pair:
            self.text(field, "a half of it", text, self.all_slots, may_be_empty=True)

    # How it is refused

    def inspected(self, status: object, types: str | tuple[str, ...]) -> None:
        field = f"inspect[{status!r}]"
        if type(status) is not int or not 200 <= status < 600:
            raise self.mistake(field, "it is not an HTTP status as a number from 200 to 599")
        if not choices_of(types):
            raise self.mistake(field, "it names a content type, or several")
        for content_type in choices_of(types):
            if not isinstance(content_type, str) or not _CONTENT_TYPE.fullmatch(content_type):
                raise self.mistake(field, 'a content type is written like "application/json", in lower case')
            if status < 400 and "json" not in content_type:
                raise self.mistake(field, "of an answer below 400 only JSON is looked at")

    def failure(self, field: str, rule: Failure) -> None:
        if not isinstance(rule, Failure) or not isinstance(rule.then, Verdict):
            raise self.mistake(field, "a rule is written like Failure(Verdict.REFETCH, status=403)")
        if not all(type(status) is int and 100 <= status < 600 for status in rule.status):
            raise self.mistake(
                field, "status= is an HTTP status, or several, as numbers: status=403 or status=[400, 403]"
            )
        reads_body = bool(rule.json) or rule.text is not None
        if not (rule.status or rule.header or rule.challenge or reads_body):
            raise self.mistake(field, "a rule needs a condition: status=, header=, challenge=, json= or text=")
        if reads_body and not set(rule.status or (-1,)) <= set(self.connector.inspect):
            raise self.mistake(
                field,
                "json= and text= need status=, and inspect= of the connector must name each of those statuses:"
                ' write inspect={400: "application/json"}',
            )
        for name, wanted in (*rule.header.items(), *rule.challenge.items()):
            if not isinstance(name, str) or not is_header_name(name):
                raise self.mistake(field, f"{quoted(name)} is not the name of a header or parameter")
            self.wanted_text(field, name, wanted)
        if rule.text is not None:
            self.wanted_text(field, "the text", rule.text)
        for path, wanted in rule.json.items():
            self.json_path(field, path, wanted)
        if rule.detail is not None and (rule.then is not Verdict.CHALLENGE or rule.detail not in rule.challenge):
            raise self.mistake(field, "detail= names a parameter of challenge=, with Verdict.CHALLENGE")

    def wanted_text(self, field: str, name: str, wanted: Any) -> None:
        choices = choices_of(wanted)
        if not choices or not all(isinstance(choice, str) or _is_matcher(choice) for choice in choices):
            raise self.mistake(field, f"what {name} must say is a text, a matcher, or a list of these")

    def json_path(self, field: str, path: Any, wanted: Any) -> None:
        try:
            steps_of(path)
        except (TypeError, AttributeError):
            raise self.mistake(field, f"{quoted(path)} is not a path into JSON") from None
        except ValueError as problem:
            raise self.mistake(field, str(problem)) from None
        choices = choices_of(wanted)
        if not choices or not all(type(choice) in _JSON_VALUES or _is_matcher(choice) for choice in choices):
            raise self.mistake(field, f"what {path} must be is a text, number, True, False or None, or a list of these")


def _is_matcher(choice: object) -> bool:
    return isinstance(choice, Matcher) and isinstance(choice.text, str)
