"""Keeps calls to Xkit out of the logs of the HTTP libraries.

At DEBUG these quote the headers of each answer, and what they could not read of one; urllib3 does the latter as a
warning. An answer of Xkit's is a credential, and what could not be read of it may be its text.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import partial


class Quiet(logging.Filter):
    """Silences some loggers for what happens inside ``here()``, in that thread alone.

    The loggers also say at once that they are not enabled there. To find that out takes logging's lock, and whoever
    waits for our call may hold it: a handler that asks for a credential while ``dictConfig`` makes it.
    """

    def __init__(self, loggers: Iterable[str]) -> None:
        super().__init__()
        self._threads: set[int] = set()
        self._loggers = [logging.getLogger(name) for name in loggers]
        for logger in self._loggers:
            logger.addFilter(self)

    @contextmanager
    def here(self) -> Generator[None]:
        """The block in which nothing is logged."""
        ident = threading.get_ident()
        self._threads.add(ident)
        for logger in self._loggers:
            vars(logger)["isEnabledFor"] = partial(self._is_enabled_for, logger)
        try:
            yield
        finally:
            self._threads.discard(ident)
            if not self._threads:  # so that it costs the application's own requests nothing
                for logger in self._loggers:
                    vars(logger).pop("isEnabledFor", None)

    def _is_enabled_for(self, logger: logging.Logger, level: int) -> bool:
        return threading.get_ident() not in self._threads and type(logger).isEnabledFor(logger, level)

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by logging: whether a record may pass."""
        return (record.thread or threading.get_ident()) not in self._threads  # an application may leave the former out
