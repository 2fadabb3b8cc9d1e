"""What is logged, under ``xkit_auth.``: at INFO what changes, at DEBUG each call to Xkit. Never a secret.

Nothing is logged on the warm path, nor while a lock of ours is held, nor before those who wait for a call have its
outcome: a handler may ask for a credential itself, while it or somebody else holds one of logging's locks.
"""

from __future__ import annotations

import threading
from typing import Any

from .._values import Credential, EventKind

_DEBUG, _INFO = 10, 20
_MOST_KEYS = 10_000

_ABOUT_ANSWERS: dict[EventKind, str] = {
    "rejected": "A provider turned down the credential %s of %s: %s",
    "resent": "A refused request was sent again with the credential %s of %s",
    "not_resent": "A refused request was not sent again with the credential %s of %s: %s",
    "account_changed": "A refused request was not sent again: the credential %s of %s is of another account now",
    "redirected": "A redirect leads away from where the credential %s of %s was sent, and goes without it, though to"
    " another of the connector's hosts: %s. If the API is there, ask for it there",
    "challenged": "A provider wants something else than the credential %s of %s: %s",
}

WHY_NOT_RESENT = {
    "same_credential": "Xkit has no other one",
    "body": "the body of the request cannot be sent twice",
}
_PAUSES_MORE_THAN_ONE = ("PlatformRateLimited", "PlatformAuthenticationError")


class Log:
    """What one ``Xkit`` logs. It remembers of which keys it has said that something is wrong, to say that once."""

    def __init__(self) -> None:
        self._unavailable: set[tuple[str, str]] = set()
        self._stale: set[tuple[str, str]] = set()
        self._inside: set[int] = set()  # threads that are logging: what a handler does there is not logged

    def event(
        self, kind: EventKind, connector: str, context: str, credential: Credential | None, detail: str | None
    ) -> None:
        """What a listener is told, too, except for calls to Xkit."""
        key = connector, context
        if kind == "cache_hit" and detail == "stale" and key not in self._stale:
            _add(self._stale, key)
            what = "Xkit cannot be asked: the credential %s of %s is served on"
            self._say("credentials", _INFO, what, _fingerprint(credential), _named(key))
        text = _ABOUT_ANSWERS.get(kind)
        if text is not None and self._is_enabled("answers", _INFO):
            said = [WHY_NOT_RESENT.get(detail or "", detail)] * (text.count("%s") - 2)
            self._say("answers", _INFO, text, _fingerprint(credential), _named(key), *said)

    def call(
        self, key: tuple[str, str], seconds: float, credential: Credential | None, failure: str | None = None
    ) -> None:
        """A call to Xkit is over: it brought a credential, or a connection without any, or failed."""
        if failure is not None:
            level = _INFO if failure in _PAUSES_MORE_THAN_ONE else _DEBUG
            self._say(
                "credentials", level, "A call to Xkit for %s failed after %.3f s: %s", _named(key), seconds, failure
            )
            return
        if self._is_enabled("credentials", _DEBUG):
            text = "Xkit gave the credential %s of %s in %.3f s"
            self._say("credentials", _DEBUG, text, _fingerprint(credential), _named(key), seconds)
        if credential is not None:
            self._stale.discard(key)
            if key in self._unavailable:
                self._unavailable.discard(key)
                self._say("credentials", _INFO, "The user has connected again: %s", _named(key))

    def unavailable(self, key: tuple[str, str], why: str, seconds: float) -> None:
        """Xkit says that a user cannot be authorized now."""
        level = _DEBUG if key in self._unavailable else _INFO
        _add(self._unavailable, key)
        self._stale.discard(key)
        self._say("credentials", level, "Xkit has no usable credential of %s (%.3f s): %s", _named(key), seconds, why)

    def outage(self, *, begins: bool) -> None:
        """Calls for several users failed, with no answer in between; or there is an answer again."""
        said = "Xkit does not answer: until it does, it is asked seldom" if begins else "Xkit answers again"
        self._say("credentials", _INFO, said)

    def _is_enabled(self, name: str, level: int) -> bool:
        import logging  # late: importing xkit_auth must stay cheap

        logger: Any = logging.getLogger(f"xkit_auth.{name}")
        if logger.disabled or logger.manager.disable >= level:
            return False
        while logger is not None and not logger.level:  # by hand: isEnabledFor() may have to wait for logging's lock
            logger = logger.parent
        return logger is None or logger.level <= level

    def _say(self, name: str, level: int, text: str, *values: object) -> None:
        ident = threading.get_ident()
        if ident in self._inside or not self._is_enabled(name, level):
            return
        import logging

        self._inside.add(ident)
        try:
            logging.getLogger(f"xkit_auth.{name}").log(level, text, *values)
        finally:
            self._inside.discard(ident)


def _add(keys: set[tuple[str, str]], key: tuple[str, str]) -> None:
    if len(keys) >= _MOST_KEYS:
        keys.clear()
    keys.add(key)


def _named(key: tuple[str, str]) -> str:
    return f"connector {key[0]!r}, context {key[1]!r}"


def _fingerprint(credential: Credential | None) -> str | None:
    return None if credential is None else credential.fingerprint
