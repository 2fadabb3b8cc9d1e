"""When Xkit may not be asked: the pauses after failures, for one key and for the whole account.

Times are ``time.monotonic()`` seconds, handed in by the caller, who also holds the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from random import SystemRandom
from typing import Any, NamedTuple

from .._values import PlatformAuthenticationError, PlatformError, PlatformRateLimited, PlatformUnavailable

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_KEYS_THAT_MEAN_AN_OUTAGE = 3
_PROBE_IS_LOST_AFTER = 4.0
_MOST_KEYS_REMEMBERED = 10_000

fresh_random = SystemRandom().random
"""The system's: that of the module has one state for all processes that were forked in C."""


class _Pause(NamedTuple):
    until: float
    length: float
    error: PlatformError
    since: int | None = None
    """How many answers had come when the trouble of a key began; ``None`` if it says nothing about Xkit."""


class Pauses:
    """Who has to wait before Xkit is asked again, and why.

    A key that fails while others are answered has a trouble of its own, and must not stop anybody else. So a failure
    counts towards an outage only if no answer has come since the trouble of its key began. When three different keys
    have failed like that, one call goes out at a time; if that fails, too, the account pauses.
    """

    def __init__(self, jitter: Callable[[], float] = fresh_random) -> None:
        self._jitter = jitter
        #: What is remembered of each key that has failed.
        self.of_key: dict[Any, _Pause] = {}
        self._of_account: _Pause | None = None
        self._limited: _Pause | None = None
        self._suspects: set[Hashable] = set()  # keys that have failed since the last answer, and count
        self._answers = 0
        self._probe_since: float | None = None

    def now_for(self, key: Hashable, now: float) -> PlatformError | None:
        """The failure because of which ``key`` must not be asked for now, or ``None``."""
        if self._limited is not None and now < self._limited.until:
            return _limited_for(self._limited.until - now)
        for pause in (self._of_account, self.of_key.get(key)):
            if pause is not None and now < pause.until:
                return pause.error
        return None

    def left_for(self, key: Hashable, now: float) -> float:
        """Seconds until ``key`` may be asked for again, as far as that is known."""
        pauses = (self._limited, self._of_account, self.of_key.get(key))
        return max([pause.until - now for pause in pauses if pause is not None], default=0.0)

    def probe_is_out(self, now: float) -> bool:
        """Whether somebody else's call finds out if there is an outage, so that others wait for how it ends."""
        return self._is_probing and self._probe_since is not None and now - self._probe_since < _PROBE_IS_LOST_AFTER

    @property
    def is_outage(self) -> bool:
        """Whether the account has paused, and there was no answer since."""
        return self._of_account is not None

    @property
    def _is_probing(self) -> bool:
        return len(self._suspects) >= _KEYS_THAT_MEAN_AN_OUTAGE

    def begins(self, now: float) -> int:
        """A call to Xkit begins. What to hand in if it fails."""
        if self._is_probing:
            self._probe_since = now
        return self._answers

    def answered(self, key: Hashable) -> None:
        """Xkit answered: whatever it said, it is there. That does not lift a limit that it has set."""
        self.of_key.pop(key, None)
        self._of_account = self._probe_since = None
        self._suspects.clear()
        self._answers += 1

    def failed(self, key: Hashable, error: PlatformError, now: float, began: int | None) -> None:
        """A call for ``key`` failed with ``error``.

        ``began`` is what ``begins`` gave for it; ``None`` if Xkit had no part in the failure.
        """
        if isinstance(error, PlatformAuthenticationError):
            self.answered(key)
        self._probe_since = None
        if isinstance(error, PlatformRateLimited):
            until = now + error.retry_after
            if self._limited is None or until > self._limited.until:
                self._limited = _Pause(until, error.retry_after, error)
            return
        is_about_xkit = began is not None and isinstance(error, PlatformUnavailable)
        last = self.of_key.get(key)
        since = (began if last is None or last.since is None else last.since) if is_about_xkit else None
        pause = self._next(last, error, now)
        until = max(pause.until, now + _asked_for(error))
        self._remember(key, pause._replace(until=until, since=since), now)
        if since == self._answers:
            self._suspect(key, error, now)

    def clear(self) -> None:
        """Forget all failures."""
        self.of_key.clear()
        self._of_account = self._limited = self._probe_since = None
        self._suspects.clear()

    def _suspect(self, key: Hashable, error: PlatformError, now: float) -> None:
        if not self._is_probing:
            self._suspects.add(key)
        elif self._of_account is None or now >= self._of_account.until:
            self._of_account = self._next(self._of_account, error, now)

    def ended(self) -> None:
        """A call ended that says nothing about Xkit and its key: this machine could not make it."""
        self._probe_since = None

    def _next(self, last: _Pause | None, error: PlatformError, now: float) -> _Pause:
        doubled = last.length * 2 if last is not None else _FIRST_PAUSE
        if isinstance(error, PlatformAuthenticationError):
            doubled = _LONGEST_PAUSE
        length = min(doubled, _LONGEST_PAUSE)
        return _Pause(now + length * (1 - 0.25 * self._jitter()), length, error)

    def _remember(self, key: Hashable, pause: _Pause, now: float) -> None:
        if len(self.of_key) >= _MOST_KEYS_REMEMBERED:
            self.of_key = {key: pause for key, pause in self.of_key.items() if now < pause.until}
        self.of_key[key] = pause


def _asked_for(error: PlatformError) -> float:
    """The seconds for which Xkit, in its failure, wants to be left alone; none unless it said so."""
    return vars(error).get("retry_after", 0.0) if isinstance(error, PlatformUnavailable) else 0.0


def _limited_for(seconds: float) -> PlatformRateLimited:
    error = PlatformRateLimited("Xkit has asked us to slow down, and was not asked")
    error.retry_after = seconds
    error.hint = f"Nothing is sent to Xkit for the next {seconds:.1f} seconds."
    return error
