"""One account of an application: ``Xkit``, its plugins and connectors, webhooks, reconnect links, the current context.

It imports ``_credentials``, ``_connectors``, ``_sources`` and ``_values``.
"""

from __future__ import annotations

from .current import CurrentContext, current_context, use_context
from .directory import Directory, Home, hosts_for_one, kind_given, params_given, readable_hosts
from .xkit import Xkit, all_open, asks, asks_loopback, close_default

__all__ = [
    "CurrentContext",
    "Directory",
    "Home",
    "Xkit",
    "all_open",
    "asks",
    "asks_loopback",
    "close_default",
    "current_context",
    "hosts_for_one",
    "kind_given",
    "params_given",
    "readable_hosts",
    "use_context",
]
