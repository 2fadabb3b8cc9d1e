"""Chance, which keeps machines from doing the same thing at the same moment."""

from __future__ import annotations


def chance() -> float:
    """A number from 0 to 1."""
    from random import random  # imported late: importing xkit_auth must stay cheap

    return random()  # noqa: S311 - nobody has to be kept from guessing it
