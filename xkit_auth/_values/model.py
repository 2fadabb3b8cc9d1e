"""The values that pass between the parts: frozen, typed, and silent about secrets."""

from __future__ import annotations

import enum
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from .calling import says_how_to_call
from .challenge import Challenge, challenges_in
from .errors import ConfigurationError
from .text import MASK, a_kind_of, is_plain_name, plain, plain_if_text, quoted, why_not_sendable

_Self = TypeVar("_Self", bound="Value")

_DIGEST = 8  # bytes that stand for one of an account's names


class Value:
    """A frozen value: its attributes are its ``__slots__``, set once in ``__init__`` and compared by content."""

    __slots__: tuple[str, ...] = ()

    def _set(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _attributes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(self) is type(other) and self._attributes() == other._attributes()

    def __hash__(self) -> int:
        # Mappings are left out: equal ones may differ in their order.
        values = [value for value in self._attributes().values() if not isinstance(value, Mapping)]
        return hash((type(self), *values))

    def __repr__(self) -> str:
        # A traceback that shows local variables meets values whose __init__ has raised.
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__ if hasattr(self, name))
        return f"{type(self).__name__}({inside})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._attributes())


def _restored(kind: type[_Self], attributes: dict[str, Any]) -> _Self:
    value = kind.__new__(kind)
    value._set(**attributes)
    return value


class Secret:
    """A text that is never shown: ``repr``, ``str``, formatting and pickling give none of it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = plain_if_text(text)

    def reveal(self) -> str:
        """The text itself. Keep it out of local variables: tracebacks show those."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key does not pickle")


class Credential:
    """What the provider wants to see: a token, a key, or several named parts. Its text is never shown.

    Compares equal to a credential with the same text. Copies are the same object; pickling is refused.

    Example:
        >>> credential = Credential("xoxb-1234567890")
        >>> credential
        Credential([redacted])
        >>> credential.reveal()
        'xoxb-1234567890'
    """

    __slots__ = ("_account", "_expires_at", "_fingerprint_key", "_parts", "is_plain")

    @says_how_to_call
    def __init__(
        self,
        text: str | Mapping[str, str],
        *,
        expires_at: float | None = None,
        fingerprint_key: Secret | None = None,
    ) -> None:
        if not isinstance(text, (str, Mapping)):
            raise ConfigurationError(
                f"A Credential is made of a text or a mapping of texts, not of {a_kind_of(text)}",
                hint='Write Credential("…"), or Credential({"user": "…", "password": "…"}) for one of several parts.',
            )
        self._parts: str | dict[str, str] = plain(text) if isinstance(text, str) else _plain_texts(text)
        self._fingerprint_key = fingerprint_key
        self._expires_at = expires_at
        self._account = b""
        #: Whether it is a single text in ASCII that can be sent as it is, as nearly all are.
        self.is_plain = isinstance(text, str) and text.isascii() and why_not_sendable(text) is None

    @property
    def expires_at(self) -> float | None:
        """When it expires, in seconds since the epoch, as far as Xkit or the token itself says; else ``None``."""
        return self._expires_at

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the parts of a credential that has several; empty for a single text."""
        return () if isinstance(self._parts, str) else tuple(self._parts)

    def reveal(self, field: str | None = None) -> str:
        """The text of the credential, or of one of its parts.

        Raises:
            ConfigurationError: it has no such field, or has several and none was named.
        """
        field = plain_if_text(field)
        if isinstance(self._parts, str):
            if field is None:
                return self._parts
        elif field is None and len(self._parts) == 1:
            return next(iter(self._parts.values()))
        elif field in self._parts:
            return self._parts[field]
        names = [name if is_plain_name(name) else MASK for name in self.fields]
        has = f"has the fields {', '.join(names)}" if names else "is a single text"
        wanted = "one text" if field is None else f"the field {quoted(field)}"
        del field  # people put a token where a name belongs
        raise ConfigurationError(
            f"What was asked for is {wanted}, but the credential that Xkit holds {has}",
            hint="If the connector asks for that, choose another kind=, or let the user connect in the way that this"
            " kind is for; if your code does, name what there is: in argument= of with_credential, or in reveal().",
        )

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell credentials apart in logs, useless without the account's secret key."""
        key = self._fingerprint_key.reveal().encode() if self._fingerprint_key else b"xkit-auth"
        text = "\0".join(self._texts()).encode("utf-8", "surrogatepass")
        return hmac.new(key, text, "sha256").hexdigest()[:8]

    def _belong_to(self, *names: object) -> None:
        """Say by which names its account is known, each at its own place; nothing where one is not known."""
        digests = [blake2b(str(name).encode("utf-8", "replace"), digest_size=_DIGEST) for name in names]
        self._account = b"".join(
            digest.digest() if name not in (None, "") else bytes(_DIGEST)
            for name, digest in zip(names, digests, strict=True)
        )

    def _is_of_another_account(self, other: Credential) -> bool:
        """Whether it certainly is: of the names by which both know their account, one differs."""
        mine, theirs = self._account, other._account
        known = [slice(at, at + _DIGEST) for at in range(0, min(len(mine), len(theirs)), _DIGEST)]
        return any(any(mine[at]) and any(theirs[at]) and mine[at] != theirs[at] for at in known)

    def _texts(self) -> Iterator[str]:
        if isinstance(self._parts, str):
            yield self._parts
        else:
            yield from self._parts.values()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(frozenset(self._texts()))

    def __repr__(self) -> str:
        return f"Credential({MASK})"

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, _memo: object) -> Credential:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Credential does not pickle: ask Xkit again where it is needed")


def _plain_texts(parts: Mapping[str, str]) -> dict[str, str]:
    return {plain_if_text(name): plain_if_text(text) for name, text in parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What Xkit says about one context and one connector: data, not judgement.

    Attributes:
        context: the application's own id of the user or group.
        connector: the connector's slug, as it was asked for.
        enabled: whether the context has this connector switched on.
        status: the authorization's status, such as ``"active"``; unknown ones are kept; ``None`` if there is none.
        credential: the credential, only if the connection is enabled, its status is ``active`` and Xkit gave one.
        error_code: why the authorization is not usable, in Xkit's words, or ``None``.
        error_message: the same as a text for people, or ``None``.
        display_label: a name for the connected account, or ``None``.
        raw: Xkit's whole answer. The fields that Xkit documents can be read; of any other one the name is there, and
            its texts and numbers are masked, since nobody knows what they are.
    """

    context: str
    connector: str
    enabled: bool
    status: str | None = None
    credential: Credential | None = None
    error_code: str | None = None
    error_message: str | None = None
    display_label: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, hash=False)


class Verdict(enum.Enum):
    """What a provider's answer says about the credential that was sent."""

    ACCEPTED = "accepted"
    """The answer does not turn the credential down."""
    REFETCH = "refetch"
    """Expired or unknown: ask Xkit again, and send the request once more if it gives another one."""
    RECONNECT = "reconnect"
    """Revoked: the user must act, unless Xkit already holds a newer authorization."""
    DENIED = "denied"
    """A scope, role or policy: a new credential does not help."""
    RATE_LIMITED = "rate_limited"
    """Too many requests: nothing is wrong with the credential."""
    CHALLENGE = "challenge"
    """The provider wants something more, which the judgement's ``detail`` tells; the application must act."""


class Judgement(NamedTuple):
    """A verdict with what else a plugin has to say about it.

    Attributes:
        verdict: what the answer says about the credential.
        detail: with ``Verdict.CHALLENGE``, what the provider wants, which the event brings; else ``None``.
    """

    verdict: Verdict
    detail: str | None = None


class Headers(Mapping[str, str]):
    """Headers by name in any case, frozen. Their values are not shown by ``repr``: they may be secrets."""

    __slots__ = ("_by_name",)

    def __init__(self, items: Mapping[str, str]) -> None:
        self._by_name = {name.lower(): value for name, value in items.items()}

    def __getitem__(self, name: str) -> str:
        return self._by_name[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._by_name)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request as hooks see it: before our credential is on it, or without it.

    Attributes:
        method: the HTTP method, in upper case.
        url: the absolute URL.
        headers: the request's headers, by name in any case.
        body: the body if it is bytes (``b""`` if there is none); ``None`` for files, streams and generators.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(hash=False)
    body: bytes | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", Headers(self.headers))

    def __repr__(self) -> str:
        return f"RequestView({getattr(self, 'method', '')} {getattr(self, 'url', '').partition('?')[0]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseView:
    """A provider's answer as hooks and failure rules see it.

    Attributes:
        status: the HTTP status.
        headers: the answer's headers, by name in any case.
        json: the parsed body, if the connector asked to inspect it and it is small JSON; else ``None``.
        text: the body as a text, if the connector asked to inspect it and it is small and no JSON; else ``None``.
        request: the request that was answered.
    """

    status: int
    headers: Mapping[str, str] = field(hash=False)
    json: Any = field(default=None, hash=False)
    text: str | None = None
    request: RequestView

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", Headers(self.headers))

    @property
    def challenges(self) -> tuple[Challenge, ...]:
        """What ``WWW-Authenticate`` says, as schemes with their parameters."""
        return challenges_in(self.headers.get("www-authenticate", ""))

    def __repr__(self) -> str:
        return f"ResponseView({getattr(self, 'status', '')})"


EventKind = Literal[
    "fetched",
    "fetch_failed",
    "cache_hit",
    "rejected",
    "resent",
    "not_resent",
    "account_changed",
    "redirected",
    "unavailable",
    "challenged",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, told to ``xkit_auth_event``. It never holds a secret.

    Attributes:
        kind: ``"fetched"`` and ``"fetch_failed"`` (a call to Xkit ended), ``"cache_hit"``, ``"rejected"`` (a provider
            turned a credential down), ``"resent"``, ``"not_resent"`` (the caller gets the refusal, since
            Xkit has no other credential, or the body cannot be sent twice), ``"account_changed"`` (the same, since
            Xkit's credential is of another account than the one that was turned down), ``"redirected"`` (a redirect
            leads to another of the connector's hosts, where its request goes without the credential),
            ``"unavailable"`` (Xkit says the
            user cannot be authorized now), ``"challenged"``.
        connector: the connector's slug.
        context: the application's own id of the user or group.
        fingerprint: the credential's fingerprint, where one is meant.
        detail: more about it: an error's class, a verdict, a challenge, an origin, ``"stale"`` for a ``"cache_hit"``
            while Xkit cannot be asked; why a request was not sent again: ``"same_credential"`` or ``"body"``.
        seconds: how long the call to Xkit took, for ``"fetched"``, ``"fetch_failed"`` and ``"unavailable"``.
    """

    kind: EventKind = field(kw_only=False)
    connector: str
    context: str
    fingerprint: str | None = None
    detail: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One of Xkit's webhooks about a connection, as ``Xkit.handle_webhook`` read it.

    Attributes:
        event_type: ``"connection.enabled"``, ``"connection.disabled"``, ``"connection.errored"``, or an unknown one.
        connector: the connector's slug.
        context: the application's own id of the user or group.
        connection_id: Xkit's id of the connection, or ``None``: older webhooks do not have it.
    """

    event_type: str
    connector: str
    context: str
    connection_id: str | None = None


class _Any:
    """The type of ``ANY``."""

    _only: ClassVar[_Any | None] = None

    def __new__(cls) -> _Any:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "ANY"

    def __reduce__(self) -> str:
        return "ANY"


ANY = _Any()
"""As a connector: choose the connector by the request's host."""
