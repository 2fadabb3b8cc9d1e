"""Which provider a connector leads to, and who opens an origin when."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._values import LockOfProcess
from ._faults import Gate
from ._provider_apps import Aws, Elsewhere, Generic, GitHub, Provider, Slack
from ._records import Records
from ._server import Origins
from ._state import State

if TYPE_CHECKING:
    from .. import Connector

_OF_THEIR_OWN: dict[str, type[Provider]] = {"slack": Slack, "github": GitHub, "elsewhere": Elsewhere}
_GENERIC: dict[str, type[Generic]] = {"aws": Aws, "aws-s3": Aws}


class Providers:
    """The providers of one sandbox: three that are always there, and one for each other slug, opened when needed."""

    def __init__(self, state: State, records: Records, closing: Gate) -> None:
        self.added: dict[str, Connector] = {}
        #: Called when a provider has got an origin of its own.
        self.on_open: list[Callable[[], None]] = []
        self._state = state
        self._records = records
        self._closing = closing
        self._lock = LockOfProcess()
        self._origins: Origins | None = None
        self._apps: dict[str, Provider] = {}
        self._ports: dict[str, int] = {}
        self._anywhere: set[str] = set()

    def start(self, origins: Origins) -> None:
        self._origins = origins
        for name in _OF_THEIR_OWN:
            self._ports[name] = origins.open(self.app(name))

    def app(self, name: str) -> Provider:
        """The provider of this name, as an app."""
        with self._lock:
            if name not in self._apps:
                self._apps[name] = self._made(name)
            return self._apps[name]

    def _made(self, name: str) -> Provider:
        if name in _OF_THEIR_OWN:
            return _OF_THEIR_OWN[name](name, self._state, self._records, self._closing)
        kind = _GENERIC.get(name, Generic)
        return kind(name, self._state, self._records, self._closing, self._anywhere)

    def url(self, slug: str) -> str:
        """The origin of a slug's provider."""
        name = self._state.provider_of(slug)
        with self._lock:
            is_new = name not in self._ports
            if is_new:
                self._ports[name] = running(self._origins).open(self.app(name))
        for changed in self.on_open if is_new else ():
            changed()
        return f"http://127.0.0.1:{self._ports[name]}"

    def host_if_open(self, slug: str) -> str | None:
        """The host and port of a slug's provider, if it has an origin already."""
        port = self._ports.get(self._state.provider_of(slug))
        return None if port is None else f"127.0.0.1:{port}"

    def is_there(self, name: str) -> bool:
        return name in self._apps

    def add(self, connector: Connector) -> None:
        self.added[connector.slug] = connector
        self.knows(connector, *connector.aliases)
        for changed in self.on_open:
            changed()

    def knows(self, connector: Connector, *slugs: str) -> None:
        """These slugs mean this connector, whose credential may be in any header or part of the URL."""
        self._anywhere.add(connector.slug)
        self._state.name_provider(dict.fromkeys(slugs, connector.slug))


def running(origins: Origins | None) -> Origins:
    if origins is None:
        raise RuntimeError("the sandbox is not running: use it inside 'with', or start() it")
    return origins
