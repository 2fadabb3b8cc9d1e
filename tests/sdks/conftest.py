"""The SDKs bring versions of their own of what they stand on, so they have a tox environment of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from inspect import isawaitable
from typing import Any, NamedTuple

import pytest

collect_ignore_glob = [] if find_spec("githubkit") else ["test_*.py"]


class Arrival(NamedTuple):
    """What reached the stand-in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int


class Answer(NamedTuple):
    """What the stand-in says."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer_of(content: Any, status: int, headers: dict[str, str]) -> Answer:
    """An answer, of JSON if its content is neither text nor bytes."""
    if isinstance(content, bytes):
        return Answer(status, headers, content)
    if isinstance(content, str):
        return Answer(status, headers, content.encode())
    return Answer(status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode())


class StandIn:
    """A provider whose answers have the shape that an SDK wants. It lets everybody in but whom it is told to refuse.

    A path's answers are given one after the other, the last one again and again; a path without any gets ``{}``.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.refusal = answer_of({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self._answers: dict[str, list[Answer]] = {}
        self._refused: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def says(self, path: str, content: Any, status: int = 200, **headers: str) -> None:
        """Answer to this path; underscores in the names of headers become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers.setdefault(path, []).append(answer_of(content, status, named))

    def refuses_with(self, content: Any, status: int) -> None:
        """Say no like this."""
        self.refusal = answer_of(content, status, {})

    def refuse(self, token: str) -> None:
        """Say no to whoever brings this."""
        self._refused.add(token)

    def _answer(self, path: str, authorization: str) -> Answer:
        if authorization.rpartition(" ")[2] in self._refused:
            return self.refusal
        waiting = self._answers.get(path, [answer_of({}, 200, {})])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                answer = stand_in._answer(path, headers.get("authorization", ""))
                stand_in.arrivals.append(Arrival(self.command, path, query, headers, body, answer.status))
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the server's own names

            def log_message(self, *_what: Any) -> None:
                pass

        return Handler


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A provider of this test's own."""
    running = StandIn()
    yield running
    running.close()


class Same:
    """Equal to nothing but the very same object."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    __hash__ = None

    def __repr__(self) -> str:
        return f"{type(self.value).__name__} at {id(self.value):#x}"


@pytest.fixture
def look():
    """What there is in objects: the names, and the very objects that they stand for."""

    def look(*objects: Any) -> list[dict[str, Same]]:
        return [{name: Same(value) for name, value in vars(each).items()} for each in objects]

    return look


@pytest.fixture
def carried():
    """What arrived, in short: the credential that each request brought, and what was answered."""

    def carried(arrivals: list[Any]) -> list[tuple[str | None, int]]:
        return [(each.headers.get("authorization"), each.status) for each in arrivals]

    return carried


@pytest.fixture
def renewed():
    """What it looks like if a credential is used, turned down, fetched again, and the request sent once more."""

    def renewed(old: str, new: str, refusal: int = 401) -> list[tuple[str, int]]:
        assert old != new
        return [(f"Bearer {old}", 200), (f"Bearer {old}", refusal), (f"Bearer {new}", 200)]

    return renewed


@pytest.fixture
def call() -> Iterator[Callable[..., Any]]:
    """Calls a function and, if what it returns is to be awaited, does that: in one event loop for the whole test."""
    from anyio.from_thread import start_blocking_portal

    async def awaited(result: Any) -> Any:
        return await result

    with start_blocking_portal("asyncio") as portal:

        def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            return portal.call(awaited, result) if isawaitable(result) else result

        yield call
