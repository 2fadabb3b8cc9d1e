"""The clients that every promise is tried on: one driver for each library and event loop that is installed."""

from __future__ import annotations

import gc
import importlib
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import EntryPoints, entry_points
from importlib.util import find_spec
from typing import Any

import pytest

import xkit_auth.plugins
from xkit_auth import Connector
from xkit_auth.testing import Sandbox

# Most of the time that a client takes to be made goes into reading certificates, which nobody here needs.
CLIENT_OPTIONS: dict[str, Any] = {"timeout": 30, "trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the soak last as long as somebody wants, and as many chains of redirects be tried."""
    parser.addoption("--soak", type=float, default=3, metavar="SECONDS", help="how long the soak lasts")
    parser.addoption("--chains", type=int, default=300, metavar="NUMBER", help="how many chains of redirects are tried")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: looking for garbage in it again and again takes a tenth of the time."""
    if find_spec("hypothesis"):
        importlib.import_module("hypothesis")  # what it finds frozen it takes for garbage
    gc.collect()
    gc.freeze()


class Reply:
    """A client's answer with the few names that differ between the libraries made the same."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.status: int = raw.status_code
        self.text: str = raw.text
        self.history: list[int] = [each.status_code for each in raw.history]

    def json(self) -> Any:
        return self.raw.json()


class Driver:
    """One library, on one event loop if it has any. Tests are written once, in plain calls."""

    def __init__(self, library: str, loop: str | None = None) -> None:
        self.library = library
        self.loop = loop
        self.name = f"{library}-{loop}" if loop else library
        self.module = importlib.import_module(f"xkit_auth.{library}")
        self.lib = importlib.import_module(library)
        self._options = {} if library == "requests" else {**CLIENT_OPTIONS, "limits": self._keeps_all()}

    def _keeps_all(self) -> Any:
        """Limits with which a pool closes nothing: if many are idle, it may close one that it has just given away."""
        return self.lib.Limits(max_keepalive_connections=None, keepalive_expiry=None)

    def auth(self, connector: Any, **arguments: Any) -> Any:
        return self.module.XkitAuth(connector, **arguments)

    @contextmanager
    def session(self, **options: Any) -> Iterator[Callable[..., Any]]:
        """Yields ``send(method, url, **arguments)``, which gives the library's own response, on one client."""
        with ExitStack() as stack:
            if self.library == "requests":
                yield self._requests_session(stack, options)
            elif self.loop is None:
                yield self._sync_client(stack, options)
            else:
                yield self._async_client(stack, options)

    def _requests_session(self, stack: ExitStack, options: dict[str, Any]) -> Callable[..., Any]:
        session = stack.enter_context(self.lib.Session())
        session.trust_env = options.pop("trust_env", False)
        follow = options.pop("follow_redirects", False)
        for name, value in options.items():
            setattr(session, name, value)

        def send(method: str, url: str, **arguments: Any) -> Any:
            arguments.setdefault("allow_redirects", arguments.pop("follow_redirects", follow))
            if "content" in arguments:
                arguments["data"] = arguments.pop("content")
            arguments.setdefault("timeout", 30)
            return session.request(method, url, **arguments)

        return send

    def _sync_client(self, stack: ExitStack, options: dict[str, Any]) -> Callable[..., Any]:
        client = stack.enter_context(self.lib.Client(**{**self._options, **options}))

        def send(method: str, url: str, *, stream: bool = False, **arguments: Any) -> Any:
            if not stream:
                return client.request(method, url, **arguments)
            return stack.enter_context(client.stream(method, url, **arguments))

        return send

    def _async_client(self, stack: ExitStack, options: dict[str, Any]) -> Callable[..., Any]:
        from anyio.from_thread import start_blocking_portal

        portal = stack.enter_context(start_blocking_portal(self.loop or ""))
        client = self.lib.AsyncClient(**{**self._options, **options})
        stack.enter_context(portal.wrap_async_context_manager(client))

        def send(method: str, url: str, *, stream: bool = False, **arguments: Any) -> Any:
            async def request() -> Any:
                return await client.request(method, url, **arguments)

            if not stream:
                return portal.call(request)
            return stack.enter_context(portal.wrap_async_context_manager(client.stream(method, url, **arguments)))

        return send

    def send(self, method: str, url: str, *, auth: Any, follow_redirects: bool = False, **arguments: Any) -> Reply:
        """One request on a client of its own, its answer read."""
        with self.session(auth=auth, follow_redirects=follow_redirects) as send:
            return Reply(send(method, url, **arguments))

    def together(self, number: int, method: str, url: str, *, auth: Any) -> AbstractContextManager[Any]:
        """Start ``number`` requests at once; yields a function that waits for all of them and gives the replies."""
        return self._tasks(number, method, url, auth) if self.loop else self._threads(number, method, url, auth)

    @contextmanager
    def _threads(self, number: int, method: str, url: str, auth: Any) -> Iterator[Callable[[], list[Reply]]]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(number) as pool:
            futures = [pool.submit(self.send, method, url, auth=auth) for _ in range(number)]
            yield lambda: [future.result() for future in futures]

    @contextmanager
    def _tasks(self, number: int, method: str, url: str, auth: Any) -> Iterator[Callable[[], list[Reply]]]:
        import anyio
        from anyio.from_thread import start_blocking_portal

        async def all_of_them() -> list[Reply]:
            replies: list[Reply] = []
            async with self.lib.AsyncClient(**self._options, auth=auth) as client:

                async def one() -> None:
                    replies.append(Reply(await client.request(method, url)))

                async with anyio.create_task_group() as group:
                    for _ in range(number):
                        group.start_soon(one)
            return replies

        with start_blocking_portal(self.loop or "") as portal:
            future = portal.start_task_soon(all_of_them)
            yield future.result

    def __repr__(self) -> str:
        return self.name


def _installed() -> list[Driver]:
    drivers = [Driver("requests")] if find_spec("requests") else []
    loops = [loop for loop in ("asyncio", "trio") if loop == "asyncio" or find_spec("trio")]
    for library in ("httpx", "httpx2"):
        if find_spec(library):
            drivers += [Driver(library), *(Driver(library, loop) for loop in loops)]
    return drivers


DRIVERS = _installed()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try a test that takes ``driver`` on each installed client, or on those that its ``drivers`` mark wants."""
    if "driver" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("drivers")
        wanted = mark.kwargs if mark else {}
        fitting = [each for each in DRIVERS if all(wants(each) for wants in map(_FILTERS.__getitem__, wanted))]
        metafunc.parametrize("driver", fitting, ids=repr)


_FILTERS: dict[str, Callable[[Driver], bool]] = {
    "sync": lambda driver: driver.loop is None,
    "tasks": lambda driver: driver.loop is not None,
    "requests": lambda driver: driver.library == "requests",
    "httpx": lambda driver: driver.library != "requests",
}


@pytest.fixture(scope="session", autouse=True)
def what_is_installed_is_looked_up_once() -> Iterator[None]:
    """Each ``Xkit`` looks through every installed package for plugins, which takes longer than many a whole test."""
    path, found = sys.path.copy(), entry_points(group=xkit_auth.plugins.ENTRY_POINT_GROUP)
    name_of = xkit_auth.plugins._name_of
    names = {id(entry): name_of(entry) for entry in found}

    def look(*, group: str) -> EntryPoints:
        return found if sys.path == path else entry_points(group=group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xkit_auth.plugins, "entry_points", look)
        patch.setattr(xkit_auth.plugins, "_name_of", lambda entry: names.get(id(entry)) or name_of(entry))
        yield


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox, which knows two connectors that no plugin brings."""
    with Sandbox() as running:
        for slug in ("acme", "other"):
            running.add_connector(Connector(slug, hosts=[f"api.{slug}.example"]))
        yield running


@pytest.fixture
def xkit(sandbox: Sandbox) -> Any:
    """An ``Xkit`` that asks the sandbox."""
    return sandbox.xkit(timeout=30)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine on which nobody listens, and which no other process can get meanwhile."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@pytest.fixture
def netrc(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes an entry for a host into a netrc file, and makes it the one that is used."""

    def write(host: str) -> None:
        path = tmp_path / "netrc"
        path.write_text(f"machine {host} login nobody password nothing\n")
        monkeypatch.setenv("NETRC", str(path))

    return write
