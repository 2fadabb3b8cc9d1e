"""What Xkit knows and what the providers accept: plain data behind one lock, without network, event loop or clock."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from .._values import LockOfProcess

Secret: TypeAlias = "str | dict[str, str]"
Standing: TypeAlias = Literal["good", "expired", "revoked", "unknown", "missing"]


@dataclass(frozen=True, slots=True)
class Held:
    """One connection as Xkit holds it."""

    slug: str
    context: str
    number: int
    enabled: bool = True
    status: str | None = "active"
    secret: Secret | None = None
    expires_in: float | None = None
    expires_at: str | float | None = None
    display_label: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    stale: bool = False
    """Xkit will refresh the credential when it is next read."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential that a provider once gave out."""

    slug: str
    context: str
    parts: tuple[str, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class Judged:
    """What a provider makes of the credential that came with a request."""

    standing: Standing
    context: str = ""


@dataclass
class State:
    """The world of one sandbox. Each method is one change or one look, whole under the lock."""

    _lock: LockOfProcess = field(default_factory=LockOfProcess)
    _held: dict[tuple[str, str], Held] = field(default_factory=dict)
    _issued: dict[tuple[str, tuple[str, ...]], Issued] = field(default_factory=dict)
    _with_part: dict[str, set[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    _providers: dict[str, str] = field(default_factory=dict)
    _numbers: int = 0

    # Names

    def name_provider(self, slugs: Mapping[str, str]) -> None:
        """From now on the slug on the left is served by the provider on the right."""
        with self._lock:
            self._providers.update(slugs)

    def provider_of(self, slug: str) -> str:
        return self._providers.get(slug, slug)

    def slugs(self) -> list[str]:
        """Every slug that has had a connection, oldest first."""
        with self._lock:
            return list(dict.fromkeys(slug for slug, _ in self._held))

    def clear(self) -> None:
        """Begin anew: nobody is connected, and no credential was ever given out. Names stay."""
        with self._lock:
            self._held.clear()
            self._issued.clear()
            self._with_part.clear()

    # What happens to a connection

    def connect(self, slug: str, context: str, secret: Secret | None, **more: Any) -> str:
        with self._lock:
            chosen = new_secret(None) if secret is None else secret
            self._put(slug, context, secret=chosen, **more)
            self._issue(slug, context, chosen)
            return text_of(chosen)

    def credential(self, slug: str, context: str) -> str:
        with self._lock:
            return text_of(self._secret(self._find(slug, context)))

    def rotate(self, slug: str, context: str) -> str:
        with self._lock:
            held = self._find(slug, context)
            self._mark(held, "expired")
            return text_of(self._renew(held))

    def expire(self, slug: str, context: str, renews: bool) -> None:
        with self._lock:
            held = self._find(slug, context)
            self._mark(held, "expired")
            self._held[slug, context] = replace(held, stale=renews)

    def revoke(self, slug: str, context: str, known_to_xkit: bool) -> None:
        with self._lock:
            held = self._find(slug, context)
            self._mark(held, "revoked")
            self._held[slug, context] = replace(held, stale=False)  # nothing is left to refresh with
            if known_to_xkit:
                self._put(
                    slug, context, status="error", error_code="access_denied", error_message="The user revoked access."
                )

    def disable(self, slug: str, context: str) -> None:
        with self._lock:
            held = self._held.get((slug, context))
            if held is None:  # never connected: Xkit then knows no authorization either
                self._put(slug, context, enabled=False, status=None)
            else:
                self._held[slug, context] = replace(held, enabled=False)

    def pending(self, slug: str, context: str, status: str) -> None:
        with self._lock:
            self._put(slug, context, status=status)

    def forget(self, slug: str, context: str) -> None:
        with self._lock:
            self._find(slug, context)
            del self._held[slug, context]

    # What is asked

    def read(self, slug: str, context: str) -> dict[str, Any] | None:
        """The Platform API's answer, or ``None`` for a connection that Xkit does not know. Reading may refresh."""
        with self._lock:
            held = self._held.get((slug, context))
            if held is None:
                return None
            if held.stale:
                self._renew(held)
            return describe(self._held[slug, context])

    def connection_id(self, slug: str, context: str) -> str | None:
        """Xkit's own id of a connection; ``None`` if there is none."""
        with self._lock:
            held = self._held.get((slug, context))
            return None if held is None else id_of(held)

    def judge(self, provider: str, offered: Iterable[str], *, exact: bool) -> Judged:
        """Judge what a request offers.

        Exact: a text is the credential, or one of its parts. Otherwise: all parts are somewhere in the texts.
        """
        texts = [text for text in offered if text]
        with self._lock:
            if exact:
                found = [self._issued[key] for text in texts for key in self._with_part.get(text, ())]
            else:
                found = [issued for issued in self._issued.values() if carries(texts, issued.parts)]
            mine = [issued for issued in found if self.provider_of(issued.slug) == provider]
        if mine:
            # The longest, because one credential may be the beginning of another.
            best = max(mine, key=lambda issued: sum(map(len, issued.parts)))
            return Judged(best.standing, best.context)
        return Judged("unknown" if texts else "missing")

    # Under the lock

    def _find(self, slug: str, context: str) -> Held:
        try:
            return self._held[slug, context]
        except KeyError:
            raise LookupError(f"{context!r} has no connection to {slug!r} in this sandbox: connect() first") from None

    @staticmethod
    def _secret(held: Held) -> Secret:
        if held.secret is None:
            raise LookupError(f"Xkit holds no credential of {held.context!r} for {held.slug!r} in this sandbox")
        return held.secret

    def _put(self, slug: str, context: str, **values: Any) -> None:
        known = self._held.get((slug, context))
        if known is None:
            self._numbers += 1
        self._held[slug, context] = Held(slug, context, known.number if known else self._numbers, **values)

    def _issue(self, slug: str, context: str, secret: Secret) -> None:
        parts = parts_of(secret)
        self._issued[slug, parts] = Issued(slug, context, parts, "good")
        for part in parts:
            self._with_part.setdefault(part, set()).add((slug, parts))

    def _mark(self, held: Held, standing: Standing) -> None:
        key = held.slug, parts_of(self._secret(held))
        self._issued[key] = replace(self._issued[key], standing=standing)

    def _renew(self, held: Held) -> Secret:
        secret = new_secret(held.secret)
        self._issue(held.slug, held.context, secret)
        # An absolute expiry belonged to the old credential; a relative one holds for each.
        self._held[held.slug, held.context] = replace(held, secret=secret, expires_at=None, stale=False)
        return secret


def new_secret(like: Secret | None) -> Secret:
    """A random credential, of as many parts as ``like``, that nobody can take for a real one."""
    if isinstance(like, dict):
        return {name: f"sandbox-{secrets.token_hex(12)}" for name in like}
    return f"sandbox-{secrets.token_hex(12)}"


def text_of(secret: Secret) -> str:
    return secret if isinstance(secret, str) else json.dumps(secret)


def parts_of(secret: Secret) -> tuple[str, ...]:
    return (secret,) if isinstance(secret, str) else tuple(secret.values())


def carries(texts: list[str], parts: tuple[str, ...]) -> bool:
    return all(any(part in text for text in texts) for part in parts)


def id_of(held: Held) -> str:
    return f"connection-{held.number}"


def describe(held: Held) -> dict[str, Any]:
    """The connection in the form in which the Platform API answers."""
    connection: dict[str, Any] = {
        "id": id_of(held),
        "enabled": held.enabled,
        "connector": {"name": held.slug.replace("-", " ").title(), "slug": held.slug},
    }
    if held.status is not None:
        authorization: dict[str, Any] = {"id": held.number, "status": held.status, "credential": held.secret}
        for name in ("expires_in", "expires_at", "display_label", "error_code", "error_message"):
            value = getattr(held, name)
            if value is not None:
                authorization[name] = value
        connection["authorization"] = authorization
    return {"connection": connection}
