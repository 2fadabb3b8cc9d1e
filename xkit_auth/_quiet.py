"""Keeps calls to Xkit out of the logs of the HTTP libraries.

At DEBUG these quote the headers of each answer, and what they could not read of one; urllib3 does the latter as a
warning. An answer of Xkit's is a credential, and what could not be read of it may be its text.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager


class Quiet(logging.Filter):
    """Silences some loggers for what happens inside ``here()``, in that thread alone."""

    def __init__(self, loggers: Iterable[str]) -> None:
        super().__init__()
        self._threads: set[int] = set()
        for name in loggers:
            logging.getLogger(name).addFilter(self)

    @contextmanager
    def here(self) -> Generator[None]:
        """The block in which nothing is logged."""
        ident = threading.get_ident()
        self._threads.add(ident)
        try:
            yield
        finally:
            self._threads.discard(ident)

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by logging: whether a record may pass."""
        return (record.thread or threading.get_ident()) not in self._threads  # an application may leave the former out
