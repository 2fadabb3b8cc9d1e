"""When Xkit may not be asked: the pauses after failures, for one key and for the whole account.

Times are ``time.monotonic()`` seconds, handed in by the caller, who also holds the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from ._chance import chance
from ._errors import PlatformAuthenticationError, PlatformError, PlatformRateLimited, PlatformUnavailable

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_KEYS_THAT_MEAN_AN_OUTAGE = 3
_PROBE_COUNTS_AS_LOST_AFTER = 4.0
_MOST_KEYS_REMEMBERED = 10_000


class _Pause(NamedTuple):
    until: float
    length: float
    error: PlatformError


class Pauses:
    """Who has to wait before Xkit is asked again, and why."""

    def __init__(self, jitter: Callable[[], float] = chance) -> None:
        self._jitter = jitter
        self._of_key: dict[Hashable, _Pause] = {}
        self._of_account: _Pause | None = None
        self._limited: _Pause | None = None
        self._outage = False
        self._failing_keys: set[Hashable] = set()
        self._probe_since: float | None = None

    def now_for(self, key: Hashable, now: float) -> PlatformError | None:
        """The failure because of which ``key`` must not be asked for now, or ``None``."""
        if self._limited is not None and now < self._limited.until:
            return _limited_for(self._limited.until - now)
        for pause in (self._of_account, self._of_key.get(key)):
            if pause is not None and now < pause.until:
                return pause.error
        return None

    def probe_is_out(self, now: float) -> bool:
        """Whether an outage is being probed by somebody else's call, so that others wait for how it ends."""
        return self._outage and self._probe_since is not None and now - self._probe_since < _PROBE_COUNTS_AS_LOST_AFTER

    def begins(self, now: float) -> None:
        """A call to Xkit begins."""
        if self._outage:
            self._probe_since = now

    def answered(self, key: Hashable) -> None:
        """Xkit answered: whatever it said, it is there. That does not lift a limit that it has set."""
        self._of_key.pop(key, None)
        self._of_account = self._probe_since = None
        self._outage = False
        self._failing_keys.clear()

    def failed(self, key: Hashable, error: PlatformError, now: float) -> None:
        """A call for ``key`` failed with ``error``."""
        if isinstance(error, PlatformAuthenticationError):
            self.answered(key)
        self._probe_since = None
        if isinstance(error, PlatformRateLimited):
            until = now + error.retry_after
            if self._limited is None or until > self._limited.until:
                self._limited = _Pause(until, error.retry_after, error)
            return
        self._remember(key, self._next(self._of_key.get(key), error, now), now)
        if isinstance(error, PlatformUnavailable):
            self._failing_keys.add(key)
            if len(self._failing_keys) >= _KEYS_THAT_MEAN_AN_OUTAGE or self._outage:
                self._outage = True
                if self._of_account is None or now >= self._of_account.until:
                    self._of_account = self._next(self._of_account, error, now)

    def forget(self, key: Hashable) -> None:
        """Drop what is remembered of one key."""
        self._of_key.pop(key, None)

    def _next(self, last: _Pause | None, error: PlatformError, now: float) -> _Pause:
        doubled = last.length * 2 if last is not None else _FIRST_PAUSE
        if isinstance(error, PlatformAuthenticationError):
            doubled = _LONGEST_PAUSE
        length = min(doubled, _LONGEST_PAUSE)
        return _Pause(now + length * (1 - 0.25 * self._jitter()), length, error)

    def _remember(self, key: Hashable, pause: _Pause, now: float) -> None:
        if len(self._of_key) >= _MOST_KEYS_REMEMBERED:
            self._of_key = {key: pause for key, pause in self._of_key.items() if now < pause.until}
        self._of_key[key] = pause


def _limited_for(seconds: float) -> PlatformRateLimited:
    error = PlatformRateLimited("Xkit has asked us to slow down, and was not asked")
    error.retry_after = seconds
    error.hint = f"Nothing is sent to Xkit for the next {seconds:.1f} seconds."
    return error
