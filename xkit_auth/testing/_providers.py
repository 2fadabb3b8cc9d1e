"""Which provider has which origin, which connector leads to which provider, and who opens an origin when."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ._faults import Gate
from ._provider_apps import Elsewhere, Generic, GitHub, Provider, Slack
from ._records import Records
from ._server import Origins
from ._state import State

if TYPE_CHECKING:
    from .. import Connector

_ALWAYS: dict[str, type[Provider]] = {"slack": Slack, "github": GitHub, "elsewhere": Elsewhere}


class Providers:
    """The providers of one sandbox: three that are always there, and one for each other slug, opened when needed."""

    def __init__(self, state: State, records: Records, closing: Gate) -> None:
        self.added: dict[str, Connector] = {}
        self._state = state
        self._records = records
        self._closing = closing
        self._lock = threading.Lock()
        self._origins: Origins | None = None
        self._ports: dict[str, int] = {}
        self._anywhere: set[str] = set()

    def start(self, origins: Origins) -> None:
        self._origins = origins
        for name, app in _ALWAYS.items():
            self._ports[name] = origins.open(app(name, self._state, self._records, self._closing))

    def url(self, slug: str) -> str:
        """The origin of a slug's provider."""
        name = self._state.provider_of(slug)
        with self._lock:
            if name not in self._ports:
                app = Generic(name, self._state, self._records, self._closing, self._anywhere)
                self._ports[name] = running(self._origins).open(app)
            return f"http://127.0.0.1:{self._ports[name]}"

    def is_open(self, name: str) -> bool:
        return name in self._ports

    def used(self) -> list[str]:
        """The slugs, beside those of Slack and GitHub, that have had a connection or an origin."""
        return [slug for slug in dict.fromkeys([*self._state.slugs(), *self._ports]) if slug not in _ALWAYS]

    def add(self, connector: Connector) -> None:
        self.added[connector.slug] = connector
        self._knows(connector, *connector.aliases)

    def rehome(self, slug: str, original: Connector | None) -> Connector | None:
        """The connector for ``slug`` with its host here; a plain one if there is no original but a use for it."""
        from .. import Connector

        if original is not None:
            self._knows(original, slug)
        elif slug in self.used():
            original = Connector(slug, hosts=[])
        else:
            return None
        kinds = {kind: placement.replace(hosts=()) for kind, placement in original.kinds.items()}
        return original.replace(hosts=[self.url(original.slug).removeprefix("http://")], kinds=kinds)

    def _knows(self, connector: Connector, *slugs: str) -> None:
        self._anywhere.add(connector.slug)
        self._state.name_provider(dict.fromkeys(slugs, connector.slug))


def running(origins: Origins | None) -> Origins:
    if origins is None:
        raise RuntimeError("the sandbox is not running: use it inside 'with', or start() it")
    return origins
