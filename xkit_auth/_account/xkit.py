"""Xkit: one account, with its keys, its held credentials, its plugins and its calls to the Platform API."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NoReturn

from .._credentials import Broker, Cache, awaited, waited
from .._sources import DEFAULT_BASE_URL, Account, Network, checked_name
from .._values import (
    ConfigurationError,
    Connection,
    Credential,
    OfProcess,
    Secret,
    WebhookEvent,
    XkitAuthError,
    a_kind_of,
    says_how_to_call,
)
from .directory import Directory
from .link import ReconnectLink, ReconnectUrl
from .webhook import read_webhook

if TYPE_CHECKING:
    from ssl import SSLContext

_RECONNECT_URL = "XKIT_RECONNECT_URL"
_LARGEST_NUMBER = 1_000_000_000


class Xkit:
    """One Xkit account: its keys, its held credentials, its plugins.

    Make one for each account and keep it: it serves threads and event loops alike. It is a context manager, sync and
    async; closing it drops every held credential.

    Args:
        publishable_key: Xkit's publishable key; default: ``XKIT_PUBLISHABLE_KEY`` from the environment.
        secret_key: Xkit's secret key; default: ``XKIT_SECRET_KEY`` from the environment.
        base_url: the Platform API; default: ``XKIT_BASE_URL``, else ``https://app.xkit.co/api/platform``. It must be
            https, unless it is on this machine's loopback address.
        timeout: seconds that a caller waits for Xkit in total.
        max_age: seconds for which a credential is held at the most; 0 asks Xkit for every request.
        max_stale: seconds beyond that for which an unrejected credential is served while Xkit cannot be asked.
        max_entries: how many credentials are held at the most.
        max_calls: how many calls to Xkit run at once at the most.
        connectors: which connector plugin a slug of your Xkit project means, such as ``{"my-gh": "github"}``.
        plugins: plugin objects beside those that are installed; they override installed ones.
        ca_file: the certificates that are trusted in calls to Xkit: a file or folder in PEM, or an ``ssl.SSLContext``;
            default: what ``SSL_CERT_FILE``, ``SSL_CERT_DIR``, ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` names (the
            first that is set), else this machine's own and those of the package certifi.
        proxy: the proxy for calls to Xkit, such as ``http://user:password@proxy.example:3128``; ``""`` for none;
            default: what ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` say.
        reconnect_url: where to send a user who must connect again: a template with ``{context}`` and ``{connector}``
            (filled in percent-encoded), or a function that is called with ``context=`` and ``connector=``; ``""`` for
            none; default: the template in ``XKIT_RECONNECT_URL``, if that is set.

    Raises:
        ConfigurationError: keys are missing or cannot be used, or another argument makes no sense.

    Example:
        >>> xkit = Xkit(
        ...     publishable_key="pk_example",
        ...     secret_key="sk_example",
        ...     reconnect_url="https://app.example/{connector}",
        ... )
        >>> xkit.close()
    """

    _alive: ClassVar[weakref.WeakSet[Xkit]] = weakref.WeakSet()
    _the_default: ClassVar[Xkit | None] = None
    _default_lock: ClassVar[OfProcess[threading.RLock]] = OfProcess(threading.RLock)

    @says_how_to_call
    def __init__(
        self,
        *,
        publishable_key: str | None = None,
        secret_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 10.0,
        max_age: float = 300.0,
        max_stale: float = 3600.0,
        max_entries: int = 100_000,
        max_calls: int = 32,
        connectors: Mapping[str, str] | None = None,
        plugins: Iterable[object] = (),
        ca_file: str | os.PathLike[str] | SSLContext | None = None,
        proxy: str | None = None,
        reconnect_url: ReconnectUrl | None = None,
    ) -> None:
        # Kept where a traceback with local variables does not show it: people put a key where another belongs.
        publishable = Secret(
            (os.environ.get("XKIT_PUBLISHABLE_KEY") if publishable_key is None else publishable_key) or ""
        )
        secret = Secret((os.environ.get("XKIT_SECRET_KEY") if secret_key is None else secret_key) or "")
        base = Secret(base_url if base_url is not None else os.environ.get("XKIT_BASE_URL") or DEFAULT_BASE_URL)
        hidden_proxy = None if proxy is None else Secret(proxy)
        del publishable_key, secret_key, base_url, proxy
        self._account = Account(publishable, secret, base)
        if reconnect_url is None:
            self._link = ReconnectLink(os.environ.get(_RECONNECT_URL), name=_RECONNECT_URL)
        else:
            self._link = ReconnectLink(reconnect_url)
        self.directory = Directory(connectors, plugins, http_to_loopback=self._account.is_loopback)
        self.broker = Broker(
            self._account,
            Cache(
                max_age=_number("max_age", max_age),
                max_stale=_number("max_stale", max_stale),
                max_entries=int(_number("max_entries", max_entries, least=1)),
            ),
            timeout=_number("timeout", timeout, least=0.001),
            max_calls=int(_number("max_calls", max_calls, least=1)),
            tell=self.directory.tell,
            log=self.directory.log,
            network=Network(ca_file, hidden_proxy),
        )
        self.is_settled = True  # what auth objects have worked out for this Xkit still holds
        with Xkit._default_lock():
            Xkit._alive.add(self)
            default = Xkit._the_default
            if default is not None and not default._account.is_same_as(self._account):
                default.is_settled = False  # whoever relies on it must look again, and find two accounts

    # The process's own

    @classmethod
    def default(cls) -> Xkit:
        """The process's own ``Xkit``, made from the environment when it is first needed.

        Raises:
            ConfigurationError: keys are missing, or an ``Xkit`` of another account is alive, so that a forgotten
                ``xkit=`` could reach another account's user.
        """
        with cls._default_lock():
            default = cls._the_default
            if default is None or default.broker.is_closed:
                default = cls._the_default = Xkit()
            for other in list(cls._alive):
                if not other.broker.is_closed and not other._account.is_same_as(default._account):
                    raise ConfigurationError(
                        "Two Xkit accounts are in use, and nothing says which one is meant",
                        hint="Give xkit=… to the auth object, bind() or with_credential(); the process's own account"
                        " comes from XKIT_PUBLISHABLE_KEY and XKIT_SECRET_KEY.",
                    )
            default.is_settled = True
            return default

    # Reading from Xkit

    @says_how_to_call
    def get_connection(self, connector: str, *, context: str) -> Connection:
        """Read the connection from Xkit now: data, not judgement. A usable answer refreshes the held credential.

        Raises:
            NotConnected: Xkit does not know it (404). A disabled connection is returned.
            PlatformError: Xkit could not be asked.
            ConfigurationError: a name cannot be used, or no HTTP library is installed.
        """
        with self._explaining():
            return waited(self.broker.reading(connector, context, may_block=True))

    @says_how_to_call
    async def aget_connection(self, connector: str, *, context: str) -> Connection:
        """The same as ``get_connection``, for asyncio and trio."""
        with self._explaining():
            return await awaited(self.broker.reading(connector, context))

    @says_how_to_call
    def get_credential(self, connector: str, *, context: str, rejected: Credential | None = None) -> Credential:
        """The usable credential: the held one, or Xkit's answer, which everyone who waits for it shares.

        Args:
            connector: the connector's slug in your Xkit project.
            context: the application's own id of the user or group.
            rejected: the credential that a provider turned down. If another one is held already, that is returned;
                else Xkit is asked again. Xkit may confirm the same one: then it is returned.

        Raises:
            ConnectionUnavailable: this user cannot be authorized now; see its subclasses.
            PlatformError: Xkit could not be asked, and nothing that is held can be served instead.
            ConfigurationError: a name cannot be used, or no HTTP library is installed.
        """
        with self._explaining():
            return waited(self.broker.asking(connector, context, _refused(rejected), may_block=True))

    @says_how_to_call
    async def aget_credential(self, connector: str, *, context: str, rejected: Credential | None = None) -> Credential:
        """The same as ``get_credential``, for asyncio and trio."""
        with self._explaining():
            return await awaited(self.broker.asking(connector, context, _refused(rejected)))

    @says_how_to_call
    def forget(self, connector: str | None = None, *, context: str | None = None) -> None:
        """Drop what is held: of one connector, of one context, of both, or (without arguments) all of it.

        Calls under way go on: whoever waits for them gets the answer, but it is not held.

        Raises:
            ConfigurationError: a name is none, or the connector is certainly none, so that nothing would be dropped.
        """
        connector = None if connector is None else checked_name("connector", connector)
        context = None if context is None else checked_name("context", context)
        if connector is not None and not self._knows(connector) and (context is None or self._knows(context)):
            raise ConfigurationError(
                "Nobody knows a connector of this name, so that nothing would be forgotten",
                connector=connector,
                hint="For a user, write forget(context=…). A connector that no plugin knows is known by its name in"
                " Xkit(connectors=…), or once it has been used.",
            )
        self.broker.forget(connector, context)

    @says_how_to_call
    def handle_webhook(self, body: bytes | str) -> WebhookEvent:
        """Read one of Xkit's webhooks about a connection, and take it as the hint that it is.

        Webhooks are not signed, so nothing is believed: a held credential is asked for again before its next use, at
        most once in 10 seconds; after ``disabled`` and ``errored`` it is not served through an outage of Xkit.

        Args:
            body: the request's body as it came, 64 KiB at most.

        Raises:
            ValueError: it is too long or not a webhook of Xkit's; the text names what is missing or wrong.
            ConfigurationError: it is no body, but what a framework has made of one.
        """
        event = read_webhook(body)
        bad = event.event_type in ("connection.disabled", "connection.errored")
        if bad or event.event_type == "connection.enabled":
            self.broker.hint((event.connector, event.context), bad=bad)
        return event

    # Closing

    def close(self) -> None:
        """Drop every held credential and close the connections to Xkit. Calling it again does nothing."""
        self.is_settled = False
        self.broker.close()

    async def aclose(self) -> None:
        """The same as ``close``, which does not block."""
        self.close()

    if not TYPE_CHECKING:  # to type checkers it is none of this

        def __call__(self, *_: object, **__: object) -> NoReturn:
            """Called by a client that was given the account as ``auth=``."""
            raise ConfigurationError(
                "An Xkit is an account, and not an auth object",
                hint='Give auth=XkitAuth("slack", context="user-42", xkit=…), from xkit_auth.requests, xkit_auth.httpx'
                " or xkit_auth.httpx2, as the client is.",
            )

    def __enter__(self) -> Xkit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Xkit:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Xkit({getattr(self, '_account', '')!r})"

    def __copy__(self) -> Xkit:
        return self

    def __deepcopy__(self, _memo: object) -> Xkit:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Xkit does not pickle: it holds keys and credentials")

    # For auth objects: ``directory``, ``broker``, and

    def explain(self, error: XkitAuthError) -> None:
        """Put the reconnect link on an error that a user can mend."""
        self._link.put_on(error)

    def _knows(self, slug: str) -> bool:
        return self.broker.knows(slug) or self.directory.knows(slug)

    @contextmanager
    def _explaining(self) -> Generator[None]:
        """The block whose errors get that link."""
        try:
            yield
        except XkitAuthError as error:
            self.explain(error)
            raise


def _refused(credential: object) -> Credential | None:
    if credential is None or isinstance(credential, Credential):
        return credential
    raise ConfigurationError(
        f"rejected= is not a Credential but {a_kind_of(credential)}",
        hint="Give the object that get_credential() has returned, not its text.",
    )


# For the sandbox


def all_open() -> list[Xkit]:
    """Every ``Xkit`` of this process that is not closed."""
    with Xkit._default_lock():
        return [xkit for xkit in Xkit._alive if not xkit.broker.is_closed]


def asks_loopback(xkit: Xkit) -> bool:
    """Whether it asks a sandbox on this machine, so that its credentials are not real."""
    return xkit._account.is_loopback


def asks(xkit: Xkit, base_url: str) -> bool:
    """Whether this is the base URL that it asks."""
    return xkit._account.base_url == base_url


def close_default(is_meant: Callable[[Xkit], bool]) -> None:
    """Close the process's own ``Xkit``, if there is one and it is meant: the next who needs one makes a new one."""
    with Xkit._default_lock():
        default = Xkit._the_default
    if default is not None and is_meant(default):
        default.close()


def _number(name: str, value: object, *, least: float = 0) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= _LARGEST_NUMBER:
        return float(value)
    raise ConfigurationError(
        f"Xkit({name}=…) must be a number from {least:g} to {_LARGEST_NUMBER:,}, not {_number_given(value)}",
        hint="Give a number, not a text: what comes out of the environment is converted with float(…)."
        if isinstance(value, str)
        else "Leave it out to have the default.",
    )


def _number_given(value: object) -> str:
    return str(value) if isinstance(value, (int, float)) else a_kind_of(value)
