"""The sandbox itself: the one object that tests talk to, in the order in which they need it."""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._account import asks, asks_loopback, close_default
from .._connectors import plain_texts
from .._sources import checked_name
from .._values import LockOfProcess, a_kind_of, plain, plain_if_text
from ._faults import Canned, Faults, How, checked_times
from ._platform_app import BASE_PATH, PlatformApp
from ._plugins import SandboxHome, SandboxPlugins
from ._providers import Providers, running
from ._records import Arrival, PlatformCall, Records
from ._server import Origins
from ._stand_in import environment, led
from ._state import State
from ._switchboard import Switchboard
from ._webhooks import WebhookType, send_webhook, webhook_body

if TYPE_CHECKING:
    from .. import Connector, Xkit

_ONE_AT_A_TIME = threading.Lock()
"""Held by the sandbox that stands in for production."""


class Sandbox:
    """Xkit's Platform API, Slack, GitHub, any other provider and a foreign host, each on a loopback port of its own.

    Everything runs in one daemon thread between ``start()`` and ``close()``, or inside ``with``. All methods may be
    called from any thread, and what they change holds for the next request. No clock is looked at: a credential
    expires when ``expire()`` says so, whatever expiry Xkit announced for it.

    A connector is named by its slug, a context by its id. Slack's stand-in serves the slug ``slack``, GitHub's
    ``github``; each other slug gets a provider of its own, see ``provider_url()``.

    Example:
        >>> import httpx
        >>> with Sandbox() as sandbox:
        ...     token = sandbox.connect("slack", "user-42")
        ...     headers = {"Authorization": f"Bearer {token}"}
        ...     url = f"{sandbox.slack_url}/api/auth.test"
        ...     httpx.get(url, headers=headers).json()["user"]
        'user-42'
    """

    publishable_key: str
    secret_key: str

    def __init__(self, *, publishable_key: str | None = None, secret_key: str | None = None) -> None:
        """A sandbox that is not running yet.

        Args:
            publishable_key: the key that Xkit's stand-in takes, if your code brings one of its own; else a random one.
            secret_key: the same. Never a real one.
        """
        self.publishable_key = publishable_key or f"pk_sandbox_{secrets.token_hex(8)}"
        self.secret_key = secret_key or f"sk_sandbox_{secrets.token_hex(16)}"
        self._state = State()
        self._faults = Faults()
        self._records = Records()
        self._providers = Providers(self._state, self._records, self._faults.closing)
        self._lock = LockOfProcess()
        self._origins: Origins | None = None
        self._platform_port = 0
        self._real_hosts_port = 0
        self._switchboard: Switchboard | None = None
        self._is_standing_in = False
        self._made: list[Xkit] = []

    # Start and end

    def start(self) -> Self:
        """Open the ports; return once connections are accepted. Does nothing if it is running already."""
        with self._lock:
            if self._faults.closing.is_open:
                raise RuntimeError("this sandbox is closed: make a new one")
            if self._origins is None:
                self._origins = Origins()
                self._platform_port = self._origins.open(
                    PlatformApp(self.publishable_key, self.secret_key, self._state, self._faults, self._records)
                )
                self._providers.start(self._origins)
                self._switchboard = Switchboard(
                    self._providers, self._state, SandboxPlugins((), self._providers), self.base_url
                )
                self._real_hosts_port = self._origins.open(self._switchboard)
        return self

    def close(self) -> None:
        """Cut every connection, end the thread, and close each ``Xkit`` that asks this sandbox."""
        self._faults.close()
        clients = self._clients()
        with self._lock:
            origins, self._origins = self._origins, None
            made, self._made = self._made, []
        if origins is not None:
            origins.close()
        for xkit in (*made, *clients):
            xkit.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Where things are

    @property
    def base_url(self) -> str:
        """The base URL of the Platform API, for ``Xkit(base_url=…)`` or ``XKIT_BASE_URL``."""
        running(self._origins)
        return f"http://127.0.0.1:{self._platform_port}{BASE_PATH}"

    @property
    def slack_url(self) -> str:
        """The origin of Slack's stand-in."""
        return self.provider_url("slack")

    @property
    def github_url(self) -> str:
        """The origin of GitHub's stand-in."""
        return self.provider_url("github")

    @property
    def elsewhere_url(self) -> str:
        """The origin of a host that no credential is meant for: it answers 200, ``/status/{code}`` with that status."""
        return self.provider_url("elsewhere")

    def provider_url(self, connector: str) -> str:
        """The origin of the provider that a connector belongs to; opened when it is first asked for.

        A provider that is neither Slack nor GitHub takes ``Authorization: Bearer``, or, if the connector is an
        installed one or came by ``add_connector()``, its credential in whatever header or part of the URL. It answers
        to these paths (behind a credential, if that goes before the path), and echoes the method, length and SHA-256 of
        what is sent to any other:

        ``/status/CODE?header=NAME:VALUE&body=TEXT``, ``/redirect?to=URL&status=CODE``, ``/stream?chunks=N``,
        ``/endless?pause=SECONDS`` (a refusal there is endless too) and ``/slow?seconds=SECONDS``. Slack and GitHub
        know them as well. With ``gzip=1`` in the query an answer that is no stream is compressed.
        """
        running(self._origins)
        return self._providers.url(checked_name("connector", connector))

    # A client of it

    def xkit(
        self, *, connectors: Mapping[str, str] | None = None, plugins: Iterable[object] = (), **options: Any
    ) -> Xkit:
        """An ``Xkit`` that talks to this sandbox, with ``options`` as for ``Xkit``; ``close()`` closes it too.

        Its connectors are those of the installed plugins and of ``plugins``, and those of ``add_connector()``. They
        want what they want in production: their params, their kind, ``hosts=`` for one that no plugin knows. Their
        credentials may go to ``provider_url()``; if it is made while the sandbox stands in, to their real hosts, too,
        which lead here.
        """
        from .. import Xkit

        fixed = [name for name in ("publishable_key", "secret_key", "base_url") if name in options]
        if fixed:
            raise TypeError(f"xkit() takes no {fixed[0]}=: keys and base URL are the sandbox's own; see Sandbox(…)")
        here = SandboxPlugins(plugins, self._providers)
        xkit = Xkit(
            publishable_key=self.publishable_key,
            secret_key=self.secret_key,
            base_url=self.base_url,
            connectors=connectors,
            **options,
        )
        xkit.directory.use(here, SandboxHome(self._providers, leads_here=self._is_standing_in))
        self._state.name_provider({own: here.own_slug(slug) for own, slug in plain_texts(connectors or {}).items()})
        self._providers.on_open.append(xkit.directory.settle_anew)
        self._made.append(xkit)
        return xkit

    def add_connector(self, connector: Connector) -> None:
        """Let the clients from ``xkit()`` know a connector, with ``provider_url(connector.slug)`` among its hosts."""
        from .. import Connector as Type

        if not isinstance(connector, Type):
            raise TypeError(f"add_connector() takes a Connector, not {a_kind_of(connector)}: write Connector(…) itself")
        self._providers.add(connector)

    # In place of production

    @property
    def environ(self) -> dict[str, str]:
        """What makes an ``Xkit()`` without arguments ask this sandbox: its keys and its base URL, by their variables.

        For another process, too: ``subprocess.run(…, env=os.environ | sandbox.environ)``.
        """
        return {
            "XKIT_PUBLISHABLE_KEY": self.publishable_key,
            "XKIT_SECRET_KEY": self.secret_key,
            "XKIT_BASE_URL": self.base_url,
        }

    @contextmanager
    def stand_in(self) -> Generator[Self]:
        """Inside the ``with`` block, let code that was written for production run against this sandbox, unchanged.

        The environment has the variables of ``environ``, so that an ``Xkit()`` which is made inside asks the sandbox.
        A connection of requests, urllib3, httpx, httpx2 or ``urllib`` to a real host of a connector, or to one that
        the code gives as ``hosts=``, is led to the sandbox's stand-in for that provider, whatever proxy there is. All
        other connections are left alone. URLs, checks of hosts and errors are as in production.

        For the whole process, in all threads; so there can be one at a time. Code that is on its way to other processes
        is not led, nor are libraries that bring an HTTP client of their own, such as aiohttp.

        Raises:
            RuntimeError: the sandbox is not running, or one stands in already.
        """
        running(self._origins)
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise RuntimeError("a sandbox stands in for production already: leave that block first")
        try:
            self._is_standing_in = True
            with environment({**self.environ, "NO_PROXY": "*", "no_proxy": "*"}), led(self._port_for):
                close_default(self._is_strange_to)
                yield self
        finally:
            self._is_standing_in = False
            close_default(self._is_asked_by)
            _ONE_AT_A_TIME.release()

    def _port_for(self, host: str, port: int) -> int | None:
        switchboard = self._switchboard
        return self._real_hosts_port if switchboard is not None and switchboard.serves(host, port) else None

    def _is_asked_by(self, xkit: Xkit) -> bool:
        return asks(xkit, self.base_url)

    def _is_strange_to(self, xkit: Xkit) -> bool:
        """Whether it asks another sandbox, as one that was made before may do."""
        return asks_loopback(xkit) and not self._is_asked_by(xkit)

    def reset(self) -> None:
        """Begin anew: no connections, no outages, no records, and each ``Xkit`` that asks this sandbox forgets all.

        For tests that share a sandbox, and modules that make their ``Xkit`` once.
        """
        self._state.clear()
        self._faults.up()
        self._records.clear()
        for xkit in self._clients():
            xkit.broker.begin_anew()

    def _clients(self) -> list[Xkit]:
        """Every ``Xkit`` of this process that asks this sandbox."""
        return [] if self._switchboard is None else self._switchboard.clients()

    # What happens to a connection

    def connect(
        self,
        connector: str,
        context: str,
        *,
        credential: str | Mapping[str, str] | None = None,
        expires_in: float | None = None,
        expires_at: str | float | None = None,
        display_label: str | None = None,
    ) -> str:
        """Connect a context; Xkit then has a credential, and the provider accepts it.

        Returns:
            The credential's text, made at random if none is given; for one of several parts, these as JSON.
        """
        if credential is not None and not isinstance(credential, (str, Mapping)):
            raise TypeError(
                f"credential= is a text, or a mapping of texts for several parts; not {a_kind_of(credential)}"
            )
        if expires_in is not None:
            _seconds("expires_in", expires_in)
        return self._state.connect(
            _name("connector", connector),
            _name("context", context),
            plain_texts(credential) if isinstance(credential, Mapping) else plain_if_text(credential),
            expires_in=expires_in,
            expires_at=expires_at,
            display_label=display_label,
        )

    def credential(self, connector: str, context: str) -> str:
        """The text of the credential that Xkit holds now."""
        return self._state.credential(_name("connector", connector), _name("context", context))

    def rotate(self, connector: str, context: str) -> str:
        """Give Xkit a new credential and return its text; for the provider the old one has expired."""
        return self._state.rotate(_name("connector", connector), _name("context", context))

    def expire(self, connector: str, context: str, *, renews: bool = True) -> None:
        """Let the credential expire at the provider; Xkit refreshes it when next asked, unless ``renews=False``."""
        self._state.expire(_name("connector", connector), _name("context", context), renews)

    def revoke(self, connector: str, context: str, *, known_to_xkit: bool = True) -> None:
        """Revoke the credential at the provider; Xkit knows and says ``access_denied``, or still hands it out."""
        self._state.revoke(_name("connector", connector), _name("context", context), known_to_xkit)

    def disable(self, connector: str, context: str) -> None:
        """Switch the connection off: Xkit answers with ``enabled: false``, also for one that never was."""
        self._state.disable(_name("connector", connector), _name("context", context))

    def pending(self, connector: str, context: str, status: str = "awaiting_callback") -> None:
        """Put the authorization into a status without a credential, such as ``retrieving_tokens``."""
        if status == "active":
            raise ValueError("status is one without a credential, and active is the one with it: use connect()")
        self._state.pending(_name("connector", connector), _name("context", context), plain(status))

    def forget_connection(self, connector: str, context: str) -> None:
        """Remove the connection from Xkit, which then answers 404."""
        self._state.forget(_name("connector", connector), _name("context", context))

    # Webhooks

    def webhook_body(self, connector: str, context: str, *, event_type: WebhookType = "connection.enabled") -> bytes:
        """The body of a webhook of Xkit's about a connection, which need not exist."""
        return webhook_body(
            event_type,
            _name("connector", connector),
            _name("context", context),
            self._state.connection_id(_name("connector", connector), _name("context", context)),
        )

    def send_webhook(
        self, url: str, connector: str, context: str, *, event_type: WebhookType = "connection.enabled"
    ) -> int:
        """Send a webhook about a connection to your application, as Xkit would, and return the status of its answer.

        Nothing happens to the connection: ``disable()``, ``revoke()`` and the others do that.

        Raises:
            OSError: nobody answers there within 10 seconds.
        """
        return send_webhook(url, self.webhook_body(connector, context, event_type=event_type))

    # What is wrong with Xkit

    def down(self, how: How, *, times: int | None = None, retry_after: float | str | None = None) -> None:
        """Take Xkit down, for the next ``times`` calls or until ``up()``.

        Args:
            how: a status (``502`` comes with a web page); ``hang``: no answer until ``up()``; ``garbage``: 200, but no
                JSON; ``reset``: the connection is reset.
            retry_after: the ``Retry-After`` header, in seconds or as an HTTP date.
        """
        self._faults.down(how, times, retry_after)

    def answer_with(
        self,
        body: bytes | str = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        connector: str | None = None,
        context: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer with exactly this, for one connector or context or all, ``times`` times or until ``up()``.

        The latest answer that fits a call is given; ``down()`` goes before.
        """
        if type(status) is not int or not 200 <= status <= 599:
            raise ValueError(f"status is the number of a whole answer, from 200 to 599; not {status!r}")
        checked_times(times)
        sent = {"content-type": "application/json"} | {name.lower(): value for name, value in (headers or {}).items()}
        data = body.encode() if isinstance(body, str) else body
        self._faults.can(Canned(status, sent, data, plain_if_text(connector), plain_if_text(context), times))

    def delay(self, seconds: float) -> None:
        """Let every answer of Xkit be late by so much, until ``up()``."""
        self._faults.slow_down(_seconds("seconds", seconds, least=0))

    def up(self) -> None:
        """Let Xkit answer at once and truly again; calls that hang are answered now."""
        self._faults.up()

    @contextmanager
    def hold(self) -> Generator[None, None, None]:
        """Hold back the answers to all calls that reach Xkit inside the ``with`` block until its end.

        The answer to a call is settled when the call arrives: one that is held may be out of date when it is released.
        """
        gate = self._faults.hold()
        try:
            yield
        finally:
            self._faults.release(gate)

    # What arrived

    @property
    def calls(self) -> list[PlatformCall]:
        """The calls to the Platform API since the last ``clear()``, oldest first; answered or not."""
        return self._records.calls

    def call_count(self, connector: str | None = None, context: str | None = None) -> int:
        """How many ``calls`` there are, about one connector or context or all."""
        connector, context = plain_if_text(connector), plain_if_text(context)
        return sum(
            connector in (None, call.connector) and context in (None, call.context) for call in self._records.calls
        )

    def wait_for_calls(self, count: int, timeout: float = 20.0) -> None:
        """Wait until there are at least ``count`` calls; ``TimeoutError`` if there are not."""
        self._records.wait_for_calls(count, timeout)

    def arrivals(self, name: str) -> list[Arrival]:
        """What reached a connector's provider, or ``"elsewhere"``, since the last ``clear()``, oldest first."""
        name = plain(name)
        provider = self._state.provider_of(name)
        if not self._providers.is_there(provider):
            raise LookupError(f"nothing can have arrived at {name!r}: nothing has led anybody there in this sandbox")
        return self._records.arrivals(provider)

    def clear(self) -> None:
        """Forget all calls and arrivals; connections and outages stay."""
        self._records.clear()


def _name(what: str, name: str) -> str:
    """What a test names, which may be stranger than what an application may; but no number or object."""
    return plain(name) if isinstance(name, str) else checked_name(what, name)


def _seconds(argument: str, seconds: object, *, least: float = -math.inf) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not least <= seconds < math.inf:
        raise ValueError(f"{argument} is a number of seconds{', not below 0' if least == 0 else ''}; not {seconds!r}")
    return seconds
