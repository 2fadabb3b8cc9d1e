"""Xkit's Platform API, without I/O: build the request for a connection, read the answer.

Source of the contract: Xkit's guides "Retrieving access tokens" and "Migrating to contexts". The answer's shape has
changed over the years, so reading is tolerant: unknown fields and statuses survive, older names are understood.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, Protocol

from .._values import (
    AuthorizationPending,
    ConfigurationError,
    Connection,
    ConnectionUnavailable,
    Credential,
    Headers,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
    is_plain_name,
    say,
    shown,
    why_not_a_credential,
)
from .account import Account
from .expiry import expires_at
from .network import Route
from .showing import KNOWN_STATUSES, SECRET_FIELDS, Showing, texts_in
from .untouched import check_sockets

LARGEST_ANSWER = 1024 * 1024
"""Bytes; Xkit's answers are a few hundred."""

_LONGEST_PAUSE = 60.0
_DEFAULT_PAUSE = 5.0
_PENDING = ("awaiting_callback", "retrieving_tokens")
_THE_SYSTEM = ("builtins", "socket", "ssl")
"""Where the exceptions come from whose text is the system's own. A parser's quotes what it could not read."""

_PROXY_WANTS_A_LOGIN = re.compile(r"(?:Tunnel connection failed: )?407\b")
_SOMETHING_ELSE = (
    "Check the base URL (base_url= or XKIT_BASE_URL), which is {base_url}, and what stands between this process and"
    " Xkit, such as a proxy: something else than Xkit's Platform API may be answering. If it is Xkit, tell its support."
)
_NOT_XKITS_404 = "it is HTTP 404, and not in the way in which Xkit says that it knows no such connection"
_MOST_PARTS = 200
_LONGEST_CREDENTIAL = 32 * 1024


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
    """A call to Xkit ended without an answer. The text is fit to be shown, to anybody."""


class Transport(Protocol):
    """What makes calls to Xkit over an adapter's library, by the route that it was opened with.

    Each call has a connection of its own, so that an answer can only belong to its question. Nothing of the environment
    is looked at: no netrc, no cookies; and no redirect is followed.
    """

    def get(self, url: str, headers: Callable[[], Mapping[str, str]], deadline: float) -> Answer:
        """The answer, or ``NoAnswer`` by ``deadline`` (``time.monotonic()``).

        ``headers`` are called where they are handed to the library: no frame of ours has them in a variable.
        """
        ...


def answered(ask: Callable[[], Answer], route: Route) -> Answer:
    """What ``ask`` returns; what a library raises, in words that quote nothing of the answer.

    Raises:
        NoAnswer: there was none.
        ConfigurationError: this machine, as it is set up, cannot get one.
    """
    check_sockets()
    handled = sys.exception()
    try:
        return ask()
    except NoAnswer:
        raise
    except Exception as error:
        failure = _failure(_chain(error, handled), route)
    # Not chained: a library's exception leads to its request, and so to our keys.
    raise failure


def _chain(error: BaseException, handled: BaseException | None) -> list[BaseException]:
    """An exception and what led to it, except what the caller was handling already."""
    chain = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) not in (None, handled, *chain):
        chain.append(below)  # type: ignore[arg-type]
    return chain


def _failure(chain: list[BaseException], route: Route) -> NoAnswer | ConfigurationError:
    from ssl import SSLCertVerificationError

    for error in reversed(chain):
        if isinstance(error, SSLCertVerificationError):
            return route.untrusted(shown(error.verify_message))
        if route.proxy and error.args and _PROXY_WANTS_A_LOGIN.match(str(error.args[0])):
            return route.refused_by_proxy()
        if isinstance(error, OSError) and error.strerror and type(error).__module__ in _THE_SYSTEM:
            return NoAnswer(f"{type(error).__name__}: {shown(error.strerror)}")
        if isinstance(error, TimeoutError):
            return NoAnswer(f"no answer in time: {type(chain[0]).__name__}")
    return NoAnswer(f"no answer that can be read: {type(chain[0]).__name__}")


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


def unanswered(failure: NoAnswer, connector: str, context: str, where: str = "Xkit") -> PlatformUnavailable:
    """The error for a call to Xkit that brought no answer."""
    error = PlatformUnavailable("Xkit could not be asked", connector=connector, context=context)
    error.hint = f"Check the network between this machine and {where}; the provider was not asked."
    say(error, str(failure))
    error.__cause__ = failure
    return error


# The answer
#
# Errors are made by the inner functions and raised by the outermost one alone: a traceback that shows local variables
# must not meet a frame that has the body, or a part of it, in one.


class _Unusable(Exception):
    """What is wrong with an answer, in words that quote none of it, and what to do about it."""

    def __init__(
        self, why: str, hint: str = "If it stays like this, let the user connect again, and tell Xkit's support."
    ) -> None:
        super().__init__(why, hint)


def read_connection(
    answer: Answer,
    account: Account,
    connector: str,
    context: str,
    *,
    wall: float,
    whole: bool = True,
    is_known: bool = False,
) -> Connection:
    """The connection in Xkit's answer; not ``whole``, only its credential, unless it has none that can be used.

    ``is_known`` says that a connection has been read from this account before, so that it is Xkit that answers there.

    Raises:
        NotConnected: Xkit does not know this connection (a 404 of its own).
        PlatformError: Xkit refused, failed or made no sense.
    """
    read = _read(answer, account, connector, context, wall, whole, is_known)
    if isinstance(read, Connection):
        return read
    read.connector, read.context = connector, context
    raise read


def _read(
    answer: Answer, account: Account, connector: str, context: str, wall: float, whole: bool, is_known: bool
) -> Connection | PlatformError | NotConnected:
    problem = _problem_of_status(answer, account, wall)
    try:
        body = _json_object(answer)
        if answer.status == 404 and not _is_own_404(body, account, is_known):
            raise _Unusable(_NOT_XKITS_404, hint=_SOMETHING_ELSE)
        if problem is None:
            return _connection(body, account, connector, context, wall, whole)
        said = _error_text(body, account)
    except _Unusable as why:
        return _not_answered(problem, why, account)
    except RecursionError:
        return _not_answered(problem, _Unusable("its body is nested too deeply", hint=_SOMETHING_ELSE), account)
    say(problem, said)
    return problem


def _is_own_404(body: Mapping[str, Any], account: Account, is_known: bool) -> bool:
    """Whether a 404 with this body is Xkit's own word that it knows no such connection.

    What it looks like is not documented, but for errors in general: JSON with a text as ``error``, or ``errors`` that
    are a list or a map. Whoever answers at a wrong base URL may say that, too, so the base URL has to end as the
    documented one does. Where Xkit is known to answer, any JSON will do.
    """
    error, errors = body.get("error"), body.get("errors")
    says_so = (isinstance(error, str) and error) or (isinstance(errors, (list, dict)) and errors)
    return is_known or (account.is_documented and bool(says_so))


def _not_answered(problem: PlatformError | NotConnected | None, why: _Unusable, account: Account) -> PlatformError:
    """What an answer comes to whose body is no use: its status may say enough, but not that nobody is connected."""
    if isinstance(problem, PlatformError):
        return problem
    what, hint = why.args
    if problem is not None:
        what, hint = _NOT_XKITS_404, _SOMETHING_ELSE
    return PlatformProtocolError(
        f"Xkit's answer cannot be used: {what}",
        hint=f"{hint.format(base_url=account.base_url)} The answer's text is withheld, since it may hold a credential.",
    )


def _problem_of_status(answer: Answer, account: Account, wall: float) -> PlatformError | NotConnected | None:
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
            hint="Check publishable_key= and secret_key=, or XKIT_PUBLISHABLE_KEY and XKIT_SECRET_KEY: they may be"
            " revoked, or of another project.",
        )
    if status == 429:
        limited = PlatformRateLimited("Xkit asks us to slow down with HTTP 429")
        limited.retry_after = _pause_asked_for(answer, wall, _DEFAULT_PAUSE)
        limited.hint = f"Nothing is sent to Xkit for the next {limited.retry_after:g} seconds."
        return limited
    if status >= 500 or status == 408:
        failed = PlatformUnavailable(f"Xkit failed with HTTP {status}", hint="Xkit may recover by itself.")
        seconds = _pause_asked_for(answer, wall, 0.0)
        if seconds > failed.retry_after:
            failed.retry_after = seconds
            failed.hint += f" It wants to be left alone for {seconds:g} seconds."
        return failed
    return PlatformProtocolError(
        f"Xkit answered with HTTP {status}, which is not part of its contract",
        hint=_SOMETHING_ELSE.format(base_url=account.base_url),
    )


def _pause_asked_for(answer: Answer, wall: float, otherwise: float) -> float:
    """The seconds for which an answer wants us to wait; ``otherwise`` if it does not say."""
    # A date counts from the answer's own: this machine's clock may be wrong, and a pause must not be lost by that.
    now = _moment(answer.headers.get("date", ""))
    return retry_after(answer.headers.get("retry-after"), wall if now is None else now, otherwise)


def retry_after(value: str | None, now: float, otherwise: float) -> float:
    """Seconds to wait as a ``Retry-After`` header says it (RFC 9110 section 10.2.3), seconds or date, 60 at most."""
    value = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        return min(float(value), _LONGEST_PAUSE)
    moment = _moment(value)
    return otherwise if moment is None else min(max(moment - now, 0.0), _LONGEST_PAUSE)


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
        raise _Unusable("its body is cut off" if cut_off else "its body is not JSON", hint=_SOMETHING_ELSE) from None
    if not isinstance(body, dict):
        raise _Unusable("its body is not a JSON object", hint=_SOMETHING_ELSE)
    return body


def _plain(answer: Answer) -> bytes:
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return answer.body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise _Unusable("its body is in an encoding that was not asked for", hint=_SOMETHING_ELSE)
    import zlib  # late, for hardly any answer is compressed

    try:
        inflater = zlib.decompressobj(wbits=47)
        body = inflater.decompress(answer.body, LARGEST_ANSWER)
    except zlib.error:
        raise _Unusable("its compressed body cannot be read", hint=_SOMETHING_ELSE) from None
    if not inflater.eof:
        raise _Unusable("its compressed body is too long or cut off", hint=_SOMETHING_ELSE)
    return body


def _error_text(body: Mapping[str, Any], account: Account) -> str:
    error = body.get("error") or body.get("errors") or ""
    if isinstance(error, list):
        error = error[0] if error else ""
    if isinstance(error, dict):
        error = error.get("error") or error.get("message") or ""
    return _showing(body, account).words(error) if isinstance(error, str) and error else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _showing(body: Mapping[str, Any], account: Account) -> Showing:
    return Showing(body, (*account.secrets(), *filter(None, _credential_texts(body))))


def _credential_texts(body: Mapping[str, Any]) -> list[str]:
    """What stands under one of the credential's names, wherever it may stand."""
    places = (body, _dict(body.get("connection")))
    authorizations = [_dict(place.get("authorization")) for place in places]
    texts = list(
        texts_in(place[name] for place in (*places, *authorizations) for name in SECRET_FIELDS if name in place)
    )
    if len(texts) > _MOST_PARTS or sum(map(len, texts)) > _LONGEST_CREDENTIAL:
        raise _Unusable(f"its credential has more than {_MOST_PARTS} parts or {_LONGEST_CREDENTIAL} characters")
    return texts


def _connection(
    body: Mapping[str, Any], account: Account, connector: str, context: str, wall: float, whole: bool
) -> Connection:
    connection = body.get("connection")
    if not isinstance(connection, dict):
        raise _Unusable("it has no connection", hint=_SOMETHING_ELSE)
    # Nested in the connection is what the service does; siblings at the top level is what one guide shows.
    authorization = _dict(connection.get("authorization")) or _dict(body.get("authorization"))
    _check_names(body, connection, authorization, connector, context)
    _credential_texts(body)
    enabled = connection.get("enabled") is True
    status = authorization.get("status")
    credential = _credential(authorization, account, wall) if enabled and status == "active" else None
    if credential is not None and not whole:  # to find out what may be shown of the rest takes longer than all else
        return Connection(context=context, connector=connector, enabled=True, status="active", credential=credential)
    showing = _showing(body, account)

    def text(name: str, show: Callable[[str], str]) -> str | None:
        value = authorization.get(name)
        return show(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None

    return Connection(
        context=context,
        connector=connector,
        enabled=enabled,
        # The statuses that mean something to us are taken as they are: a credential may well contain "active".
        status=status if status in KNOWN_STATUSES else text("status", showing.label),
        credential=credential,
        error_code=text("error_code", showing.words),
        error_message=text("error_message", showing.words),
        display_label=text("display_label", showing.label),
        raw=showing.raw(),
    )


def _check_names(
    body: Mapping[str, Any],
    connection: Mapping[str, Any],
    authorization: Mapping[str, Any],
    connector: str,
    context: str,
) -> None:
    """Refuse an answer that is certainly not ours: somebody else's credential is worse than none.

    The connector of an authorization is left out: it is the one that was connected first, and others may share it.
    """
    for place in (body, connection):
        _check_name(_dict(place.get("connector")).get("slug"), "connector", connector)
    for place in (body, connection, authorization):
        _check_name(_dict(place.get("context")).get("external_id"), "context", context)


def _check_name(found: object, what: str, asked_for: str) -> None:
    if found is not None and str(found) != asked_for:
        raise _Unusable(
            f"it is about another {what} than was asked for",
            hint="Look for what mixes up answers between this process and Xkit: a cache, or a proxy that opens TLS.",
        )


def _credential(authorization: Mapping[str, Any], account: Account, wall: float) -> Credential | None:
    given = next((authorization[name] for name in SECRET_FIELDS if authorization.get(name)), None)
    if given is None:
        return None
    if isinstance(given, dict):
        if not all(map(is_plain_name, given)):
            raise _Unusable("a part of its credential has a name that is no short identifier")
        parts = {name: _part(value) for name, value in given.items() if value is not None and value != ""}
    else:
        parts = {"": _part(given)}
    for name, value in parts.items():
        reason = "it is neither a text nor a number" if value is None else why_not_a_credential(value)
        if reason:
            part = f"the part {name!r} of its credential" if name else "its credential"
            raise _Unusable(f"{part} cannot be sent, {reason}")
    texts = {name: value for name, value in parts.items() if value is not None}
    if not texts:
        return None
    expiry = expires_at(authorization, texts.get(""), wall)
    credential = Credential(texts.get("", texts), expires_at=expiry, fingerprint_key=account.fingerprint_key)
    known_by = (authorization.get("id"), authorization.get("display_label"))
    credential._belong_to(*(name if isinstance(name, (str, int)) else None for name in known_by))
    return credential


def _part(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


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
