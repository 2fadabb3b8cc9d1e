"""What the auth objects of all HTTP clients share: their arguments, and the decisions after a response.

Each client library has a folder in this room. This file imports neither of them.
"""

from __future__ import annotations

from .all_of import BaseAllOf
from .auth import BaseAuth, Context, Hosts, Kind, OffHost, Params, Trip, checked_whose, context_now
from .flow import ASKS_AGAIN, Fetch, Life, Send, Tell, advance, after_answer
from .whole import Rewinder, announced_length

__all__ = [
    "ASKS_AGAIN",
    "BaseAllOf",
    "BaseAuth",
    "Context",
    "Fetch",
    "Hosts",
    "Kind",
    "Life",
    "OffHost",
    "Params",
    "Rewinder",
    "Send",
    "Tell",
    "Trip",
    "advance",
    "after_answer",
    "announced_length",
    "checked_whose",
    "context_now",
]
