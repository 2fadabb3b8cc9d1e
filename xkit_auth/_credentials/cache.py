"""The credentials that are held: how long, which to serve, and whose turn it is to ask Xkit.

A plain data structure: it knows no thread and no network, and takes its clocks as arguments. ``fresh`` is the warm
path and needs no lock; everything else is called by ``Xkit`` under its one short lock. A store that machines share
would stand behind ``decide`` and ``store``: a compare by rejected credential, and a lease to ask.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple, TypeAlias, TypeVar

from .._values import ConnectionUnavailable, Credential
from .pauses import fresh_random
from .refusals import Refusals

_Note = TypeVar("_Note")

Key: TypeAlias = tuple[str, str]
"""Connector slug and context. The account is the cache's owner; only credentials are held."""

_SHORTEST_HOLD = 15.0
_MARGIN = 30.0
_RENEW_AT = 0.8
_NEVER = float("-inf")
_MOST_JITTER = 0.1
_UNAVAILABLE_FOR = 5.0
_BETWEEN_HINTS = 10.0
_BETWEEN_DENIALS = 30.0
_MOST_NOTES = 10_000


class Held:
    """A held credential. Ages are in seconds and count on both clocks, from ``born`` and ``born_wall``.

    ``ask_at`` is the moment from which Xkit is asked before the next use, because somebody has said that the connection
    changed; ``None`` if nobody has.
    """

    __slots__ = ("ask_at", "born", "born_wall", "credential", "hold", "may_be_stale", "renew_after", "used")

    def __init__(self, credential: Credential, born: float, born_wall: float, hold: float) -> None:
        self.credential = credential
        self.born = born
        self.born_wall = born_wall
        self.hold = hold
        self.renew_after = hold * _RENEW_AT
        self.ask_at: float | None = None
        self.may_be_stale = True
        self.used = True

    def is_doubted(self, now: float) -> bool:
        """Whether Xkit has to be asked before the next use."""
        return self.ask_at is not None and self.ask_at <= now

    def doubt(self, ask_at: float) -> None:
        """Serve it without another look until then, and no longer."""
        self.ask_at = ask_at
        self.keep_warm(self.renew_after != _NEVER)

    def keep_warm(self, is_wanted: bool) -> None:
        """Let the warm path serve it for as long as it may, or not at all."""
        limit = self.hold * _RENEW_AT if self.ask_at is None else min(self.hold * _RENEW_AT, self.ask_at - self.born)
        self.renew_after = limit if is_wanted else _NEVER  # the one thing that the warm path looks at


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
        jitter: Callable[[], float] = fresh_random,
    ) -> None:
        self._max_age = max_age
        self._max_stale = max_stale
        self._max_entries = max_entries
        self.monotonic = monotonic
        self.wall = wall
        self._jitter = jitter
        self._tables: dict[str, Table] = {}
        self._unavailable: dict[Key, tuple[float, ConnectionUnavailable]] = {}
        self._refused = Refusals()
        self._denied: dict[Key, float] = {}  # when a key was last asked for because a provider wanted more rights
        self._turns: dict[Key, float] = {}  # when a key was, or will be, asked for because of a hint

    def table(self, connector: str) -> Table:
        """What is held for one connector, by context. The same dictionary for as long as the cache lives."""
        return self._tables.setdefault(connector, {})

    def has_table(self, connector: str) -> bool:
        """Whether something is held for one connector, or was."""
        return connector in self._tables

    def held(self, key: Key) -> Held | None:
        """What is held for a key. Looking leaves nothing behind: names may come from anybody."""
        table = self._tables.get(key[0])
        return None if table is None else table.get(key[1])

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

    def decide(
        self, key: Key, rejected: Credential | None, origin: Hashable = None
    ) -> Serve | ConnectionUnavailable | Ask:
        """What to do for a caller: serve what is held, fail as Xkit just did, or ask Xkit.

        A held credential that is ``rejected`` is dropped, unless the key is left alone for now at this origin.
        """
        held, now = self.held(key), self.monotonic()
        if held is not None:
            is_doubted = held.is_doubted(now)
            if not is_doubted and self._refused.is_left_alone(key, origin, held.credential, rejected, now):
                return Serve(held.credential)
            if rejected is not None and held.credential == rejected:
                self._drop(key)
            elif not is_doubted and (age := self._age(held)) < held.hold:
                held.used = True
                if held.renew_after == _NEVER and not self.is_watched(key):
                    held.keep_warm(True)
                return Serve(held.credential, renew=age >= held.hold * _RENEW_AT)
        until, error = self._unavailable.get(key, (0.0, None))
        if error is not None and now < until:
            return error
        return Ask()

    def stale(self, key: Key, rejected: Credential | None) -> Credential | None:
        """The credential to serve on while Xkit cannot be asked, if there is one that nobody has turned down."""
        held = self.held(key)
        if held is None or not held.may_be_stale or (rejected is not None and held.credential == rejected):
            return None
        age, expires_at = self._age(held), held.credential.expires_at
        if age >= held.hold + self._max_stale or (expires_at is not None and age >= expires_at - held.born_wall):
            return None
        return held.credential

    def unavailable_for(self, key: Key) -> float:
        """Seconds for which it is remembered that the user cannot be authorized."""
        until, _ = self._unavailable.get(key, (0.0, None))
        return until - self.monotonic()

    # Learning

    def store(
        self, key: Key, credential: Credential, *, rejected: Credential | None, origins: Iterable[Hashable] = (None,)
    ) -> None:
        """Xkit gave this credential.

        If it is the one that was just turned down, the key is left alone for a while by those ``origins`` that did.
        """
        self._unavailable.pop(key, None)
        table = self.table(key[0])
        while key[1] not in table and self._size() >= self._max_entries:
            self._evict(table)
        now, wall = self.monotonic(), self.wall()
        held = Held(credential, now, wall, self._hold_for(credential, wall))
        turn = self._turns.get(key, now)
        if turn > now:  # this answer may be older than what the latest hint was about
            held.doubt(turn)
        held.keep_warm(not self.is_watched(key))
        table[key[1]] = held
        if rejected is not None and rejected == credential:
            for origin in origins:
                self.leave_alone(key, credential, origin)

    def unavailable(self, key: Key, error: ConnectionUnavailable) -> None:
        """Xkit says that the user cannot be authorized now: hold nothing for them, and remember that for a moment."""
        self._drop(key)
        self._refused.forget(key)
        now = self.monotonic()
        _note(self._unavailable, key, (now + _UNAVAILABLE_FOR, error), lambda note: note[0] <= now)

    def failed(self, key: Key) -> None:
        """Xkit could not be asked. Whoever made us ask by a hint has had their turn."""
        held, now = self.held(key), self.monotonic()
        if held is not None and held.may_be_stale and held.is_doubted(now):
            self._note_turn(key, now + _BETWEEN_HINTS, now)
            held.doubt(now + _BETWEEN_HINTS)

    def leave_alone(self, key: Key, credential: Credential, origin: Hashable = None) -> None:
        """It was turned down, though it is the newest: asking for another one is pointless for a while."""
        held = self.held(key)
        if held is not None and held.credential == credential:
            self._refused.refused(key, origin, credential, self.monotonic())
            held.keep_warm(False)

    def accepted(self, key: Key, credential: Credential, origin: Hashable = None) -> None:
        """It was accepted, and somebody has refused it before."""
        self._refused.accepted(key, origin, credential, self.monotonic())

    def is_watched(self, key: Key) -> bool:
        """Whether it counts how a provider answers, since one has refused a credential of this key lately."""
        return self._refused.is_watched(key, self.monotonic())

    def may_have_more_rights(self, key: Key, credential: Credential) -> bool:
        """A provider wants more rights than ``credential`` has: whether it is time to ask what Xkit has now."""
        held, now = self.held(key), self.monotonic()
        if held is None or held.credential != credential:
            return False
        if now - self._denied.get(key, now - _BETWEEN_DENIALS) < _BETWEEN_DENIALS:
            return False
        _note(self._denied, key, now, lambda note: now - note >= _BETWEEN_DENIALS)
        return True

    def hint(self, key: Key, *, bad: bool, is_asking: bool = False) -> bool:
        """Somebody unauthenticated says that the connection changed: ask again before the next use, but seldom.

        ``is_asking`` says that a call is under way. Returns whether that call is now out of date. Nothing is kept of
        hints about what is neither held nor asked for: anybody can send any number of them.
        """
        held = self.held(key)
        if held is None and not is_asking:
            return False
        now = self.monotonic()
        if held is not None:
            held.may_be_stale = held.may_be_stale and not bad
            if held.is_doubted(now) and not is_asking:
                return False  # the next use asks anyway
        turn = self._turns.get(key, now - _BETWEEN_HINTS)
        if turn <= now:  # otherwise one is to come already
            turn = max(now, turn + _BETWEEN_HINTS)
        if held is not None and not held.is_doubted(now):  # a flood of hints must not put it off
            held.doubt(turn)
        self._note_turn(key, turn, now)
        return turn <= now

    def forget(self, key: Key) -> None:
        """Drop everything about one key, but for when a hint last had its way: forgetting gives hints no more turns."""
        self._drop(key)
        self._unavailable.pop(key, None)
        self._refused.forget(key)
        self._denied.pop(key, None)
        if self._turns.get(key, 0.0) + _BETWEEN_HINTS <= self.monotonic():
            self._turns.pop(key, None)

    def forget_all(self) -> None:
        """Drop everything about every key."""
        for table in self._tables.values():
            table.clear()
        self._unavailable.clear()
        self._refused.clear()
        self._denied.clear()
        self._turns.clear()

    def keys(self, connector: str | None, context: str | None) -> Iterator[Key]:
        """Every key that something is known about, of one connector, of one context, or of all."""
        held = [(slug, name) for slug, table in list(self._tables.items()) for name in list(table)]
        for key in {*held, *self._unavailable, *self._refused}:
            if connector in (None, key[0]) and context in (None, key[1]):
                yield key

    # Keeping it small

    def _drop(self, key: Key) -> None:
        if self.held(key) is not None:
            self._tables[key[0]].pop(key[1], None)

    def _size(self) -> int:
        return sum(map(len, self._tables.values()))

    def _evict(self, table: Table) -> None:
        """Drop one that has not been used since it was last looked at: about the least recently used."""
        table = table or max(self._tables.values(), key=len)
        context = next(iter(table))
        while table[context].used:
            table[context].used = False
            table[context] = table.pop(context)  # to the end: it gets a second chance
            context = next(iter(table))
        del table[context]

    def _hold_for(self, credential: Credential, wall: float) -> float:
        hold = self._max_age
        if credential.expires_at is not None:
            left = credential.expires_at - wall
            hold = min(hold, max(_SHORTEST_HOLD, left - min(_MARGIN, left / 2)))
        return hold * (1 - _MOST_JITTER * self._jitter())

    def _note_turn(self, key: Key, turn: float, now: float) -> None:
        _note(self._turns, key, turn, lambda turn: turn + _BETWEEN_HINTS <= now)


def _note(notes: dict[Key, _Note], key: Key, note: _Note, is_over: Callable[[_Note], bool]) -> None:
    """Make a note. The oldest ones go if they are over, or if there are too many."""
    notes.pop(key, None)
    while notes and (len(notes) >= _MOST_NOTES or is_over(notes[next(iter(notes))])):
        del notes[next(iter(notes))]
    notes[key] = note
