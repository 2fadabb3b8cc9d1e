"""The plugins of a client that lives in the sandbox: the same as elsewhere, but every connector's hosts are here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .. import ConfigurationError, Connector
from ..plugins import Brought, Plugins
from ._providers import Providers


class RehomedPlugins(Plugins):
    """Installed and given plugins, what a test added, and a plain connector for each other slug that it uses.

    Hooks are asked as ever, of the plugin that brought the connector; only the hosts in what ``find`` gives out differ.
    """

    def __init__(self, objects: Iterable[object], providers: Providers) -> None:
        super().__init__(objects)
        self._providers = providers

    def find(self, slug: str) -> Brought | None:
        original = self._original(slug)
        connector = self._providers.rehome(slug, original.connector if original else None)
        return None if connector is None else Brought(connector, original.plugin if original else "the sandbox")

    def connectors(self) -> Mapping[str, Connector]:
        """Those with a provider in the sandbox, since any other host is out of the question."""
        names = ["slack", "github", *self._providers.added, *self._providers.used()]
        found = [brought.connector for brought in map(self.find, names) if brought is not None]
        return {connector.slug: connector for connector in found}

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
