"""One Xkit account: where its Platform API is, the keys that open it, and the names that go into its paths."""

from __future__ import annotations

import re
from binascii import b2a_base64
from contextvars import ContextVar

from .._values import (
    ConfigurationError,
    Headers,
    Origin,
    Secret,
    is_like_a_key,
    origin_of,
    percent_encoded,
    plain,
    plain_if_text,
)

DEFAULT_BASE_URL = "https://app.xkit.co/api/platform"
_DOCUMENTED_PATH = "/api/platform"
LONGEST_NAME = 512
"""Characters of a context or a connector."""

_STEPS = (".", "..")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Account:
    """One Xkit account: where its Platform API is, and the keys that open it. The keys are never shown."""

    __slots__ = ("_authorization", "base_url", "fingerprint_key", "is_documented", "is_loopback", "publishable_key")

    def __init__(
        self, publishable_key: str | Secret | None, secret_key: str | Secret | None, base_url: str | Secret
    ) -> None:
        publishable, secret, base = _hidden(publishable_key), _hidden(secret_key), _hidden(base_url)
        del publishable_key, secret_key, base_url  # so that a traceback with local variables shows none: any may be
        # the secret one by mistake, or have it in it
        _check_key("publishable_key", "XKIT_PUBLISHABLE_KEY", publishable)
        _check_key("secret_key", "XKIT_SECRET_KEY", secret)
        origin = _checked_origin(base)
        self.base_url = base.reveal().rstrip("/")
        #: Whether the base URL's path is the one that Xkit documents, wherever that may be.
        self.is_documented = self.base_url.endswith(_DOCUMENTED_PATH)
        self.is_loopback = origin.is_loopback
        self.publishable_key = publishable.reveal()
        self.fingerprint_key = secret
        pair = Secret(f"{self.publishable_key}:{secret.reveal()}")
        self._authorization = Secret("Basic " + b2a_base64(pair.reveal().encode(), newline=False).decode())

    def connection_url(self, connector: str, context: str) -> str:
        """Where to ask for one connection. Both names are fully encoded, so that neither can leave its segment."""
        return f"{self.base_url}/contexts/{percent_encoded(context)}/connections/{percent_encoded(connector)}"

    def headers(self) -> Headers:
        """The headers of a call, which do not show their values."""
        return Headers(
            {
                "Authorization": self._authorization.reveal(),
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                # One question and one answer on each connection: whatever comes after that answer is nobody's.
                "Connection": "close",
                "Cache-Control": "no-store",
                "User-Agent": "xkit-auth",
            }
        )

    def is_same_as(self, other: Account) -> bool:
        """Whether both open the same account with the same keys."""
        return (
            self.publishable_key == other.publishable_key
            and self.base_url == other.base_url
            and self.fingerprint_key.reveal() == other.fingerprint_key.reveal()
        )

    def secrets(self) -> tuple[str, ...]:
        """Every text that would give the secret key away. Keep the result out of local variables."""
        return self.fingerprint_key.reveal(), self._authorization.reveal().removeprefix("Basic ")

    def __repr__(self) -> str:
        return f"Account({getattr(self, 'base_url', '')})"


def _hidden(text: str | Secret | None) -> Secret:
    return text if isinstance(text, Secret) else Secret(plain_if_text(text) or "")


def _checked_origin(base: Secret) -> Origin:
    origin = None if _is_odd(base.reveal()) else origin_of(base.reveal())
    if origin is None:
        raise ConfigurationError(
            "The base URL of Xkit's Platform API cannot be used",
            hint=f"Correct base_url= or XKIT_BASE_URL: it is written like {DEFAULT_BASE_URL}, absolute, in ASCII,"
            " without user info, query or fragment.",
        )
    if origin.scheme != "https" and not origin.is_loopback:
        raise ConfigurationError(
            f"The base URL of Xkit's Platform API ({origin}) is not https",
            hint="Correct base_url= or XKIT_BASE_URL: plain http is accepted only for a sandbox on this machine's"
            " loopback address.",
        )
    return origin


def _is_odd(base_url: object) -> bool:
    if not isinstance(base_url, str):
        return True
    return re.search(r"^ws|[?# ]|[^\x21-\x7e]", base_url, re.IGNORECASE) is not None


def _check_key(name: str, variable: str, key: Secret) -> None:
    if not key:
        raise ConfigurationError(f"No {name} for Xkit", hint=f"Give Xkit({name}=…) or set {variable}.")
    reason = _why_no_key(name, key.reveal())
    if reason:
        raise ConfigurationError(f"The {name} for Xkit cannot be used: {reason}", hint=f"Check {name}= or {variable}.")


def _why_no_key(name: str, key: object) -> str | None:
    if not isinstance(key, str):
        return "it is not a text"
    if re.search(r"[^\x21-\x7e]", key):
        return "it contains a space, a line break, a control character or a character outside ASCII"
    return "it contains a colon" if name == "publishable_key" and ":" in key else None


def checked_name(what: str, name: object) -> str:
    """``name`` as a plain text, if it can be a context or a connector in a path of Xkit's.

    Raises:
        ConfigurationError: it cannot be one; nothing is asked for.
    """
    if what == "connector" and isinstance(name, str) and is_like_a_key(plain(name)):
        del name  # it would be sent to Xkit as a name, and shown
        raise ConfigurationError(
            "What was given as the connector looks like a key or a token",
            hint='Name the connector by its slug in your Xkit project, such as "slack".',
        )
    if type(name) is str and name.isprintable() and _is_short(name) and name not in _STEPS and not name.isspace():
        return name  # as nearly all are; the rest takes longer
    problem = why_no_name(name)
    if problem is None:
        assert isinstance(name, str)
        return plain(name)
    raise ConfigurationError(
        f"The {what} {problem}",
        hint=f"{_how_to_make_a_text(what, name)}Give the {what} as a text of 1 to {LONGEST_NAME} characters, none of"
        " them a control character.",
    )


def _how_to_make_a_text(what: str, name: object) -> str:
    """What to do about a name that is no text, to go before the rule."""
    if isinstance(name, str):
        return ""
    if what == "connector":
        return 'Name the connector by its slug in your Xkit project, such as "slack". '
    if name is None:
        return "Is anybody signed in here? Without a user there is no context. "
    if isinstance(name, (bytes, bytearray)):
        return f"Write {what.partition(' ')[0]}=….decode(). "
    if callable(name) or isinstance(name, ContextVar):
        # Made into a text it would be a user of its own, the same one for everybody.
        return "Here it is the user's id itself, and not what gives it: call that first. "
    return f"Write {what.partition(' ')[0]}=str(…) with the user's id, such as str(user.id). "


def why_no_name(name: object) -> str | None:
    """Why something cannot be a context or a connector, or ``None`` if it can."""
    if not isinstance(name, str):
        return f"is {'None' if name is None else 'not a text but ' + type(name).__name__}"
    name = plain(name)
    if not name.strip():
        return "is empty"
    if not _is_short(name):
        return f"has {len(name):,} characters"
    if name in _STEPS:
        return f"is {name!r}, which a URL cannot carry"
    if _CONTROL.search(name):
        return "contains a control character"
    return "is not valid Unicode" if _SURROGATE.search(name) else None


def _is_short(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME
