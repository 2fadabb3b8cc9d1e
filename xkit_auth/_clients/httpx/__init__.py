"""The auth object for both httpx and httpx2, and the transport of calls to Xkit over httpcore."""

from __future__ import annotations

from .all_of import HttpxAfterAuth, HttpxAllOf
from .auth import HttpxAuth, Sent
from .place import knows_headers
from .response import Rejoined
from .transport import Core, HttpxTransport
from .wire import without_hidden

__all__ = [
    "Core",
    "HttpxAfterAuth",
    "HttpxAllOf",
    "HttpxAuth",
    "HttpxTransport",
    "Rejoined",
    "Sent",
    "knows_headers",
    "without_hidden",
]
