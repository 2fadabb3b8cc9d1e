"""What providers make of credentials that Xkit confirms: which key is left alone, and for how long.

A provider that goes on refusing what Xkit gives must not make us ask Xkit for each request. One that refuses a good
credential now and then, and accepts it in between, must not keep a real expiry from being found out. So only refusals
in a row count, as soon as it is known that there are others. Each origin counts for itself.

Nothing of this is noted on the warm path: a key that somebody has refused is watched, which means that its requests do
not take that path until all has been quiet for a minute.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from .._values import Credential

_LEFT_ALONE_AT_FIRST = 1.0
_LEFT_ALONE_AT_MOST = 30.0
_FORGOTTEN_AFTER = 60.0
_IN_A_ROW = 5
"""Refusals in a row that leave a key alone whose provider has refused by mistake before."""

_MOST_SLIPS = 300
"""Such mistakes in a minute, each of which costs a call to Xkit. With more of them, a key is left alone anyway."""

_MOST_KEYS = 10_000
_MOST_ORIGINS = 32


class _Note(NamedTuple):
    """What one origin makes of one key.

    ``slips`` are refusals that were followed by an answer which accepted the same credential, since ``slips_since``.
    """

    credential: Credential
    until: float
    pause: float
    last: float
    in_a_row: int
    slips: int = 0
    slips_since: float = 0.0

    def is_over(self, now: float) -> bool:
        return now - self.last >= _FORGOTTEN_AFTER


class Refusals:
    """Notes by key and origin. Times are ``time.monotonic()`` seconds, handed in by the caller, who holds the lock."""

    def __init__(self) -> None:
        self._notes: dict[Any, dict[Hashable, _Note]] = {}

    def is_left_alone(
        self, key: Hashable, origin: Hashable, credential: Credential, rejected: Credential | None, now: float
    ) -> bool:
        """Whether there is no point in asking Xkit about ``credential``, which is held, for now."""
        note = self._notes.get(key, {}).get(origin)
        if note is None or note.credential != credential or now >= note.until:
            return False
        if rejected == credential:
            self._notes[key][origin] = note._replace(last=now)
        return True

    def is_watched(self, key: Hashable, now: float) -> bool:
        """Whether somebody has refused a credential of this key lately. This may be asked without the lock."""
        notes = self._notes.get(key)
        return notes is not None and not all(note.is_over(now) for note in list(notes.values()))

    def refused(self, key: Hashable, origin: Hashable, credential: Credential, now: float) -> None:
        """``credential`` was refused, though it is the newest: asking for another one is pointless for a while.

        The while is longer each time, and a second at first: often the newest is there in the next moment.
        """
        note = self._note(key, origin, now)
        if note is None:
            note = _Note(credential, 0.0, 0.0, now, 0)
        elif note.credential == credential and now < note.until:
            return  # one of many requests that were under way together
        in_a_row, pause = note.in_a_row + 1, 0.0
        if in_a_row >= _IN_A_ROW or not 0 < note.slips <= _MOST_SLIPS:
            pause = min(note.pause * 2, _LEFT_ALONE_AT_MOST) or _LEFT_ALONE_AT_FIRST
        self._keep(
            key,
            origin,
            note._replace(credential=credential, until=now + pause, pause=pause, last=now, in_a_row=in_a_row),
            now,
        )

    def accepted(self, key: Hashable, origin: Hashable, credential: Credential, now: float) -> None:
        """``credential`` was accepted: if it was refused before, that was a mistake of the provider's."""
        note = self._note(key, origin, now)
        if note is None or not note.in_a_row:
            return
        if note.credential != credential:
            self._notes[key][origin] = note._replace(pause=0.0, in_a_row=0)
            return
        is_new = not note.slips or now - note.slips_since >= _FORGOTTEN_AFTER
        slips, since = (1, now) if is_new else (note.slips + 1, note.slips_since)
        until = note.until if slips > _MOST_SLIPS else 0.0
        self._notes[key][origin] = note._replace(until=until, pause=0.0, in_a_row=0, slips=slips, slips_since=since)

    def forget(self, key: Hashable) -> None:
        """Drop everything about one key."""
        self._notes.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        self._notes.clear()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)

    def _note(self, key: Hashable, origin: Hashable, now: float) -> _Note | None:
        note = self._notes.get(key, {}).get(origin)
        return None if note is None or note.is_over(now) else note

    def _keep(self, key: Hashable, origin: Hashable, note: _Note, now: float) -> None:
        notes = self._notes.pop(key, {})
        notes.pop(origin, None)
        if len(notes) >= _MOST_ORIGINS:
            del notes[next(iter(notes))]
        notes[origin] = note
        while self._notes and (len(self._notes) >= _MOST_KEYS or not self.is_watched(next(iter(self._notes)), now)):
            del self._notes[next(iter(self._notes))]
        self._notes[key] = notes
