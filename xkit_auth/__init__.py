"""An Xkit user's credential on every request, as the auth object of requests, httpx and httpx2.

The auth objects themselves are in ``xkit_auth.requests``, ``xkit_auth.httpx`` and ``xkit_auth.httpx2``, one for each
library, so that importing this package imports none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import (
    AuthorizationPending,
    ConfigurationError,
    ConflictWarning,
    ConnectionUnavailable,
    HostNotAllowed,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    PluginWarning,
    ReauthorizationRequired,
    XkitAuthError,
)
from ._model import (
    ANY,
    Connection,
    Credential,
    Event,
    Headers,
    Judgement,
    RequestView,
    ResponseView,
    Verdict,
    WebhookEvent,
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

# What asks Xkit and what describes a provider come when they are wanted: who handles errors needs none of it.
_LATE = {
    "current_context": "._current",
    "use_context": "._current",
    "PRESENT": "._failure",
    "Challenge": "._challenge",
    "Connector": "._connector",
    "Contains": "._failure",
    "Default": "._placement",
    "Failure": "._failure",
    "Placement": "._placement",
    "StartsWith": "._failure",
    "Xkit": "._xkit",
    "hookimpl": ".hookspecs",
}

if TYPE_CHECKING:
    from ._challenge import Challenge
    from ._connector import Connector
    from ._current import current_context, use_context
    from ._failure import PRESENT, Contains, Failure, StartsWith
    from ._placement import Default, Placement
    from ._xkit import Xkit
    from .hookspecs import hookimpl
else:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _LATE:
            value = globals()[name] = getattr(import_module(_LATE[name], __name__), name)
            return value
        raise import_module("._elsewhere", __name__).not_here(name, __all__)
