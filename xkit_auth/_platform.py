"""Xkit's Platform API, without I/O: build the request for a connection, read the answer.

Source of the contract: Xkit's guides "Retrieving access tokens" and "Migrating to contexts". The answer's shape has
changed over the years, so reading is tolerant: unknown fields and statuses survive, older names are understood.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, Protocol

from ._account import Account
from ._errors import (
    AuthorizationPending,
    ConnectionUnavailable,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
)
from ._expiry import expires_at
from ._model import Connection, Credential, Headers
from ._text import MASK, looks_secret, shown, why_not_a_credential

LARGEST_ANSWER = 1024 * 1024
"""Bytes; Xkit's answers are a few hundred."""

_LONGEST_PAUSE = 60.0
_DEFAULT_PAUSE = 5.0
_PENDING = ("awaiting_callback", "retrieving_tokens")
_KNOWN_STATUSES = ("active", "error", *_PENDING)
_SECRET_FIELDS = ("credential", "access_token", "access_credential")


# The call


class Answer:
    """Xkit's answer as it came over the wire. Its body is not shown: it holds the credential."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = Headers(headers)
        self.body = body

    def __repr__(self) -> str:
        return f"Answer({self.status})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an answer of Xkit's does not pickle: it holds a credential")


class NoAnswer(Exception):
    """A call to Xkit ended without an answer. The text is fit to be shown.

    ``was_reset`` says that a connection which had served an earlier call broke before anything of the answer came:
    the one case in which asking again at once is worth it.
    """

    def __init__(self, why: str, *, was_reset: bool = False) -> None:
        super().__init__(why)
        self.was_reset = was_reset


class Transport(Protocol):
    """One blocking HTTP client for calls to Xkit, which an adapter makes from its own library.

    It honours proxies and certificates of the environment and nothing else of it: no netrc, no cookies, no redirects.
    """

    def get(self, url: str, headers: Mapping[str, str], deadline: float) -> Answer:
        """The answer, or ``NoAnswer`` by ``deadline`` (``time.monotonic()``)."""
        ...

    def close(self) -> None:
        """Close every connection."""


def gathered(chunks: Iterable[bytes], deadline: float) -> bytes:
    """A body, unless it is longer than Xkit's can be or trickles past the deadline."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise NoAnswer(f"the answer is longer than {LARGEST_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise NoAnswer("the answer did not end in time")
    return bytes(body)


def reason_of(error: BaseException) -> str:
    """What is at the bottom of a library's exception, fit to be shown: the wrapping around it helps nobody."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return f"{type(error).__name__}: {shown(error)}"


def unanswered(failure: NoAnswer, connector: str, context: str, where: str = "Xkit") -> PlatformUnavailable:
    """The error for a call to Xkit that brought no answer."""
    error = PlatformUnavailable(f"Xkit could not be asked: {failure}", connector=connector, context=context)
    error.hint = f"Check the network between this machine and {where}; the provider was not asked."
    error.__cause__ = failure
    return error


# The answer
#
# Errors are made by the inner functions and raised by the outermost one alone: a traceback that shows local variables
# must not meet a frame that has the body, or a part of it, in one.


class _Unusable(Exception):
    """What is wrong with an answer, in words that quote none of it."""


def read_connection(answer: Answer, account: Account, connector: str, context: str, *, wall: float) -> Connection:
    """The connection in Xkit's answer.

    Raises:
        NotConnected: Xkit does not know this connection (404).
        PlatformError: Xkit refused, failed or made no sense.
    """
    read = _read(answer, account, connector, context, wall)
    if isinstance(read, Connection):
        return read
    read.connector, read.context = connector, context
    raise read


def _read(
    answer: Answer, account: Account, connector: str, context: str, wall: float
) -> Connection | PlatformError | NotConnected:
    problem = _problem_of_status(answer, wall)
    try:
        body = _json_object(answer)
        if problem is None:
            return _connection(body, account, connector, context, wall)
        said = _error_text(body, account)
    except _Unusable as why:
        return problem or _no_use(str(why))
    except RecursionError:
        return problem or _no_use("its body is nested too deeply")
    if said:
        problem.args = (f"{problem.args[0]} ({said})",)
    return problem


def _no_use(why: str) -> PlatformProtocolError:
    return PlatformProtocolError(
        f"Xkit's answer cannot be used: {why}",
        hint="If it stays like this, let the user connect again, and tell Xkit's support."
        " The answer's text is withheld, since it may hold a credential.",
    )


def _problem_of_status(answer: Answer, wall: float) -> PlatformError | NotConnected | None:
    status = answer.status
    if status == 200:
        return None
    if status == 404:
        return NotConnected(
            "Xkit knows no such connection", hint="The user must connect first. Check the connector's slug, too."
        )
    if status in (401, 403):
        return PlatformAuthenticationError(
            f"Xkit refused our API keys with HTTP {status}",
            hint="Check XKIT_PUBLISHABLE_KEY and XKIT_SECRET_KEY: they may be revoked, or of another project.",
        )
    if status == 429:
        limited = PlatformRateLimited("Xkit asks us to slow down with HTTP 429")
        # A date counts from the answer's own: this machine's clock may be wrong, and a pause must not be lost by that.
        now = _moment(answer.headers.get("date", ""))
        limited.retry_after = retry_after(answer.headers.get("retry-after"), wall if now is None else now)
        limited.hint = f"Nothing is sent to Xkit for the next {limited.retry_after:g} seconds."
        return limited
    if status >= 500 or status == 408:
        return PlatformUnavailable(f"Xkit failed with HTTP {status}", hint="Xkit may recover by itself.")
    return PlatformProtocolError(
        f"Xkit answered with HTTP {status}, which is not part of its contract",
        hint="Check the base URL: something else than Xkit's Platform API may be answering there.",
    )


def retry_after(value: str | None, now: float) -> float:
    """Seconds to wait as a ``Retry-After`` header says it (RFC 9110 section 10.2.3), seconds or date, 60 at most."""
    value = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        return min(float(value), _LONGEST_PAUSE)
    moment = _moment(value)
    return _DEFAULT_PAUSE if moment is None else min(max(moment - now, 0.0), _LONGEST_PAUSE)


def _moment(date: str) -> float | None:
    """An HTTP date in seconds since the epoch, or ``None`` if it is none."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        # asctime's form has no zone, and means GMT
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _json_object(answer: Answer) -> dict[str, Any]:
    import json  # late: importing xkit_auth must stay cheap

    try:
        body = json.loads(_plain(answer))
    except ValueError:
        cut_off = answer.body[:1] == b"{" and answer.body.rstrip()[-1:] != b"}"
        raise _Unusable("its body is cut off" if cut_off else "its body is not JSON") from None
    if not isinstance(body, dict):
        raise _Unusable("its body is not a JSON object")
    return body


def _plain(answer: Answer) -> bytes:
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return answer.body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise _Unusable("its body is in an encoding that was not asked for")
    import zlib  # late, for hardly any answer is compressed

    try:
        inflater = zlib.decompressobj(wbits=47)
        body = inflater.decompress(answer.body, LARGEST_ANSWER)
    except zlib.error:
        raise _Unusable("its compressed body cannot be read") from None
    if not inflater.eof:
        raise _Unusable("its compressed body is too long or cut off")
    return body


def _error_text(body: Mapping[str, Any], account: Account) -> str:
    error = body.get("error") or body.get("errors") or ""
    if isinstance(error, list):
        error = error[0] if error else ""
    if isinstance(error, dict):
        error = error.get("error") or error.get("message") or ""
    if not isinstance(error, str):
        return ""
    return MASK if looks_secret(error) else shown(error, _secrets_in(body, account))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _secrets_in(body: Mapping[str, Any], account: Account) -> tuple[str, ...]:
    """Every text that must not be shown: the account's key, and what stands under one of the credential's names."""
    places = (body, _dict(body.get("connection")))
    authorizations = [_dict(place.get("authorization")) for place in places]
    given = [place[name] for place in (*places, *authorizations) for name in _SECRET_FIELDS if place.get(name)]
    return tuple(secret for secret in (*account.secrets(), *_texts_in(given)) if secret)


def _texts_in(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            yield from _texts_in(value.values())
        elif isinstance(value, list):
            yield from _texts_in(value)
        elif isinstance(value, (str, int)) and not isinstance(value, bool):
            yield str(value)


def _connection(body: dict[str, Any], account: Account, connector: str, context: str, wall: float) -> Connection:
    connection = body.get("connection")
    if not isinstance(connection, dict):
        raise _Unusable("it has no connection")
    # Nested in the connection is what the service does; siblings at the top level is what one guide shows.
    authorization = _dict(connection.get("authorization")) or _dict(body.get("authorization"))
    secrets = _secrets_in(body, account)

    def text(name: str, *, is_error: bool = False) -> str | None:
        value = authorization.get(name)
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            return None
        return MASK if is_error and looks_secret(str(value)) else shown(value, secrets)

    enabled = connection.get("enabled") is True
    # The statuses that mean something to us are taken as they are: a credential may well contain "active".
    status = authorization.get("status")
    status = status if status in _KNOWN_STATUSES else text("status")
    credential = None
    if enabled and status == "active":
        credential = _credential(authorization, account, wall)
    return Connection(
        context=context,
        connector=connector,
        enabled=enabled,
        status=status,
        credential=credential,
        error_code=text("error_code", is_error=True),
        error_message=text("error_message", is_error=True),
        display_label=text("display_label"),
        raw=_masked(body, secrets),
    )


def _credential(authorization: Mapping[str, Any], account: Account, wall: float) -> Credential | None:
    given = next((authorization[name] for name in _SECRET_FIELDS if authorization.get(name)), None)
    if given is None:
        return None
    if isinstance(given, dict):
        parts = {name: _part(value) for name, value in given.items() if value is not None and value != ""}
    else:
        parts = {"": _part(given)}
    for name, value in parts.items():
        reason = "it is neither a text nor a number" if value is None else why_not_a_credential(value)
        if reason:
            part = f"the part {shown(name)!r} of its credential" if name else "its credential"
            raise _Unusable(f"{part} cannot be sent, {reason}")
    texts = {name: value for name, value in parts.items() if value is not None}
    if not texts:
        return None
    expiry = expires_at(authorization, texts.get(""), wall)
    return Credential(texts.get("", texts), expires_at=expiry, fingerprint_key=account.fingerprint_key)


def _part(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


# What may be shown of it

_SECRET_NAME = re.compile(
    r"credential|token|secret|passw|api_?key|private|signature|session|cookie|\bstate\b|authorize_url", re.IGNORECASE
)


def _masked(value: Any, secrets: tuple[str, ...], name: str = "") -> Any:
    if isinstance(value, dict):
        is_secret = _SECRET_NAME.search(name)
        return {key: _masked(item, secrets, name if is_secret else key) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secrets, name) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    text = str(value)
    if _SECRET_NAME.search(name) or any(secret in text for secret in secrets):
        return MASK
    return MASK if isinstance(value, str) and looks_secret(value) else value


# What it means


def credential_of(connection: Connection) -> Credential:
    """The connection's credential.

    Raises:
        ConnectionUnavailable: it has none that can be used.
    """
    if connection.credential is None:
        raise _unavailable(connection)
    return connection.credential


def _unavailable(connection: Connection) -> ConnectionUnavailable:
    names = {"connector": connection.connector, "context": connection.context}
    if not connection.enabled:
        what = "The user has not connected this connector, or has disabled it"
        return NotConnected(what, hint="Let the user connect it.", **names)
    if connection.status in _PENDING:
        what = f"The user is still connecting (status {connection.status})"
        return AuthorizationPending(what, hint="Ask again when the user has finished.", **names)
    status = f"status {connection.status}" if connection.status else "no authorization"
    said = ", ".join(filter(None, (status, connection.error_code, connection.error_message)))
    error = ReauthorizationRequired(
        f"The user must connect again ({said})", hint="Let the user connect once more.", **names
    )
    error.status, error.error_code = connection.status, connection.error_code
    error.error_message = connection.error_message
    return error
