"""What belongs to one process: locks, threads and calls under way do not survive a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Made = TypeVar("_Made")


class OfProcess(Generic[_Made]):
    """Something that each process makes for itself when it first wants it.

    The process is looked at each time. Python tells nobody of a fork that it has not made itself, such as uWSGI's.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make = make
        self._made: dict[int, _Made] = {}

    def __call__(self) -> _Made:
        """This process's own. Takes no lock, since a fork may have left any lock taken for ever."""
        here = os.getpid()
        made = self._made.get(here)
        if made is None:
            made = self._made.setdefault(here, self._make())
            for process in list(self._made):  # a number is given to another process one day
                if process != here:
                    self._made.pop(process, None)
        return made


class LockOfProcess:
    """A lock that can be taken again by who has it, and of which each process has its own: a fork leaves none taken."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = OfProcess(threading.RLock)

    def __enter__(self) -> None:
        self._lock().acquire()

    def __exit__(self, *_reason: object) -> None:
        self._lock().release()
