"""The credentials that are held: how long, which to serve, and whose turn it is to ask Xkit.

A plain data structure: it knows no thread and no network, and takes its clocks as arguments. ``fresh`` is the warm
path and needs no lock; everything else is called by ``Xkit`` under its one short lock. A store that machines share
would stand behind ``decide`` and ``store``: a compare by rejected credential, and a lease to ask.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from ._chance import chance
from ._errors import ConnectionUnavailable
from ._model import Credential

Key: TypeAlias = tuple[str, str]
"""Connector slug and context. The account is the cache's owner; only credentials are held."""

_SHORTEST_HOLD = 15.0
_MARGIN = 30.0
_RENEW_AT = 0.8
_MOST_JITTER = 0.1
_LEFT_ALONE = 30.0
_UNAVAILABLE_FOR = 5.0
_BETWEEN_HINTS = 10.0
_MOST_NOTES = 10_000


class Held:
    """A held credential. Ages are in seconds and count on both clocks, from ``born`` and ``born_wall``."""

    __slots__ = ("born", "born_wall", "credential", "hold", "may_be_stale", "renew_after", "used")

    def __init__(self, credential: Credential, born: float, born_wall: float, hold: float) -> None:
        self.credential = credential
        self.born = born
        self.born_wall = born_wall
        self.hold = hold
        self.renew_after = hold * _RENEW_AT
        self.may_be_stale = True
        self.used = True


Table: TypeAlias = dict[str, Held]


class Serve(NamedTuple):
    """Serve this credential; ``renew`` asks for a call to Xkit in the background."""

    credential: Credential
    renew: bool = False


class Ask(NamedTuple):
    """Ask Xkit, and wait."""


class Cache:
    """Held credentials by connector and context, and short notes about keys that should be left alone."""

    def __init__(
        self,
        *,
        max_age: float,
        max_stale: float,
        max_entries: int,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[], float] = chance,
    ) -> None:
        self._max_age = max_age
        self._max_stale = max_stale
        self._max_entries = max_entries
        self.monotonic = monotonic
        self.wall = wall
        self._jitter = jitter
        self._tables: dict[str, Table] = {}
        self._size = 0
        self._unavailable: dict[Key, tuple[float, ConnectionUnavailable]] = {}
        self._left_alone: dict[Key, tuple[float, Credential]] = {}
        self._hinted: dict[Key, float] = {}

    def table(self, connector: str) -> Table:
        """What is held for one connector, by context. The same dictionary for as long as the cache lives."""
        return self._tables.setdefault(connector, {})

    def fresh(self, table: Table, context: str) -> Credential | None:
        """The warm path: the held credential if it is younger than its time to renew. Takes no lock."""
        held = table.get(context)
        if held is None:
            return None
        limit = held.renew_after
        if self.monotonic() - held.born < limit and self.wall() - held.born_wall < limit:
            held.used = True
            return held.credential
        return None

    def _age(self, held: Held) -> float:
        return max(self.monotonic() - held.born, self.wall() - held.born_wall)

    # Deciding

    def decide(self, key: Key, rejected: Credential | None) -> Serve | ConnectionUnavailable | Ask:
        """What to do for a caller: serve what is held, fail as Xkit just did, or ask Xkit.

        A held credential that is ``rejected`` is dropped, unless Xkit has just confirmed it.
        """
        connector, context = key
        held = self.table(connector).get(context)
        if held is not None:
            if self._is_left_alone(key, held.credential):
                return Serve(held.credential)
            if rejected is not None and held.credential == rejected:
                self._drop(key)
            else:
                age = self._age(held)
                if age < held.hold:
                    held.used = True
                    return Serve(held.credential, renew=age >= held.renew_after)
        until, error = self._unavailable.get(key, (0.0, None))
        if error is not None and self.monotonic() < until:
            return error
        return Ask()

    def stale(self, key: Key, rejected: Credential | None) -> Credential | None:
        """The credential to serve on while Xkit cannot be asked, if there is one that nobody has turned down."""
        connector, context = key
        held = self.table(connector).get(context)
        if held is None or not held.may_be_stale or (rejected is not None and held.credential == rejected):
            return None
        age, expires_at = self._age(held), held.credential.expires_at
        if age >= held.hold + self._max_stale or (expires_at is not None and age >= expires_at - held.born_wall):
            return None
        return held.credential

    # Learning

    def store(self, key: Key, credential: Credential, *, rejected: Credential | None) -> None:
        """Xkit gave this credential. If it is the one that was just turned down, the key is left alone for a while."""
        self._unavailable.pop(key, None)
        self._left_alone.pop(key, None)
        table = self.table(key[0])
        if key[1] not in table:
            while self._size >= self._max_entries:
                self._evict(table)
            self._size += 1
        wall = self.wall()
        table[key[1]] = Held(credential, self.monotonic(), wall, self._hold_for(credential, wall))
        if rejected is not None and rejected == credential:
            self.leave_alone(key, credential)

    def unavailable(self, key: Key, error: ConnectionUnavailable) -> None:
        """Xkit says that the user cannot be authorized now: hold nothing for them, and remember that for a moment."""
        self._drop(key)
        _make_room(self._unavailable)
        self._unavailable[key] = (self.monotonic() + _UNAVAILABLE_FOR, error)

    def leave_alone(self, key: Key, credential: Credential) -> None:
        """Asking for another credential than this one is pointless for a while."""
        _make_room(self._left_alone)
        self._left_alone[key] = (self.monotonic() + _LEFT_ALONE, credential)

    def hint(self, key: Key, *, bad: bool, is_asking: bool = False) -> bool:
        """Somebody unauthenticated says that the connection changed: ask again before the next use, but seldom.

        ``is_asking`` says that a call is under way. Returns whether that call is now out of date.
        """
        held = self.table(key[0]).get(key[1])
        if held is None and not is_asking:
            return False
        self._left_alone.pop(key, None)
        now = self.monotonic()
        ask_at = self._hinted.get(key, now - _BETWEEN_HINTS)
        if ask_at <= now:  # otherwise one is due already, and a flood of hints must not put it off
            ask_at = max(now, ask_at + _BETWEEN_HINTS)
        if held is not None:
            held.hold = held.renew_after = min(held.hold, ask_at - held.born)
            held.may_be_stale = held.may_be_stale and not bad
        _make_room(self._hinted)
        self._hinted[key] = ask_at
        return ask_at <= now

    def forget(self, key: Key) -> None:
        """Drop everything about one key."""
        self._drop(key)
        for notes in (self._unavailable, self._left_alone, self._hinted):
            notes.pop(key, None)

    def keys(self, connector: str | None, context: str | None) -> Iterator[Key]:
        """Every key that something is known about, of one connector, of one context, or of all."""
        held = [(slug, name) for slug, table in self._tables.items() for name in table]
        for key in {*held, *self._unavailable, *self._left_alone, *self._hinted}:
            if connector in (None, key[0]) and context in (None, key[1]):
                yield key

    # Keeping it small

    def _drop(self, key: Key) -> None:
        if self.table(key[0]).pop(key[1], None) is not None:
            self._size -= 1

    def _evict(self, table: Table) -> None:
        """Drop one that has not been used since it was last looked at: about the least recently used."""
        table = table or max(self._tables.values(), key=len)
        context = next(iter(table))
        while table[context].used:
            table[context].used = False
            table[context] = table.pop(context)  # to the end: it gets a second chance
            context = next(iter(table))
        del table[context]
        self._size -= 1

    def _hold_for(self, credential: Credential, wall: float) -> float:
        hold = self._max_age
        if credential.expires_at is not None:
            left = credential.expires_at - wall
            hold = min(hold, max(_SHORTEST_HOLD, left - min(_MARGIN, left / 2)))
        return hold * (1 - _MOST_JITTER * self._jitter())

    def _is_left_alone(self, key: Key, credential: Credential) -> bool:
        until, confirmed = self._left_alone.get(key, (0.0, None))
        return confirmed == credential and self.monotonic() < until


def _make_room(notes: dict[Key, Any]) -> None:
    """When there are too many notes, the oldest half goes."""
    if len(notes) >= _MOST_NOTES:
        for key in list(notes)[: _MOST_NOTES // 2]:
            del notes[key]
