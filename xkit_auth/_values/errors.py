"""Every error of xkit-auth, as one tree.

    XkitAuthError
    ├─ ConfigurationError               the application must change something: keys, hosts, params, plugin
    ├─ HostNotAllowed                   the URL is outside the connector's hosts, or not https
    ├─ ConnectionUnavailable            Xkit answered; this user cannot be authorized now
    │   ├─ NotConnected                 never connected, or disabled
    │   ├─ AuthorizationPending         the user is in the middle of connecting (retryable)
    │   └─ ReauthorizationRequired      the user must connect again
    └─ PlatformError                    Xkit itself could not be asked, or made no sense
        ├─ PlatformAuthenticationError  Xkit refused our API keys
        ├─ PlatformRateLimited          Xkit asks us to slow down (retryable)
        ├─ PlatformUnavailable          network trouble, a timeout or a 5xx (retryable)
        └─ PlatformProtocolError        an answer, or a credential, that cannot be used

An error is written for the person who reads it at night: what happened, to which connector and context,
whether retrying helps, and what to do. No error ever holds a credential or a key.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

_Error = TypeVar("_Error", bound="XkitAuthError")


class XkitAuthError(Exception):
    """Base of every error that xkit-auth raises on purpose.

    Attributes:
        connector: the connector's slug, or ``None`` where no single one is meant.
        context: the application's own id of the user or group, or ``None``.
        retryable: whether the same call may succeed later without anyone doing anything.
        retry_after: if so, seconds after which that is worth trying; before, the same error comes without Xkit being
            asked. ``None`` if it is not retryable.
        hint: what to do about it, one or two sentences.
        response: the provider's answer that led here, as the HTTP client's own object, or ``None``.
            Its body has been read (64 KiB at most), its connection is released, and the credential in
            its request is replaced by ``[redacted]``. It is not kept when the error is pickled.
    """

    retryable: ClassVar[bool] = False
    retry_after: float | None = None

    def __init__(
        self,
        what: str,
        *,
        connector: str | None = None,
        context: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(what)
        self.connector = connector
        self.context = context
        self.hint = hint
        self.response: Any = None
        self._said = ""

    def __str__(self) -> str:
        subject = [f"{word} {name!r}" for word, name in self._subject() if name is not None]
        said = f" ({self._said})" if self._said else ""
        where = f" ({', '.join(subject)})" if subject else ""
        retrying = "Retrying may help." if self.retryable else "Retrying does not help."
        return " ".join(filter(None, (f"{self.args[0]}{said}{where}.", retrying, self.hint)))

    def _subject(self) -> tuple[tuple[str, str | None], ...]:
        return ("connector", self.connector), ("context", self.context)

    def __reduce__(self) -> tuple[Any, ...]:
        # An HTTP response is bound to sockets and holds what the provider sent: neither belongs in a pickle.
        return type(self), self.args, {**self.__dict__, "response": None}


def unsendable(how: str) -> PlatformProtocolError:
    """The error for a credential that is one, but not of the kind that it is sent as."""
    return PlatformProtocolError(
        f"The credential that Xkit holds cannot be sent {how}",
        hint="Look in Xkit at what the user has connected with: let them connect again in the way that this kind of"
        " credential is for, or choose another kind=.",
    )


def says_it(connector: str, context: str | None) -> HostNotAllowed:
    """The error for a URL of another origin that has the credential in it, in whatever form."""
    return HostNotAllowed(
        "The URL is of another origin and has the credential in it",
        connector=connector,
        context=context,
        hint="Nothing was sent there. Do not build URLs of other hosts from those that carried the credential.",
    )


def remedy_for(error: BaseException) -> str:
    """What to do about an exception that a plugin has raised: what it cannot import is not there."""
    return "Install what the plugin needs." if isinstance(error, ImportError) else "Correct the plugin."


def say(error: XkitAuthError, said: str) -> None:
    """Put on an error what the other side said about it. It is for those alone whose connector and context it names."""
    error._said = said


def own_copy(error: _Error, connector: str, context: str) -> _Error:
    """The same error as a new object, so that those who share a failure do not share a traceback.

    One that was about somebody else keeps its class and our own words: what was said then is not for everybody.
    """
    copy = type(error)(*error.args)
    copy.__dict__.update(error.__dict__)
    if (error.connector, error.context) in ((connector, context), (None, None)):
        copy.__cause__ = error.__cause__
    else:
        copy._said = ""
    copy.connector, copy.context = connector, context
    return copy


class ConfigurationError(XkitAuthError):
    """The application must change something: its keys, ``hosts``, ``params``, ``context`` or a plugin."""


class HostNotAllowed(XkitAuthError):
    """The URL is not one that may receive this connector's credential. Nothing was asked and nothing was sent."""


class ConnectionUnavailable(XkitAuthError):
    """Xkit answered, and this user cannot be authorized now.

    Attributes:
        reconnect_url: where to send the user to connect again, made from ``Xkit(reconnect_url=…)``, or ``None``.
    """

    reconnect_url: str | None = None

    def __str__(self) -> str:
        link = f" Reconnect link: {self.reconnect_url}" if self.reconnect_url else ""
        return f"{super().__str__()}{link}"


class NotConnected(ConnectionUnavailable):
    """The context is unknown to Xkit, never connected this connector, or disabled it."""


class AuthorizationPending(ConnectionUnavailable):
    """The user has begun to connect and has not finished; ask again in a while."""

    retryable = True
    retry_after: float = 5.0  # pyright: ignore[reportIncompatibleVariableOverride]


class ReauthorizationRequired(ConnectionUnavailable):
    """The connection exists and its authorization is no longer usable: the user must connect again.

    Attributes:
        status: the authorization's status as Xkit gave it, such as ``"error"``; ``None`` if there was none.
        error_code: Xkit's code for what went wrong, such as ``"access_denied"``, or ``None``.
        error_message: Xkit's text for it, or ``None``.
    """

    status: str | None = None
    error_code: str | None = None
    error_message: str | None = None


class PlatformError(XkitAuthError):
    """Xkit itself could not be asked, or made no sense."""


class PlatformAuthenticationError(PlatformError):
    """Xkit refused the application's API keys (HTTP 401 or 403)."""


class PlatformRateLimited(PlatformError):
    """Xkit asks us to slow down (HTTP 429), for ``retry_after`` seconds."""

    retryable = True
    retry_after: float = 5.0  # pyright: ignore[reportIncompatibleVariableOverride]


class PlatformUnavailable(PlatformError):
    """Xkit could not be reached, did not answer in time, or failed (HTTP 5xx)."""

    retryable = True
    retry_after: float = 0.5  # pyright: ignore[reportIncompatibleVariableOverride]


class PlatformProtocolError(PlatformError):
    """Xkit's answer is not what it should be, or holds a credential that cannot be sent in a header."""


class PluginWarning(UserWarning):
    """An installed plugin was left out; the text names it and says why."""


class ConflictWarning(UserWarning):
    """A setting of the HTTP client would switch part of xkit-auth off; the text names the way out."""
