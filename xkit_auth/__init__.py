"""An Xkit user's credential on every request, as the auth object of requests, httpx and httpx2.

The auth objects themselves are in ``xkit_auth.requests``, ``xkit_auth.httpx`` and ``xkit_auth.httpx2``, one for each
library, so that importing this package imports none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._connectors import PRESENT, Connector, Contains, Default, Failure, Placement, StartsWith
from ._values import (
    ANY,
    AuthorizationPending,
    Challenge,
    ConfigurationError,
    ConflictWarning,
    Connection,
    ConnectionUnavailable,
    Credential,
    Event,
    Headers,
    HostNotAllowed,
    Judgement,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    PluginWarning,
    ReauthorizationRequired,
    RequestView,
    ResponseView,
    Verdict,
    WebhookEvent,
    XkitAuthError,
)

__all__ = [
    "ANY",
    "PRESENT",
    "AuthorizationPending",
    "Challenge",
    "ConfigurationError",
    "ConflictWarning",
    "Connection",
    "ConnectionUnavailable",
    "Connector",
    "Contains",
    "Credential",
    "Default",
    "Event",
    "Failure",
    "Headers",
    "HostNotAllowed",
    "Judgement",
    "NotConnected",
    "Placement",
    "PlatformAuthenticationError",
    "PlatformError",
    "PlatformProtocolError",
    "PlatformRateLimited",
    "PlatformUnavailable",
    "PluginWarning",
    "ReauthorizationRequired",
    "RequestView",
    "ResponseView",
    "StartsWith",
    "Verdict",
    "WebhookEvent",
    "Xkit",
    "XkitAuthError",
    "current_context",
    "hookimpl",
    "use_context",
]

# ``Xkit`` brings in all that asks for credentials, and ``hookimpl`` pluggy: they are imported when first used.
_LATE = {
    "Xkit": "._account",
    "current_context": "._account",
    "hookimpl": ".hookspecs",
    "use_context": "._account",
}

if TYPE_CHECKING:
    from ._account import Xkit, current_context, use_context
    from .hookspecs import hookimpl
else:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _LATE:
            value = globals()[name] = getattr(import_module(_LATE[name], __name__), name)
            return value
        from ._values import not_here

        raise not_here(name, __all__)
