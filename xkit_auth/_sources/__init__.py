"""Where credentials come from: Xkit's Platform API, what its responses mean, and what every call to it must keep to.

It imports ``_values`` alone.
"""

from __future__ import annotations

from .account import DEFAULT_BASE_URL, Account, checked_name, why_no_name
from .network import Network, Route
from .platform import Answer, NoAnswer, Transport, answered, credential_of, gathered, read_connection, unanswered
from .quiet import Quiet
from .untouched import Kept

__all__ = [
    "DEFAULT_BASE_URL",
    "Account",
    "Answer",
    "Kept",
    "Network",
    "NoAnswer",
    "Quiet",
    "Route",
    "Transport",
    "answered",
    "checked_name",
    "credential_of",
    "gathered",
    "read_connection",
    "unanswered",
    "why_no_name",
]
