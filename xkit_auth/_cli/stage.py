"""Where a step of the demo plays: one client in front of the sandbox, and what the sandbox saw of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from .. import Connector, Credential, Xkit
from .._values import Secret
from ..testing import Sandbox
from .drivers import PATIENCE, Driver, Reply

RECONNECT_URL = "https://app.example/connect/{connector}?user={context}"


class NotAsPromised(Exception):
    """What was seen is not what was promised."""


def expect(what: str, seen: object, promised: object) -> None:
    """Check one fact. ``what`` names it for the reader; neither value may hold a credential."""
    if seen != promised:
        raise NotAsPromised(f"{what}: {seen}; promised: {promised}")


class Stage:
    """Everything that a step may do and look at.

    Args:
        sandbox: stands in for Xkit and the providers.
        driver: sends the requests.
        deadline: when the whole demo must be over, by the monotonic clock.
    """

    def __init__(self, sandbox: Sandbox, driver: Driver, deadline: float) -> None:
        self.sandbox = sandbox
        self._driver = driver
        self._deadline = deadline
        self._fingerprint_key = Secret(sandbox.secret_key)
        sandbox.add_connector(Connector("vault", hosts=["vault.example"], header={"X-Api-Key": "{token}"}))
        self._xkit = self.new_xkit()

    def new_xkit(self, **options: Any) -> Xkit:
        """A client of the sandbox, closed with it."""
        return self.sandbox.xkit(timeout=PATIENCE, reconnect_url=RECONNECT_URL, **options)

    def patience(self) -> float:
        """How many seconds to wait for the next thing."""
        return max(0.01, min(PATIENCE, self._deadline - time.monotonic()))

    def reconnect_url(self, connector: str, context: str) -> str:
        """Where this application would send a user to connect again."""
        return RECONNECT_URL.format(connector=connector, context=context)

    # What a step does

    def connect(self, connector: str, context: str) -> None:
        """A user connects an account. What was asked and sent before is taken off the record."""
        self.sandbox.connect(connector, context)
        self.sandbox.clear()

    def auth(self, connector: str, context: str | Callable[[], str], *, xkit: Xkit | None = None) -> Any:
        """What a user of the library writes after ``auth=``."""
        return self._driver.auth(connector, context=context, xkit=self._xkit if xkit is None else xkit)

    def begin(self, method: str, url: str, auth: Any, json: Any = None) -> Future[Reply]:
        """Send a request, and do not wait for the answer."""
        return self._driver.begin(method, url, auth, json)

    def send(self, method: str, url: str, auth: Any, json: Any = None) -> Reply:
        """Send a request, and wait for the answer."""
        return self.begin(method, url, auth, json).result(self.patience())

    # What the sandbox recorded

    def asked(self) -> list[int | None]:
        """What Xkit answered to each call since ``connect``; ``None`` if it has not yet."""
        return [call.status for call in self.sandbox.calls]

    def answers(self, provider: str) -> list[int | None]:
        """What a provider answered to each request since ``connect``."""
        return [arrival.status for arrival in self.sandbox.arrivals(provider)]

    def bodies(self, provider: str) -> list[bytes]:
        """What each of these requests had as its body."""
        return [arrival.body for arrival in self.sandbox.arrivals(provider)]

    def tokens(self, provider: str, header: str = "Authorization") -> list[str | None]:
        """The fingerprint of the token in a header of each of these requests; ``None`` without that header."""
        values = [arrival.headers.get(header.lower()) for arrival in self.sandbox.arrivals(provider)]
        return [None if value is None else self._fingerprint(value.removeprefix("Bearer ")) for value in values]

    def held_by_xkit(self, connector: str, context: str) -> str:
        """The fingerprint of the credential that Xkit holds now."""
        return self._fingerprint(self.sandbox.credential(connector, context))

    def leaks(self, provider: str, connector: str, context: str) -> list[str]:
        """Where the credential is in what reached a provider."""
        secret = self.sandbox.credential(connector, context)
        found: list[str] = []
        for arrival in self.sandbox.arrivals(provider):
            places = [*arrival.raw_headers, ("the URL", arrival.path + arrival.query), ("the body", str(arrival.body))]
            found += [name for name, text in places if secret in text]
        return found

    def _fingerprint(self, secret: str) -> str:
        return Credential(secret, fingerprint_key=self._fingerprint_key).fingerprint
