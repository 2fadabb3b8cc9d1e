"""The plugins of a client that lives in the sandbox: the same as elsewhere, but hosts are here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .. import ConfigurationError, Connector
from .._values import Hosts
from ..plugins import Brought, Plugins
from ._providers import Providers


class SandboxPlugins(Plugins):
    """Installed and given plugins, and what a test added. Connectors are as their plugins say, and so are mistakes."""

    def __init__(self, objects: Iterable[object], providers: Providers) -> None:
        super().__init__(objects)
        self._providers = providers

    def find(self, slug: str) -> Brought | None:
        found = self._original(slug)
        if found is not None:
            self._providers.knows(found.connector, slug)
        return found

    def connectors(self) -> Mapping[str, Connector]:
        return {**super().connectors(), **self._providers.added}

    def names(self) -> list[str]:
        added = [name for each in self._providers.added.values() for name in (each.slug, *each.aliases)]
        return [*super().names(), *added]

    def own_slug(self, slug: str) -> str:
        """The connector's own slug for an alias; the same slug if it is none, or if nobody can say."""
        try:
            original = self._original(slug)
        except ConfigurationError:  # two plugins claim it: said when it is used
            return slug
        return slug if original is None else original.connector.slug

    def _original(self, slug: str) -> Brought | None:
        added = [one for one in self._providers.added.values() if slug in (one.slug, *one.aliases)]
        return Brought(added[-1], "add_connector()") if added else super().find(slug)


class SandboxHome:
    """Where the hosts of a connector are for a client of the sandbox: at the provider's stand-in.

    The hosts that a plugin or the application names count, too, but those of a plugin only while they are led here:
    otherwise a test would go to the real provider.
    """

    def __init__(self, providers: Providers, *, leads_here: bool) -> None:
        self._providers = providers
        self._leads_here = leads_here
        self.hint = (
            "This Xkit asks a sandbox: write sandbox.provider_url(…) in place of the real host, or let"
            " sandbox.stand_in() lead real hosts to the sandbox before you make the Xkit."
        )

    def hosts_of(self, connector: Connector, hosts: Hosts, *, given: bool) -> Hosts:
        if given and hosts.include_loopback:
            return hosts  # whoever names places of this machine means those
        here = self._providers.host_if_open(connector.slug)
        named = hosts.entries if given or self._leads_here else ()
        return Hosts([*named, *([] if here is None else [here])])
