"""The clients under test, over transports that answer at once, so that only the client and its auth cost anything."""

from __future__ import annotations

import asyncio
import importlib
import io
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import requests
from measure import Send
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

HOST = "api.acme.example"
URL = f"https://{HOST}/v1/things"
HEADERS = {"content-type": "application/json"}


class Adapter(BaseAdapter):
    """Answers at once with a real, empty ``requests.Response``."""

    def send(self, request: Any, *_args: Any, **_kwargs: Any) -> Any:
        response = requests.Response()
        response.status_code = 200
        response.reason = "OK"
        response.url = request.url
        response.headers = CaseInsensitiveDict(HEADERS)
        response.raw = io.BytesIO()
        response.request = request
        response.connection = self
        return response

    def close(self) -> None:
        pass


def transport_of(library: Any) -> Any:
    """A transport for httpx or httpx2, sync and async, that answers at once with a real, empty response."""
    headers = library.Headers(HEADERS)
    nothing = library.ByteStream(b"")
    make = library.Response

    class Transport(library.BaseTransport, library.AsyncBaseTransport):
        def handle_request(self, request: Any) -> Any:
            return make(200, headers=headers, stream=nothing)

        async def handle_async_request(self, request: Any) -> Any:
            return make(200, headers=headers, stream=nothing)

    return Transport()


# Nothing here opens a connection, so no client needs the certificates, which take long to read; and none shall find
# anything in the environment of the machine at hand.
OPTIONS: dict[str, Any] = {"trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}


class Client:
    """One library, sync or async."""

    def __init__(self, name: str) -> None:
        self.name = name
        library, _, loop = name.partition(" ")
        self.library = library
        self.is_async = loop == "async"
        self.module = importlib.import_module(library)
        self.ours = importlib.import_module(f"xkit_auth.{library}")

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Clients can be made inside; they are closed at the end."""
        with asyncio.Runner() as runner, ExitStack() as stack:
            yield Opened(self, runner, stack)


class Opened:
    """Makes clients of one library in one event loop."""

    def __init__(self, client: Client, runner: asyncio.Runner, stack: ExitStack) -> None:
        self.client = client
        self.runner = runner
        self._stack = stack
        self._transport = Adapter() if client.library == "requests" else transport_of(client.module)

    def with_auth(self, auth: Any = None, headers: dict[str, str] | None = None) -> Send:
        """The usual client with this auth object."""
        if self.client.library == "requests":
            session = requests.Session()
            session.auth = auth
            session.headers.update(headers or {})
            return self.using(session)
        kind = self.client.module.AsyncClient if self.client.is_async else self.client.module.Client
        return self.using(kind(auth=auth, headers=headers, transport=self._transport, **OPTIONS))

    def with_auth_each_time(self, make: Callable[[], Any]) -> Send:
        """The usual client, which is given an auth object with each request."""
        send = self.with_auth()
        return lambda: send(auth=make())

    def of_kind(self, kind: Any, **arguments: Any) -> Send:
        """A client of a peer's own class."""
        if self.client.library == "requests":
            return self.using(kind(**arguments))
        return self.using(kind(transport=self._transport, **arguments, **OPTIONS))

    def using(self, client: Any) -> Send:
        """A client that has been made."""
        if self.client.library == "requests":
            client.mount("https://", self._transport)
            client.trust_env = False
        if self.client.is_async:
            self._stack.callback(lambda: self.runner.run(client.aclose()))
        else:
            self._stack.callback(client.close)
        get = client.get
        return lambda **arguments: get(URL, **arguments)


CLIENTS = [Client(name) for name in ("requests", "httpx", "httpx async", "httpx2", "httpx2 async")]
