"""SDKs that have a client of requests, httpx or httpx2 inside them, whose slot is free: that is filled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from xkit_auth import ConfigurationError


def bound(target: object, auth: Any) -> bool:
    """Bind an object of one of these SDKs; whether it is one."""
    for (module, name), client_of in _CLIENTS.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(target, kind):
            return bool(auth.fill(client_of(target)))
    return False


def _of_notion(notion: Any) -> Any:
    return notion.client


def _of_openai(openai: Any) -> Any:
    return openai._client


def _of_gitlab(gitlab: Any) -> Any:
    if gitlab._auth is not None:
        raise ConfigurationError(
            "This Gitlab has a token or password of its own, which would win",
            hint="Make it without private_token, oauth_token, job_token and http_password, and bind that.",
        )
    return gitlab.session


def _of_gspread(gspread: Any) -> Any:
    session = gspread.http_client.session
    if getattr(session, "credentials", None) is not None:
        raise ConfigurationError(
            "This gspread client has credentials of Google's library, which would win",
            hint="Make it with gspread.Client(auth=None, session=requests.Session()), and bind that.",
        )
    return session


_CLIENTS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("notion_client", "Client"): _of_notion,
    ("notion_client", "AsyncClient"): _of_notion,
    ("openai", "OpenAI"): _of_openai,
    ("openai", "AsyncOpenAI"): _of_openai,
    ("gitlab", "Gitlab"): _of_gitlab,
    ("gspread", "Client"): _of_gspread,
}
