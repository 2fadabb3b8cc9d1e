"""Calls to Xkit over urllib3, on which requests stands: a connection for each call.

It does not use requests itself, since test libraries and caches patch its sessions and adapters for the whole process.
Of urllib3's pools it uses the original methods and connection classes, which recorders such as vcrpy replace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import make_headers

from ..._sources import Answer, Kept, Quiet, Route, answered, gathered
from ..._values import Secret

_CHUNK = 16 * 1024
_QUIET = Quiet(
    f"urllib3.{logger}" for logger in ("connection", "connectionpool", "poolmanager", "response", "util.retry")
)

_METHODS = ("urlopen", "_make_request", "_get_conn", "_new_conn")
_KEPT = Kept((pool, name) for pool in (HTTPConnectionPool, HTTPSConnectionPool) for name in _METHODS)


def _as_it_was(pool: type[Any], connection: type[Any]) -> type[Any]:
    methods = {name: _KEPT.method(pool, name) for name in _METHODS}
    return type(pool.__name__, (pool,), {**methods, "ConnectionCls": connection})


_POOLS = {
    "http": _as_it_was(HTTPConnectionPool, HTTPConnection),
    "https": _as_it_was(HTTPSConnectionPool, HTTPSConnection),
}


class RequestsTransport:
    """A ``Transport`` that keeps no connection, sends no cookies and follows no redirect."""

    def __init__(self, route: Route) -> None:
        self._route = route
        if route.proxy is not None:
            route.proxy.check_library("socks", "requests[socks]")

    def get(self, url: str, headers: Callable[[], Mapping[str, str]], deadline: float) -> Answer:
        """Return Xkit's response, or raise ``NoAnswer`` by ``deadline``."""
        _KEPT.check()
        return answered(lambda: self._get(url, headers, deadline), self._route)

    def _get(self, url: str, headers: Callable[[], Mapping[str, str]], deadline: float) -> Answer:
        left = max(deadline - time.monotonic(), 0.001)
        with _QUIET.here(), self._pools() as pools:
            response = pools.request(
                "GET",
                url,
                headers=dict(headers()),
                timeout=Timeout(connect=left, read=left),
                retries=False,
                redirect=False,
                preload_content=False,
                enforce_content_length=True,  # the default only since urllib3 2
            )
            try:
                body = gathered(response.stream(_CHUNK, decode_content=False), deadline)
                return Answer(response.status, response.headers, body)
            finally:
                response.close()

    def _pools(self) -> PoolManager:
        proxy, tls = self._route.proxy, self._route.tls
        if proxy is None:
            return _with_pools(PoolManager(ssl_context=tls))
        if proxy.is_socks:
            from urllib3.contrib.socks import SOCKSProxyManager  # fails without PySocks

            where = proxy.url.replace("socks5:", "socks5h:")  # the proxy resolves names, as with httpx
            return SOCKSProxyManager(
                where, username=_or_none(proxy.user), password=_or_none(proxy.password), ssl_context=tls
            )
        return _with_pools(
            ProxyManager(
                proxy.url,
                proxy_headers=make_headers(proxy_basic_auth=b":".join(proxy.login() or ()).decode() or None),
                ssl_context=tls,
                proxy_ssl_context=tls,
            )
        )


def _with_pools(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = _POOLS
    return manager


def _or_none(secret: Secret) -> str | None:
    return secret.reveal() or None
