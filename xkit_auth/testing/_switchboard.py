"""Which provider's stand-in serves a real host, and the app that answers for all of them on one port."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from .._account import all_open, asks, asks_loopback
from .._connectors import checked_params, hosts_for, params_in
from .._values import ConfigurationError, Origin
from ._state import State

if TYPE_CHECKING:
    from .. import Connector, Xkit
    from ._plugins import SandboxPlugins
    from ._providers import Providers


class Switchboard:
    """Knows the real hosts: those of installed and added connectors, and those that a client of the sandbox uses.

    Args:
        base_url: the Platform API of the sandbox; an ``Xkit`` that asks it is a client of the sandbox.
    """

    def __init__(self, providers: Providers, state: State, plugins: SandboxPlugins, base_url: str) -> None:
        self._providers = providers
        self._state = state
        self._plugins = plugins
        self._base_url = base_url

    def clients(self) -> list[Xkit]:
        """Every open ``Xkit`` of this process that asks the sandbox."""
        return [xkit for xkit in all_open() if asks(xkit, self._base_url)]

    def serves(self, host: str, port: int) -> bool:
        """Whether a connection to this host and port is to be led here.

        Raises:
            ConfigurationError: it is, but an ``Xkit`` is in use that asks no sandbox. What comes here comes without
                TLS, and must not bring a real credential.
        """
        if not self._names_of(host, port):
            return False
        if not all(map(asks_loopback, all_open())):
            gc.collect()  # it may be one that nobody has any more
        for xkit in all_open():
            if not asks_loopback(xkit):
                raise ConfigurationError(
                    f"{xkit!r} is in use while a sandbox stands in for {host}, where nothing is encrypted",
                    hint="Nothing was sent. Make your Xkit, or import the module that makes it, after stand_in() has"
                    " begun; close() one that was made before.",
                )
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        host, _, port = request.headers.get("host", "").lower().partition(":")
        name = self._meant(request, self._names_of(host, int(port) if port.isdecimal() else 443))
        if name is None:
            answer = JSONResponse({"error": {"message": f"No connector of this sandbox has the host {host}."}}, 421)
            await answer(scope, receive, send)
        else:
            await self._providers.app(name)(scope, receive, send)

    def _meant(self, request: Request, names: list[str]) -> str | None:
        """Of several connectors on one host the one whose credential this is; else one that somebody has connected."""
        apps = [self._providers.app(name) for name in names] if len(names) > 1 else []
        known = [app.name for app in apps if app.judge(request).standing not in ("missing", "unknown")]
        connected = [self._state.provider_of(slug) for slug in self._state.slugs()]
        return next(iter([*known, *[name for name in names if name in connected], *names]), None)

    def _names_of(self, host: str, port: int) -> list[str]:
        origin = Origin("https", host.lower(), port)
        return list(dict.fromkeys(connector.slug for connector in self._connectors_at(origin)))

    def _connectors_at(self, origin: Origin) -> Iterator[Connector]:
        clients = self.clients()
        for client in clients:
            directory = client.directory
            self._state.name_provider({own: self._own_slug(meant) for own, meant in directory.own_slugs().items()})
            for policy in directory.settled():
                if policy.hosts.allow(origin, http_to_loopback=False):
                    self._providers.knows(policy.connector, policy.slug)
                    yield policy.connector
        for plugins in (self._plugins, *(client.directory.plugins() for client in clients)):
            for connector in plugins.connectors().values():
                if may_be_at(connector, origin):
                    self._providers.knows(connector, *connector.aliases)
                    yield connector

    def _own_slug(self, slug: str) -> str:
        return self._plugins.own_slug(slug)


def may_be_at(connector: Connector, origin: Origin) -> bool:
    """Whether a connector's hosts, with whatever params, include this one."""
    entries = {entry for kind in connector.kinds for entry in hosts_for(connector, kind)}
    return any(_fits(connector, entry, origin) for entry in entries)


def _fits(connector: Connector, entry: str, origin: Origin) -> bool:
    match = _pattern(entry).fullmatch(f"{origin.host}:{origin.port}")
    if match is None:
        return False
    try:
        checked_params(connector.slug, connector.params, match.groupdict(), ())
    except ConfigurationError:
        return False
    return True


@lru_cache(maxsize=4096)
def _pattern(entry: str) -> re.Pattern[str]:
    """A host entry as a pattern, with a group for each param."""
    wildcard, entry = ("[^.]+[.]", entry[2:]) if entry.startswith("*.") else ("", entry)
    text = re.escape(entry if re.search(r":\d+$", entry) else f"{entry}:443")
    for name in params_in(entry):
        slot = re.escape(f"{{param.{name}}}")
        text = text.replace(slot, f"(?P<{name}>.+)", 1).replace(slot, f"(?P={name})")
    return re.compile(wildcard + text)
