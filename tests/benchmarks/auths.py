"""Who is compared: the auth class that anybody would write, ours, and that of the peers."""

from __future__ import annotations

import datetime
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from clients import HOST, Client, Opened
from measure import Send
from requests.auth import AuthBase

from xkit_auth import Connector, Credential, Default, Xkit, hookimpl

TOKEN = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy"
KEYS = {"publishable_key": "pk_bench", "secret_key": "sk_bench"}
LONG = 86_400.0


def constant(client: Client, name: str, value: str) -> Any:
    """An auth object that sets a header that never changes. Each call makes the class anew."""
    if client.library == "requests":

        class RequestsAuth(AuthBase):
            def __init__(self, value: str) -> None:
                self.value = value

            def __call__(self, request: Any) -> Any:
                request.headers[name] = self.value
                return request

        return RequestsAuth(value)

    class HttpxAuth(client.module.Auth):
        def __init__(self, value: str) -> None:
            self.value = value

        def auth_flow(self, request: Any) -> Any:
            request.headers[name] = self.value
            yield request

    return HttpxAuth(value)


class Plugin:
    """Brings connectors to an ``Xkit``."""

    def __init__(self, *connectors: Connector) -> None:
        self._connectors = list(connectors)

    @hookimpl
    def xkit_auth_connectors(self) -> list[Connector]:
        """The connectors."""
        return self._connectors


CONNECTORS = (
    Connector("acme", hosts=[HOST]),
    Connector("acme-key", hosts=[HOST], header={"X-Api-Key": "{token}"}),
    Connector("acme-version", hosts=[HOST], extra={"X-Acme-Version": Default("2022-11-28")}),
)
USER: ContextVar[str] = ContextVar("user")
USER.set("user-42")


def xkit(**settings: Any) -> Xkit:
    """An account that never has to ask Xkit in the course of a benchmark."""
    return Xkit(**KEYS, **{"max_age": LONG, "plugins": [Plugin(*CONNECTORS)], **settings})


def hold(account: Xkit, context: str, *, slug: str = "acme", token: str = TOKEN) -> None:
    """Let the account hold a credential, as if Xkit had just given it."""
    account.broker.cache.store((slug, context), Credential(token), rejected=None)


def ours(client: Client, slug: str = "acme", context: Any = "user-42") -> Any:
    """Our auth object, with a credential that is held."""
    return maker_of_ours(client, slug, context)()


def maker_of_ours(client: Client, slug: str = "acme", context: Any = "user-42") -> Callable[[], Any]:
    """Makes auth objects of ours, all of one account."""
    account = xkit()
    hold(account, "user-42", slug=slug)
    return lambda: client.ours.XkitAuth(slug, context=context, xkit=account)


# Peers. Each is used as its own documentation says, with a token that is valid for long.


def peers(opened: Opened) -> Iterator[tuple[str, Send]]:
    """The peers that work with this client, by name."""
    if opened.client.library == "requests":
        yield from _peers_on_requests(opened)
    else:
        yield "Authlib", _authlib(opened)
    if opened.client.library == "httpx":
        yield "httpx_auth", opened.with_auth(_httpx_auth())


_OAUTH_TOKEN = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": int(LONG)}


def _peers_on_requests(opened: Opened) -> Iterator[tuple[str, Send]]:
    from authlib.integrations.requests_client import OAuth2Session
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2.credentials import Credentials
    from requests_oauthlib import OAuth2

    yield "Authlib", opened.of_kind(OAuth2Session, token=dict(_OAUTH_TOKEN))
    expiry = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=LONG)
    yield "google-auth", opened.of_kind(AuthorizedSession, credentials=Credentials(TOKEN, expiry=expiry))
    yield "requests-oauthlib", opened.with_auth(OAuth2(token=dict(_OAUTH_TOKEN)))


def _authlib(opened: Opened) -> Send:
    # Authlib takes httpx2 where it is installed, and httpx otherwise; here it has to serve both in turn.
    for name in [name for name in sys.modules if name.startswith("authlib.integrations.httpx_client")]:
        del sys.modules[name]
    hidden = sys.modules.pop("httpx2")
    if opened.client.library == "httpx":
        sys.modules["httpx2"] = None  # type: ignore[assignment]
    else:
        sys.modules["httpx2"] = hidden
    try:
        with warnings.catch_warnings(action="ignore"):  # it says that httpx is on its way out
            module = importlib.import_module("authlib.integrations.httpx_client")
    finally:
        sys.modules["httpx2"] = hidden
    kind = module.AsyncOAuth2Client if opened.client.is_async else module.OAuth2Client
    return opened.of_kind(kind, token=dict(_OAUTH_TOKEN))


def _httpx_auth() -> Any:
    from httpx_auth import OAuth2, OAuth2ClientCredentials

    auth = OAuth2ClientCredentials("https://login.acme.example/token", client_id="bench", client_secret="bench")
    OAuth2.token_cache._add_access_token(auth.state, TOKEN, int(LONG))
    return auth
