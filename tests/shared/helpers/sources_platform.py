"""What the tests of platform and platform errors and platform raw share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from xkit_auth._sources.account import Account
from xkit_auth._sources.platform import (
    Answer,
    read_connection,
)

WALL = 1_700_000_000.0


TOKEN = "xoxb-Wq8rT5yPz2LmKd7"


@pytest.fixture
def read(account: Account) -> Any:
    """Read an answer: ``read(body, status=…, headers=…)``, where the body is bytes or something for JSON."""

    def reading(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return read_connection(Answer(status, headers or {}, content), account, "slack", "user-42", wall=WALL)

    return reading


@pytest.fixture
def usable(read: Any) -> Any:
    """The connection that Xkit gives with this credential, and what else stands in its authorization."""

    def reading(credential: Any = TOKEN, **authorization: Any) -> Any:
        inside = {"status": "active", "credential": credential, **authorization}
        return read({"connection": {"enabled": True, "authorization": inside}})

    return reading
