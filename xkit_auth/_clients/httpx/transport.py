"""Calls to Xkit over httpcore or httpcore2, on which httpx and httpx2 stand: a connection for each call.

It does not use httpx itself, since test libraries and caches patch its clients for the whole process. Of httpcore it
uses the original methods, which libraries such as respx replace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MethodType, ModuleType
from typing import Any

from ..._sources import Answer, Kept, Quiet, Route, answered, gathered

_QUIET = Quiet(
    f"{core}.{logger}" for core in ("httpcore", "httpcore2") for logger in ("connection", "http11", "proxy", "socks")
)


_METHOD = "handle_request"


class Core:
    """httpcore or httpcore2 with its methods as they are when ``xkit_auth.httpx`` or ``httpx2`` is imported."""

    def __init__(self, library: ModuleType) -> None:
        pools = library.ConnectionPool, library.HTTPProxy, getattr(library, "SOCKSProxy", library.HTTPProxy)
        self._kept = Kept((owner, _METHOD) for owner in (library.ConnectionPool, library.HTTPConnection))
        self._connection: type[Any] = library.HTTPConnection
        handle = self._kept.method(library.ConnectionPool, _METHOD)
        self.ConnectionPool, self.HTTPProxy, self.SOCKSProxy = (self._pool(pool, handle) for pool in pools)

    def _pool(self, pool: type[Any], handle_request: Callable[..., Any]) -> type[Any]:
        create = getattr(pool, "create_connection", None)
        if create is None:  # httpcore's placeholder for SOCKSProxy without socksio
            return pool

        def create_connection(itself: Any, origin: Any) -> Any:
            return self._as_it_was(create(itself, origin))

        return type(pool.__name__, (pool,), {_METHOD: handle_request, "create_connection": create_connection})

    def _as_it_was(self, connection: Any) -> Any:
        inside: Any = getattr(connection, "_connection", None)  # the connection to a proxy
        for each in (connection, inside):
            if type(each) is self._connection:
                each.handle_request = MethodType(self._kept.method(self._connection, _METHOD), each)
        return connection

    def check(self) -> None:
        """Check that the methods were the library's own.

        Raises:
            ConfigurationError: other code had replaced one.
        """
        self._kept.check()


class HttpxTransport:
    """A ``Transport`` that keeps no connection, sends no cookies and follows no redirect."""

    def __init__(self, core: Core, route: Route, *, socks: str) -> None:
        self._core = core
        self._route = route
        if route.proxy is not None:
            route.proxy.check_library("socksio", socks)

    def get(self, url: str, headers: Callable[[], Mapping[str, str]], deadline: float) -> Answer:
        """Return Xkit's response, or raise ``NoAnswer`` by ``deadline``."""
        self._core.check()
        return answered(lambda: self._get(url, headers, deadline), self._route)

    def _get(self, url: str, headers: Callable[[], Mapping[str, str]], deadline: float) -> Answer:
        left = max(deadline - time.monotonic(), 0.001)
        within = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), left)}
        with (
            _QUIET.here(),
            self._pool() as pool,
            pool.stream("GET", url, headers=dict(headers()), extensions=within) as response,
        ):
            return Answer(response.status, _joined(response.headers), gathered(response.iter_stream(), deadline))

    def _pool(self) -> Any:
        proxy, core, tls = self._route.proxy, self._core, self._route.tls
        if proxy is None:
            return core.ConnectionPool(ssl_context=tls)
        if proxy.is_socks:
            return core.SOCKSProxy(proxy.url, proxy_auth=proxy.login(), ssl_context=tls)
        tls_to_proxy = tls if proxy.scheme == "https" else None
        return core.HTTPProxy(proxy.url, proxy_auth=proxy.login(), ssl_context=tls, proxy_ssl_context=tls_to_proxy)


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by name, with several values of one name joined (RFC 9110 section 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
