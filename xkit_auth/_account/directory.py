"""Which connector a slug means, and the plugins that have a say in it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .._connectors import (
    Connector,
    Params,
    Policy,
    checked_params,
    filled_hosts,
    hint_for_unknown,
    hosts_for,
    params_for,
    why_no_slug,
)
from .._credentials import Log
from .._values import (
    MASK,
    ConfigurationError,
    ConflictWarning,
    Credential,
    Event,
    EventKind,
    Hosts,
    OfProcess,
    Origin,
    a_kind_of,
    is_plain_name,
    origin_of,
    plain,
    shown,
)

if TYPE_CHECKING:
    from ..plugins import Brought, Plugins

_MOST_POLICIES = 1024


class Home(Protocol):
    """Says where the hosts of connectors are, which is elsewhere for the client of a sandbox."""

    hint: str
    """What to say to somebody whose URL is at no such host."""

    def hosts_of(self, connector: Connector, hosts: Hosts, *, given: bool) -> Hosts:
        """Which hosts may receive the credential, instead of ``hosts``; ``given``: the application named those."""
        ...


class Directory:
    """The connectors of one ``Xkit``. Plugins are looked for when one is first needed.

    Args:
        slugs: which connector a slug of the Xkit project means.
        plugin_objects: plugins beside the installed ones.
        http_to_loopback: whether plain http may go to a named port on this machine.
    """

    def __init__(
        self, slugs: Mapping[str, str] | None, plugin_objects: Iterable[object], *, http_to_loopback: bool
    ) -> None:
        self._slugs = _slugs_given(slugs)
        self._plugin_objects = _plugins_given(plugin_objects)
        self._http_to_loopback = http_to_loopback
        self._policies: dict[Any, Policy] = {}
        self._by_origin: dict[Origin | None, tuple[str, ...]] = {}
        self._shared: dict[Hashable, dict[Any, Any]] = {}
        self._plugins: Plugins | None = None
        self._listeners: list[tuple[str, Callable[..., Any]]] | None = None
        self._complained: set[str] = set()
        self._home: Home | None = None
        self.log = Log()
        self._lock = OfProcess(threading.RLock)
        if self._plugin_objects:
            self.plugins()  # a mistake in the application's own plugin should show at once

    def plugins(self) -> Plugins:
        """The plugins, found and checked once."""
        with self._lock():
            if self._plugins is None:
                from ..plugins import Plugins

                self._plugins = Plugins(self._plugin_objects)
            return self._plugins

    def shared(self, key: Hashable) -> dict[Any, Any]:
        """A dictionary that everybody who names this key has in common, once somebody has shared it; else a new one."""
        return self._shared.get(key) or {}

    def share(self, key: Hashable, mine: dict[Any, Any]) -> dict[Any, Any]:
        """Let this be the dictionary of that key, if there is none yet; return whichever is."""
        return self._shared.setdefault(key, mine)

    def use(self, plugins: Plugins, home: Home | None = None) -> None:
        """Take these plugins instead of looking for any; let hosts be where ``home`` says, if it is given."""
        with self._lock():
            self._plugins = plugins
            self._home = home

    @property
    def home(self) -> Home | None:
        """Where the hosts of connectors are, if not where their plugins say."""
        return self._home

    # Connectors

    def policy_for(
        self, slug: str, *, hosts: Iterable[str] | None = None, params: Params | None = None, kind: str | None = None
    ) -> Policy:
        """The connector that ``slug`` means, settled for these hosts, params and kind.

        Raises:
            ConfigurationError: nobody knows the connector, or an argument does not fit it.
        """
        hosts = None if hosts is None else hosts_given(hosts)
        params = params_given(params)
        kind = kind_given(kind)
        question = (slug, hosts, tuple(sorted(params.items())), kind)
        policy = self._policies.get(question)
        if policy is None:
            policy = self._settled(slug, hosts, params, kind)
            if len(self._policies) >= _MOST_POLICIES:
                self._policies.clear()
            self._policies[question] = policy
        return policy

    def settled(self) -> list[Policy]:
        """The connectors that have been settled so far, each for the hosts, params and kind that it was used with."""
        return list(self._policies.values())

    def settle_anew(self) -> None:
        """Forget what has been settled, since hosts have been added."""
        self._policies.clear()
        self._by_origin.clear()

    def _settled(self, slug: str, hosts: tuple[str, ...] | None, params: Params, kind: str | None) -> Policy:
        plugins = self.plugins()
        meant = _slug_meant(slug, self._slugs.get(slug, slug))
        brought = plugins.find(meant)
        if brought is not None:
            connector = brought.connector
        elif hosts is not None and meant == slug:
            connector = Connector(slug, hosts=_hosts(hosts, slug).entries)
        else:
            raise ConfigurationError(
                "No plugin knows this connector",
                connector=meant,
                hint=hint_for_unknown(slug, meant, plugins.names(), plugins.broken),
            )
        kind = _kind(connector, kind, slug)
        if hosts is None and not hosts_for(connector, kind):
            raise ConfigurationError(
                "The connector has no hosts of its own",
                connector=slug,
                hint='Give the host of your installation: hosts=["acme.example"].',
            )
        needed = params_for(connector, kind, with_hosts=hosts is None)
        params = checked_params(slug, connector.params, params, needed)
        its_hosts = filled_hosts(connector, kind, params) if hosts is None else _hosts(hosts, slug)
        if self._home is not None:
            its_hosts = self._home.hosts_of(connector, its_hosts, given=hosts is not None)
        return Policy(
            slug,
            connector,
            kind=kind,
            hosts=its_hosts,
            params=params,
            http_to_loopback=self._http_to_loopback,
            format_hook=plugins.hook_for("xkit_auth_format_headers", brought),
            query_hook=plugins.hook_for("xkit_auth_format_query", brought),
            classify_hook=plugins.hook_for("xkit_auth_classify_response", brought),
        )

    def hook_for(self, name: str, slug: str | None) -> Callable[..., Any] | None:
        """A hook as asked of the given plugin objects and of the plugin that brings the connector, if there is one."""
        return self.plugins().hook_for(name, None if slug is None else self._brought(slug))

    def connector_for(self, slug: str) -> Connector | None:
        """The connector that ``slug`` means, as its plugin says; ``None`` if no plugin knows it."""
        brought = self._brought(slug)
        return None if brought is None else brought.connector

    def knows(self, slug: str) -> bool:
        """Whether this is a slug of ``connectors=`` or of a plugin, be it of several."""
        return slug in self._slugs or self.plugins().knows(slug)

    def _brought(self, slug: str) -> Brought | None:
        return self.plugins().find(self.meant(slug))

    def meant(self, slug: str) -> str:
        """The slug by which plugins know what the project calls ``slug``."""
        return self._slugs.get(slug, slug)

    def own_slugs(self) -> Mapping[str, str]:
        """The slugs that the project has chosen, and which connector each means."""
        return self._slugs

    def slug_for(self, url: str) -> str | None:
        """The one connector whose hosts include this URL's, or ``None``. Several are told apart by their ``paths``.

        Raises:
            ConfigurationError: two connectors do; the text names both.
        """
        fitting = self._serving(url)
        if len(fitting) > 1:
            by_path = tuple([slug for slug in fitting if self.policy_for(slug).may_mean(url)])
            fitting = by_path or fitting
        if len(fitting) > 1:
            raise ConfigurationError(
                f"The connectors {' and '.join(sorted(fitting))} all serve this URL",
                hint="Name one of them instead of ANY, or list in connectors= only those that you use.",
            )
        return fitting[0] if fitting else None

    def _serving(self, url: str) -> tuple[str, ...]:
        """The connectors whose hosts include this URL's, looked for once for each origin."""
        origin = origin_of(url)
        serving = self._by_origin.get(origin)
        if serving is None:
            slugs = list(self._slugs) or list(self.plugins().connectors())
            serving = tuple([slug for slug in slugs if self._may_serve(slug, url)])
            if len(self._by_origin) >= _MOST_POLICIES:
                self._by_origin.clear()
            self._by_origin[origin] = serving
        return serving

    def _may_serve(self, slug: str, url: str) -> bool:
        try:
            return self.policy_for(slug).allows(url)
        except ConfigurationError:
            return False  # it needs params, hosts or a kind, which ANY cannot know

    # Events

    def listeners(self) -> list[tuple[str, Callable[..., Any]]]:
        """Who implements ``xkit_auth_event``, with the plugin's name."""
        if self._listeners is None:
            self._listeners = self.plugins().listeners()
        return self._listeners

    def tell(
        self,
        kind: EventKind,
        connector: str,
        context: str,
        credential: Credential | None = None,
        detail: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Tell the plugins that listen what happened, and the log."""
        self.log.event(kind, connector, context, credential, detail)
        for plugin, listener in self._listeners_or_none():
            fingerprint = credential.fingerprint if credential is not None else None
            names = {"connector": connector, "context": context}
            event = Event(kind, **names, fingerprint=fingerprint, detail=detail, seconds=seconds)
            try:
                listener(event=event)
            except Exception as error:
                self._complain_once(plugin, error)

    def _listeners_or_none(self) -> list[tuple[str, Callable[..., Any]]]:
        try:
            return self.listeners()
        except Exception as error:  # a warning about a broken plugin that the application turns into an error
            self._complain_once("looking for plugins", error)
            return []

    def _complain_once(self, plugin: str, error: Exception) -> None:
        if plugin not in self._complained:
            self._complained.add(plugin)
            import logging

            # Neither the error's text nor its traceback: both may hold what the plugin got elsewhere.
            logger = logging.getLogger("xkit_auth")
            logger.warning("xkit_auth_event of the plugin %s raised %s; said once", plugin, type(error).__name__)

    def warn_once(self, conflict: str) -> None:
        """Say once that a setting of the client switches part of us off."""
        if conflict not in self._complained:
            self._complained.add(conflict)
            warnings.warn(conflict, ConflictWarning, stacklevel=2)


def _kind(connector: Connector, kind: str | None, slug: str) -> str:
    chosen = next(iter(connector.kinds)) if kind is None else kind
    placement = connector.kinds.get(chosen)
    if placement is None:
        raise ConfigurationError(
            f"The connector has no credential of kind {repr(chosen) if is_plain_name(chosen) else MASK}",
            connector=slug,
            hint=f"Its kinds are {', '.join(connector.kinds)}.",
        )
    if kind is None and placement.exposes:
        raise ConfigurationError(
            "The connector puts the credential into the URL, where logs show it",
            connector=slug,
            hint=f'If that is what you want, say so: kind="{chosen}". Its kinds are {", ".join(connector.kinds)}.',
        )
    return chosen


def hosts_given(hosts: Iterable[str]) -> tuple[str, ...]:
    """What an application gave as ``hosts=``.

    Raises:
        ConfigurationError: it is not a list of hosts.
    """
    given = () if isinstance(hosts, str) or not isinstance(hosts, Iterable) else tuple(hosts)
    if not given or not all(isinstance(host, str) for host in given):
        raise ConfigurationError(
            f"hosts= must be a list of hosts{_instead(hosts, given)}", hint='Write it like hosts=["api.acme.example"].'
        )
    return tuple(map(plain, given))


def readable_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """The same, each of which can be read as a host.

    Raises:
        ConfigurationError: it is not a list of hosts, or one of them is none, such as a URL.
    """
    entries = hosts_given(hosts)
    _hosts(entries)
    return entries


def hosts_for_one(hosts: Iterable[str]) -> tuple[str, ...]:
    """What a function gave as the hosts of one context. None is a wildcard: a tenant may have been named ``*``.

    Raises:
        ConfigurationError: it is not a list of texts, or one of them is a wildcard.
    """
    given = hosts_given(hosts)
    if any("*" in host for host in given):
        raise ConfigurationError(
            f"The function given as hosts= returned a wildcard: {shown(', '.join(given))}",
            hint="Check the names of tenants that it puts into hosts: one must not be '*'. Only a list that is given as"
            " hosts= itself may hold wildcards.",
        )
    return given


def _texts_in(given: object) -> dict[str, str] | None:
    """A mapping of texts, as plain texts; ``None`` if it is none."""
    mapping = {} if given is None else given
    if not isinstance(mapping, Mapping) or not all(isinstance(text, str) for pair in mapping.items() for text in pair):
        return None
    return {plain(name): plain(value) for name, value in mapping.items()}


def params_given(params: object) -> dict[str, str]:
    """What an application gave as ``params=``.

    Raises:
        ConfigurationError: it is not a mapping of texts.
    """
    given = _texts_in(params)
    if given is None:
        raise ConfigurationError(
            f"params= must be a mapping of texts{_instead(params)}", hint='Write it like params={"subdomain": "acme"}.'
        )
    return given


def kind_given(kind: object) -> str | None:
    """What an application gave as ``kind=``.

    Raises:
        ConfigurationError: it is not a text.
    """
    if kind is None or isinstance(kind, str):
        return None if kind is None else plain(kind)
    raise ConfigurationError(
        f"kind= must be the name of a kind of credential{_instead(kind)}", hint='Write it like kind="api_key".'
    )


def _instead(value: object, items: Iterable[object] = ()) -> str:
    """What was given in the place of a list or mapping, to go behind a text: never its text, which may be anything."""
    if isinstance(value, Mapping):
        items = [each for pair in value.items() for each in pair]
    others = [each for each in items if not isinstance(each, str)]
    if others:
        return f", and {a_kind_of(others[0])} is in it"
    return ", not an empty one" if isinstance(value, (list, tuple, set)) and not value else f", not {a_kind_of(value)}"


def _plugins_given(plugins: object) -> tuple[object, ...]:
    if isinstance(plugins, Iterable) and not isinstance(plugins, (str, bytes)):
        return tuple(plugins)
    raise ConfigurationError(
        f"Xkit(plugins=…) must be a list of plugins{_instead(plugins)}",
        hint="Write it like plugins=[plugin].",
    )


def _slugs_given(slugs: object) -> dict[str, str]:
    given = _texts_in(slugs)
    if given is None:
        raise ConfigurationError(
            f"Xkit(connectors=…) must be a mapping of texts{_instead(slugs)}",
            hint='Write it like connectors={"my-gh": "github"}: the slug in your Xkit project, and the connector that'
            " it means. Slugs that are the connector's own need no entry.",
        )
    return given


def _slug_meant(slug: str, meant: str) -> str:
    reason = why_no_slug(meant)
    if reason is None:
        return meant
    given = f"Xkit(connectors=…) says of {shown(slug)!r}"
    raise ConfigurationError(
        f"The connector's slug {shown(meant)!r} cannot be used: {reason}",
        connector=slug,
        hint="Give the slug that the connector has in your Xkit project."
        if meant == slug
        else f"Correct what {given}: it is the slug of a connector that a plugin brings.",
    )


def _hosts(entries: tuple[str, ...], slug: str | None = None) -> Hosts:
    try:
        return Hosts(entries)
    except ValueError as mistake:
        problem = str(mistake)
    raise ConfigurationError(
        f"hosts=: {problem}", connector=slug, hint="Correct what your application gives as hosts=, or its function."
    )
