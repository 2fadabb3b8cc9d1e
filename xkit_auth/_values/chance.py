"""Chance, which keeps machines from doing the same thing at the same moment."""

from __future__ import annotations

import os

_BITS = 53


def chance() -> float:
    """A number from 0 to 1. The system's: ``random`` has one state for all processes that were forked in C."""
    return (int.from_bytes(os.urandom(8)) >> (64 - _BITS)) / (1 << _BITS)
