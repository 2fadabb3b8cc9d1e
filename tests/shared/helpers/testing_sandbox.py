"""What the tests of sandbox and sandbox in trouble share."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

pytest.importorskip("httpx")
import httpx

from xkit_auth.testing import Sandbox


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def keys(sandbox: Sandbox) -> tuple[str, str]:
    return sandbox.publishable_key, sandbox.secret_key


def path_of(connector: str, context: str) -> str:
    return f"/contexts/{quote(context, safe='')}/connections/{quote(connector, safe='')}"


def ask(sandbox: Sandbox, http: httpx.Client, connector: str, context: str) -> httpx.Response:
    """One call to the Platform API, as a client would make it."""
    return http.get(sandbox.base_url + path_of(connector, context), auth=keys(sandbox))


def authorization(sandbox: Sandbox, http: httpx.Client, connector: str, context: str) -> dict[str, Any]:
    answer: dict[str, Any] = ask(sandbox, http, connector, context).json()["connection"]["authorization"]
    return answer


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def raw(url: str, request: bytes) -> socket.socket:
    """A connection over which these bytes have been sent."""
    where = urlsplit(url)
    assert where.hostname is not None
    connection = socket.create_connection((where.hostname, where.port or 80), timeout=10)
    connection.sendall(request)
    return connection


def received(connection: socket.socket) -> bytes:
    """The next bytes; none if the connection was closed or reset."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def everything(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: received(connection), b""))


def slack_says(sandbox: Sandbox, http: httpx.Client, token: str) -> str:
    answer = http.get(f"{sandbox.slack_url}/api/auth.test", headers=bearer(token))
    assert answer.status_code == 200
    said: str = answer.json().get("error", "ok")
    return said
