"""Standing in for production: the environment names the sandbox, and connections to real hosts lead there.

Code under test keeps its URLs. What it asks for, and what its client says in ``response.url``, is https at the real
host; below that, at the last step of the HTTP library, the connection is made to the sandbox, without TLS. So all that
is decided about hosts is decided as in production.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

PortFor = Callable[[str, int], int | None]
"""The port on this machine to which a connection to a host and port is led, or ``None`` if it is left alone."""

HERE = "127.0.0.1"
_CORES = ("httpcore", "httpcore2")
_PROXIES = ("HTTPProxy", "AsyncHTTPProxy", "SOCKSProxy", "AsyncSOCKSProxy")
_BACKENDS = ("SyncBackend", "AnyIOBackend", "TrioBackend")


@contextmanager
def environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set these variables, and put back what was there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def led(port_for: PortFor) -> Generator[None]:
    """Lead connections of requests, urllib3, httpx, httpx2 and ``http.client`` to where ``port_for`` says."""
    with ExitStack() as stack:
        for core in filter(find_spec, _CORES):
            module = import_module(core)
            # Where a library is missing, there is no such class, or a stand-in that has no such method.
            for name in _PROXIES:
                proxied: Any = getattr(module, name, None)
                if hasattr(proxied, "create_connection"):
                    past = _past_proxy(proxied.__base__, port_for)
                    stack.enter_context(_replaced(proxied, "create_connection", past))
            for name in _BACKENDS:
                backend: Any = getattr(module, name, None)
                if hasattr(backend, "connect_tcp"):
                    stack.enter_context(_replaced(backend, "connect_tcp", _httpcore(name, port_for)))
        if find_spec("urllib3"):
            connection = import_module("urllib3.connection").HTTPSConnection
            stack.enter_context(_replaced(connection, "connect", _urllib3(port_for)))
        stack.enter_context(_replaced(http.client.HTTPSConnection, "connect", _http_client(port_for)))
        yield


@contextmanager
def _replaced(owner: type[Any], name: str, made: Callable[[Any], Any]) -> Generator[None]:
    original = vars(owner)[name]
    setattr(owner, name, made(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def _past_proxy(pool: Any, port_for: PortFor) -> Callable[[Any], Any]:
    """Let a pool that goes through a proxy make its connections to the sandbox as ``pool``, its base class, does."""

    def made(original: Any) -> Any:
        def create_connection(self: Any, origin: Any) -> Any:
            port = origin.port or {b"http": 80, b"https": 443}.get(origin.scheme)
            if port is None or port_for(origin.host.decode("ascii"), port) is None:
                return original(self, origin)
            return pool.create_connection(self, origin)

        return create_connection

    return made


def _httpcore(backend: str, port_for: PortFor) -> Callable[[Any], Any]:
    def sync(original: Any) -> Any:
        def connect_tcp(self: Any, host: str, port: int, *arguments: Any, **options: Any) -> Any:
            led_to = port_for(host, port)
            if led_to is None:
                return original(self, host, port, *arguments, **options)
            stream = original(self, HERE, led_to, *arguments, **options)

            def start_tls(*_: Any, **__: Any) -> Any:
                return stream

            stream.start_tls = start_tls
            return stream

        return connect_tcp

    def tasks(original: Any) -> Any:
        async def connect_tcp(self: Any, host: str, port: int, *arguments: Any, **options: Any) -> Any:
            led_to = port_for(host, port)
            if led_to is None:
                return await original(self, host, port, *arguments, **options)
            stream = await original(self, HERE, led_to, *arguments, **options)

            async def start_tls(*_: Any, **__: Any) -> Any:
                return stream

            stream.start_tls = start_tls
            return stream

        return connect_tcp

    return sync if backend == "SyncBackend" else tasks


def _meant(connection: Any) -> tuple[Any, Any]:
    """Host and port that a connection is for: with a proxy on the way, what the proxy is asked to lead to."""
    if connection._tunnel_host:
        return connection._tunnel_host, connection._tunnel_port
    return connection.host, connection.port


def _urllib3(port_for: PortFor) -> Callable[[Any], Any]:
    def made(original: Any) -> Any:
        def connect(self: Any) -> Any:
            led_to = port_for(*_meant(self))
            if led_to is None:
                return original(self)
            before = self._dns_host, self.port
            self._dns_host, self.port = HERE, led_to
            try:
                self.sock = self._new_conn()
            finally:
                self._dns_host, self.port = before
            self.is_verified = True
            self._has_connected_to_proxy = self._tunnel_host is not None
            return None

        return connect

    return made


def _http_client(port_for: PortFor) -> Callable[[Any], Any]:
    def made(original: Any) -> Any:
        def connect(self: Any) -> None:
            led_to = port_for(*_meant(self))
            if led_to is None:
                original(self)
            else:
                self.sock = self._create_connection((HERE, led_to), self.timeout, self.source_address)

        return connect

    return made
