"""How people write it. Never run: mypy and pyright read it, and complain if a type got worse."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import assert_type

import httpx
import httpx2
import requests

import xkit_auth.httpx
import xkit_auth.httpx2
import xkit_auth.requests
from xkit_auth import (
    ANY,
    Connection,
    Connector,
    Credential,
    Default,
    Event,
    Failure,
    Judgement,
    PlatformRateLimited,
    ReauthorizationRequired,
    RequestView,
    ResponseView,
    Verdict,
    WebhookEvent,
    Xkit,
    XkitAuthError,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.sdk import with_credential


class Plugin:
    """A plugin with every hook."""

    @hookimpl
    def xkit_auth_connectors(self) -> list[Connector]:
        """Brings one."""
        rules = [Failure(Verdict.REFETCH, status=400, json={"error.code": (190, 102)})]
        return [
            Connector(
                "acme",
                hosts=["{param.subdomain}.acme.example"],
                params={"subdomain": "label"},
                extra={"Acme-Version": Default("2")},
                failures=rules,
                inspect={400: "application/json"},
            )
        ]

    @hookimpl
    def xkit_auth_format_headers(
        self, connector: Connector, credential: Credential, request: RequestView
    ) -> Mapping[str, str] | None:
        """Signs."""
        return {"X-Signature": f"{request.method} {request.url} {credential.reveal()}"} if request.body else None

    @hookimpl
    def xkit_auth_classify_response(self, response: ResponseView) -> Verdict | Judgement | None:
        """Judges."""
        return Judgement(Verdict.CHALLENGE, response.headers["www-authenticate"]) if response.status == 401 else None

    @hookimpl
    def xkit_auth_event(self, event: Event) -> None:
        """Takes notes."""
        assert event.kind != "fetched" or event.fingerprint


def connect_again(link: str | None, why: str | None) -> None:
    """What an application does with it."""


def main() -> None:
    """With every client, and without one."""
    user: ContextVar[str] = ContextVar("user")
    with Xkit(plugins=[Plugin()], reconnect_url="https://app.example/{connector}/{context}") as xkit:
        requests.get(
            "https://slack.com/api/auth.test", auth=xkit_auth.requests.XkitAuth("slack", context="u", xkit=xkit)
        )
        with requests.Session() as session:
            session.auth = xkit_auth.requests.XkitAuth(ANY, context=user)
            session.get("https://api.github.com/user", auth=xkit_auth.requests.NoAuth())
        Xkit(ca_file=Path("authority.pem"), proxy="http://proxy.example:3128").close()
        Xkit(ca_file=ssl.create_default_context(), proxy="").close()
        httpx.Client(auth=xkit_auth.httpx.XkitAuth("slack", context=lambda: "user-42", off_host="bare"))
        with use_context("user-42", tasks_may_outlive=True) as whose:
            now: str = current_context()
            nobody: str | None = current_context.get(None)
            httpx.Client(auth=xkit_auth.httpx.XkitAuth("slack", context=current_context))
            connect_again(nobody or current_context.get(), f"{whose} {now}")
        httpx2.Client(auth=xkit_auth.httpx2.XkitAuth("acme", context="u", params={"subdomain": "acme"}))
        connection: Connection = xkit.get_connection("slack", context="user-42")
        event: WebhookEvent = xkit.handle_webhook(b"{}")
        assert connection.status != event.event_type
        xkit.forget("slack", context="user-42")
        try:
            credential: Credential = xkit.get_credential("slack", context="user-42")
        except ReauthorizationRequired as error:
            link: str | None = error.reconnect_url
            connect_again(link, error.error_code)
        except PlatformRateLimited as error:
            seconds: float = error.retry_after
            connect_again(f"{seconds:g}", None)
        except XkitAuthError as error:
            retryable: bool = error.retryable
            connect_again(error.hint if retryable else None, None)
        else:
            assert credential.reveal()


async def amain() -> None:
    """The same in a task."""
    async with (
        Xkit() as xkit,
        httpx.AsyncClient(auth=xkit_auth.httpx.XkitAuth("slack", context="u", xkit=xkit)) as client,
    ):
        await client.get("https://slack.com/api/auth.test")
        await xkit.aget_connection("slack", context="u")
        await xkit.aget_credential("slack", context="u", rejected=await xkit.aget_credential("slack", context="u"))


@with_credential("slack", context="user-42")
def post(channel: str, text: str = "", *, token: str = "") -> int:
    """An SDK's call. Whoever calls it leaves the token out."""
    return len(f"{channel}{text}{token}")


@with_credential("slack", context="user-42")
async def apost(channel: str, *, token: str = "") -> int:
    """The same in a task."""
    return len(f"{channel}{token}")


@with_credential("slack", context="user-42")
def later(channel: str, token: str = "") -> int:
    """With the token behind another argument, which can still be named."""
    return len(f"{channel}{token}")


class Poster:
    """With a method."""

    @with_credential("slack", context="user-42")
    def post(self, channel: str, *, token: str = "") -> int:
        """The same as a method."""
        return len(f"{channel}{token}")

    @with_credential("slack", context="user-42")
    def count(self, token: str, channel: str) -> int:
        """With the token before all others."""
        return len(f"{channel}{token}")


@with_credential("slack", context="user-42")
def count(token: str, channel: str) -> int:
    """An SDK's call that begins with the token."""
    return len(f"{channel}{token}")


@with_credential("slack", context="user-42", argument="token", retry=False)
async def acount(token: str, channel: str, *, limit: int = 10) -> int:
    """The same in a task."""
    return len(f"{channel}{token}") + limit


@with_credential("jira", context="user-42", argument={"user": "email", "password": "api_token"})
def login(token: str, user: str = "", password: str = "") -> int:
    """One whose credential is in other arguments."""
    return len(f"{token}{user}{password}")


async def without_the_token() -> None:
    """Where the token comes first, the decorated function is one without it."""
    assert_type(count("general"), int)
    assert_type(count(channel="general"), int)
    assert_type(await acount("general", limit=3), int)
    assert_type(Poster().count("general"), int)
    assert_type(Poster().count(channel="general"), int)
    assert_type(login("a token of its own"), int)
    count()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    count("token", "general")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    count(7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Poster().count(7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    login()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


async def typed_arguments() -> None:
    """A decorated function keeps the types of its arguments and of its result."""
    assert_type(post("general", text="Hello"), int)
    assert_type(await apost("general"), int)
    assert_type(Poster().post("general"), int)
    assert_type(Poster().post(channel="general"), int)
    assert_type(later(channel="general"), int)
    post(7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    post("general", txt="Hello")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    await apost()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    Poster().post(7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def wrong_calls() -> None:
    """What cannot be is seen by the checkers, too: a user by position, and a name from the wrong module."""
    xkit_auth.requests.XkitAuth("slack", "user-42")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    xkit_auth.XkitAuth  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] # noqa: B018
