"""The connectors of some ninety providers for xkit-auth, one short module for each provider or family."""

from __future__ import annotations

from importlib import import_module

from xkit_auth import Connector, hookimpl

MODULES = ("freshdesk", "zendesk")


@hookimpl
def xkit_auth_connectors() -> list[Connector]:
    """The connectors of all modules."""
    return [connector for name in MODULES for connector in import_module(f"{__name__}.{name}").connectors]
