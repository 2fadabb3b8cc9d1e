"""The parts of the auth object of requests, and the transport of calls to Xkit over urllib3."""

from __future__ import annotations

from .home import CARRIED, NO_HOOKS, WATCHING, take_back
from .hop import Hop
from .parts import host_named_in
from .transport import RequestsTransport

__all__ = [
    "CARRIED",
    "NO_HOOKS",
    "WATCHING",
    "Hop",
    "RequestsTransport",
    "host_named_in",
    "take_back",
]
