"""Getting a credential and holding it: the cache, shared calls, pauses, renewal, and what is logged about them.

It imports ``_sources`` and ``_values``.
"""

from __future__ import annotations

from .broker import Asking, Broker, awaited, waited
from .cache import Cache
from .log import Log

__all__ = [
    "Asking",
    "Broker",
    "Cache",
    "Log",
    "awaited",
    "waited",
]
