"""What is known about a provider, as data: its hosts, where its credential goes, how it refuses one.

A mistake in a ``Connector`` is found when it is made, and the error names the connector and the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._values import (
    ConfigurationError,
    Hosts,
    Judgement,
    ResponseView,
    Value,
    Verdict,
    a_kind_of,
    plain,
    plain_if_text,
    says_how_to_call,
)
from .connector_check import check, mistake
from .failure import Failure
from .params import ParamRule, Params
from .placement import Default, Placement, Template, params_in, plain_texts, slots


class Connector(Value):
    """A provider as data: which hosts it has, where its credential goes, what a refusal looks like.

    Args:
        slug: its usual name in Xkit, such as ``"slack"``.
        aliases: other slugs under which it is commonly configured, such as ``"github-oauth"``.
        hosts: ``host[:port]`` entries that may receive the credential; ``*.`` in front is exactly one label;
            ``{param.NAME}`` is filled from ``params``. Empty if only the application can know them, as for what is
            self-hosted: it gives ``hosts=``.
        paths: where other connectors have the same host, the beginnings of the paths that are this one's. Only
            ``ANY`` looks at them, to tell the connectors apart.
        params: per-connection data that hosts or headers need, each with its rule: ``"label"`` (one DNS label),
            ``"id"`` (``[A-Za-z0-9._-]``, 128 at most), a host suffix such as ``".my.salesforce.com"`` under which the
            value must lie (``"*.okta.com"``: one label below it), or a list of allowed values and suffixes. No value
            may name a host on which somebody else's code runs.
        header, basic, query: where the credential goes, short for
            ``kinds={"oauth2": Placement(header=…, basic=…, query=…)}``.
        extra: further headers that the provider wants; wrap a value in ``Default`` if the caller's own shall win.
        kinds: the kinds of credential, by name, if there are several; the first is the default.
        failures: rules for the provider's answers, the first that holds wins; after them 401 means ``REFETCH`` and
            429 ``RATE_LIMITED``.
        inspect: the statuses whose bodies the rules may read, with the content type, or several, for which they may:
            ``{200: "application/json"}``. At most 64 KiB are read, never of a download; of a success only JSON is. With
            ``stream=True`` requests is left alone; httpx does not say whether the caller wants a stream, so there the
            head of such an answer is read for 5 seconds at the most, and given back as if nobody had.

    Raises:
        ConfigurationError: something in it cannot be; the text names the connector and the field.

    Example:
        >>> header = {"X-Api-Key": "{token}"}
        >>> acme = Connector("acme", hosts=["api.acme.example"], header=header)
    """

    __slots__ = ("aliases", "extra", "failures", "hosts", "inspect", "kinds", "params", "paths", "slug")
    slug: str
    aliases: tuple[str, ...]
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    params: Mapping[str, ParamRule]
    kinds: Mapping[str, Placement]
    extra: Mapping[str, str]
    failures: tuple[Failure, ...]
    inspect: Mapping[int, str | tuple[str, ...]]

    @says_how_to_call
    def __init__(
        self,
        slug: str,
        *,
        hosts: Iterable[str],
        paths: Iterable[str] = (),
        aliases: Iterable[str] = (),
        params: Mapping[str, ParamRule] | None = None,
        header: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
        kinds: Mapping[str, Placement] | None = None,
        failures: Iterable[Failure] = (),
        inspect: Mapping[int, str | tuple[str, ...]] | None = None,
    ) -> None:
        self._set(
            slug=plain_if_text(slug),
            aliases=_texts(slug, "aliases", aliases),
            hosts=_texts(slug, "hosts", hosts),
            paths=_texts(slug, "paths", paths),
            params=_rules(slug, params),
            kinds=_kinds(slug, kinds, header=header, basic=basic, query=query),
            extra=_mapping(slug, "extra", extra),
            failures=_list(slug, "failures", failures),
            inspect=_mapping(slug, "inspect", inspect),
        )
        check(self)

    def replace(self, **changes: Any) -> Connector:
        """The same connector with some of its fields changed: ``slack.replace(hosts=["slack.example"])``."""
        return Connector(**{**self._attributes(), **changes})

    def __repr__(self) -> str:
        return f"Connector({getattr(self, 'slug', '')!r})"


_MAPPINGS = {
    "params": '{"subdomain": "label"}',
    "header": '{"X-Api-Key": "{token}"}',
    "query": '{"api_key": "{token}"}',
    "extra": '{"Acme-Version": "2"}',
    "kinds": '{"oauth2": Placement(), "api_key": Placement(header={"X-Api-Key": "{token}"})}',
    "inspect": '{400: "application/json"}',
}


def _list(slug: str, field: str, values: object) -> tuple[Any, ...]:
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes)):
        return tuple(values)
    raise mistake(slug, field, f"it must be a list, not {a_kind_of(values)}{_in_a_list(field, values)}")


def _in_a_list(field: str, values: object) -> str:
    """How a single value is written as a list of one, to go behind a text; nothing if that would be no help."""
    if field == "basic":
        return ': write basic=("{token}", ""), user name and password'
    if isinstance(values, Failure):
        return f": write {field}=[Failure(…)]"
    return f': write {field}=["{values}"]' if isinstance(values, str) else ""


def _texts(slug: str, field: str, values: object) -> tuple[str, ...]:
    texts = _list(slug, field, values)
    if not all(isinstance(text, str) for text in texts):
        other = next(text for text in texts if not isinstance(text, str))
        raise mistake(slug, field, f"it must be a list of texts, and {a_kind_of(other)} is in it")
    return tuple(map(plain, texts))


def _mapping(slug: str, field: str, value: object) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise mistake(slug, field, f"it must be a mapping, not {a_kind_of(value)}: write {field}={_MAPPINGS[field]}")
    return plain_texts(value)


def _rules(slug: str, params: object) -> dict[Any, Any]:
    return {name: _rule(rule) for name, rule in _mapping(slug, "params", params).items()}


def _rule(rule: object) -> object:
    if isinstance(rule, str) or not isinstance(rule, Iterable):
        return plain_if_text(rule)
    choices = tuple(rule)
    return rule if all(type(choice) is str for choice in choices) else tuple(map(plain_if_text, choices))


def _kinds(slug: str, kinds: object, *, header: Any, basic: Any, query: Any) -> dict[str, Placement]:
    if kinds is None:
        _mapping(slug, "header", header)
        _mapping(slug, "query", query)
        if basic is not None:
            _list(slug, "basic", basic)
        return {"oauth2": Placement(header=header, basic=basic, query=query)}
    if not (header is basic is query is None):
        raise mistake(slug, "kinds", "give kinds=, or header=, basic= or query=, not both")
    return _mapping(slug, "kinds", kinds)


def hosts_for(connector: Connector, kind: str) -> tuple[str, ...]:
    """The entries for this kind of credential, not yet filled in."""
    return connector.kinds[kind].hosts or connector.hosts


def extra_for(connector: Connector, kind: str) -> Mapping[str, str]:
    """The further headers for this kind of credential, not yet filled in."""
    return {**connector.extra, **connector.kinds[kind].extra}


def params_for(connector: Connector, kind: str, *, with_hosts: bool = True) -> tuple[str, ...]:
    """The names of the params that this kind of credential cannot do without."""
    wanted = [text for text in extra_for(connector, kind).values() if not isinstance(text, Default)]
    texts = [*connector.kinds[kind].templates, *wanted, *(hosts_for(connector, kind) if with_hosts else ())]
    return tuple(dict.fromkeys(name for text in texts for name in params_in(text)))


def filled_hosts(connector: Connector, kind: str, params: Params) -> Hosts:
    """The hosts for this kind of credential, with the params filled in."""
    allowed = slots(connector.params)
    entries = [
        Template(entry, allowed=allowed).filled(lambda slot: params[slot.removeprefix("param.")])
        for entry in hosts_for(connector, kind)
    ]
    try:
        return Hosts(entries)
    except ValueError as problem:
        raise ConfigurationError(
            f"params= makes something of the connector's hosts that is none: {problem}",
            connector=connector.slug,
            hint="Correct the values in params= in your application.",
        ) from None


def judged_by_rules(connector: Connector, response: ResponseView) -> Judgement:
    """What the connector's own rules say about an answer; after them come the two that hold everywhere."""
    for rule in connector.failures:
        judgement = rule.judged(response)
        if judgement is not None:
            return judgement
    if response.status == 401:
        return Judgement(Verdict.REFETCH)
    return Judgement(Verdict.RATE_LIMITED if response.status == 429 else Verdict.ACCEPTED)
