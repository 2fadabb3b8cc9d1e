"""How each client sends a request: the one thing in which the clients of the demo differ.

The libraries are imported by name when they are asked for, so that one of them is enough.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

CLIENTS = ("requests", "httpx", "httpx2")

CROWD = 50
"""How many requests a driver can have under way at once."""

PATIENCE = 20.0
"""How many seconds to wait for anything: on this machine, more than that is for ever."""


@dataclass(frozen=True)
class Reply:
    """What came back, as the caller of the client sees it."""

    status: int
    body: bytes
    history: tuple[Reply, ...] = ()

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Driver(Protocol):
    """A client, ready to send."""

    name: str
    auth: Callable[..., Any]
    """Its ``XkitAuth``."""

    def begin(self, method: str, url: str, auth: Any, json: Any = None) -> Future[Reply]:
        """Send a request, and do not wait for the answer."""
        ...


class Threads:
    """A client whose callers are threads."""

    def __init__(self, library: str, name: str, client: Any, pool: ThreadPoolExecutor) -> None:
        self.name = name
        self.auth = import_module(f"xkit_auth.{library}").XkitAuth
        self._client = client
        self._pool = pool

    def begin(self, method: str, url: str, auth: Any, json: Any = None) -> Future[Reply]:
        """Send it in a thread."""
        return self._pool.submit(self._send, method, url, auth, json)

    def _send(self, method: str, url: str, auth: Any, json: Any) -> Reply:
        return reply_of(self._client.request(method, url, auth=auth, json=json, timeout=PATIENCE))


class Tasks:
    """A client whose callers are tasks of one event loop."""

    def __init__(self, library: str, name: str, client: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.auth = import_module(f"xkit_auth.{library}").XkitAuth
        self._client = client
        self._loop = loop

    def begin(self, method: str, url: str, auth: Any, json: Any = None) -> Future[Reply]:
        """Send it in a task."""
        return asyncio.run_coroutine_threadsafe(self._send(method, url, auth, json), self._loop)

    async def _send(self, method: str, url: str, auth: Any, json: Any) -> Reply:
        return reply_of(await self._client.request(method, url, auth=auth, json=json, timeout=PATIENCE))


def reply_of(response: Any) -> Reply:
    """The same for every library, as they call these things alike."""
    # One level deep: in requests a redirected answer's history can hold that answer itself.
    history = tuple(Reply(each.status_code, each.content) for each in response.history)
    return Reply(response.status_code, response.content, history)


@contextmanager
def sync_requests() -> Generator[Driver]:
    """requests, from threads."""
    library = import_module("requests")
    with library.Session() as session, ThreadPoolExecutor(CROWD) as pool:
        session.trust_env = False  # no proxy, no netrc: everything is on this machine
        session.mount("http://", library.adapters.HTTPAdapter(pool_maxsize=CROWD))
        yield Threads("requests", "requests", session, pool)


def options_of(library: str) -> dict[str, Any]:
    """What the clients of httpx and httpx2 are made with."""
    # Every connection is kept: a pool that has too many idle ones may close one that it has just given to a request.
    limits = import_module(library).Limits(max_keepalive_connections=None, keepalive_expiry=None)
    return {"trust_env": False, "follow_redirects": True, "limits": limits}


@contextmanager
def sync_httpx(library: str) -> Generator[Driver]:
    """``Client`` of httpx or httpx2, from threads."""
    client = import_module(library).Client(**options_of(library))
    with client, ThreadPoolExecutor(CROWD) as pool:
        yield Threads(library, f"{library} sync", client, pool)


@contextmanager
def async_httpx(library: str) -> Generator[Driver]:
    """``AsyncClient`` of httpx or httpx2, from tasks."""
    client = import_module(library).AsyncClient(**options_of(library))
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="xkit-auth-demo", daemon=True)
        thread.start()
        try:
            yield Tasks(library, f"{library} async", client, loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(PATIENCE)
            runner.run(client.aclose())


def drivers_for(client: str) -> list[AbstractContextManager[Driver]]:
    """The ways in which a client can send; each is opened by ``with``."""
    return [sync_requests()] if client == "requests" else [sync_httpx(client), async_httpx(client)]
