"""The recipes for FastAPI and Starlette."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from helpers.sdks_recipes import (  # noqa: F401
    FILES,
    RECONNECT_URL,
    USERS,
    ask,
    callers,
    nothing_is_left_set,
    recipe,
    result,
    send,
    tasks,
    worker,
)
from xkit_auth import ConfigurationError, current_context, use_context


def test_the_page_has_the_files():
    assert list(FILES) == [
        "clients.py",
        "app_fastapi.py",
        "app_starlette.py",
        "turns_django.py",
        "views_django.py",
        "tasks_celery.py",
    ]


def test_a_call_for_nobody_is_refused(recipe, sandbox):
    clients = recipe("clients")
    with pytest.raises(ConfigurationError):
        clients.slack.get("/auth.test")
    with use_context("user-1"):
        assert clients.slack.get("/auth.test").json()["user"] == "user-1"
    assert callers(sandbox) == ["user-1"]


# FastAPI


@pytest.mark.parametrize("paths", [("/async", "/async"), ("/sync", "/sync"), ("/async", "/sync")], ids="-".join)
def test_fastapi_serves_two_users_at_once(recipe, sandbox, paths):
    app = recipe("app_fastapi").app
    answers = ask(app, *zip(paths, USERS, strict=True), sandbox=sandbox)
    assert [answer.json() for answer in answers] == ["Hello, user-1", "Hello, user-2"]
    assert callers(sandbox) == ["user-1", "user-2"]


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_fastapi_serves_one_user_after_the_other(recipe, sandbox, path):
    with TestClient(recipe("app_fastapi").app) as browser:
        for user in (*USERS, *USERS):
            assert browser.get(path, headers={"X-User": user}).json() == f"Hello, {user}"
        assert browser.portal is not None
        browser.portal.call(sys.modules["clients"].async_slack.aclose)
    assert callers(sandbox) == ["user-1", "user-1", "user-2", "user-2"]


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_fastapi_tells_a_user_to_connect(recipe, sandbox, path):
    sandbox.revoke("slack", "user-2")
    never, revoked = ask(recipe("app_fastapi").app, (path, "somebody"), (path, "user-2"))
    assert (never.status_code, revoked.status_code) == (409, 409)
    assert never.json() == {"error": "NotConnected", "reconnect_url": RECONNECT_URL}
    assert revoked.json() == {"error": "ReauthorizationRequired", "reconnect_url": RECONNECT_URL}
    assert sandbox.arrivals("slack") == []


def works(seen: list[str], where: str) -> list[Any]:
    """What goes on behind an answer, sync and async; each notes for whom."""

    def sync_work() -> None:
        seen.append(f"{where} {current_context.get('nobody')}")

    async def async_work() -> None:
        await asyncio.sleep(0)
        sync_work()

    return [sync_work, async_work]


def streamed(parts: int) -> list[Any]:
    """Generators that say at each step whose turn it is."""

    def sync_parts() -> Any:
        for _ in range(parts):
            yield current_context.get("nobody") + " "

    async def async_parts() -> Any:
        for _ in range(parts):
            await asyncio.sleep(0)
            yield current_context.get("nobody") + " "

    return [sync_parts, async_parts]


def test_streams_and_background_tasks_of_fastapi_have_the_user(recipe):
    app, seen = recipe("app_fastapi").app, []
    sync_parts, async_parts = streamed(3)

    @app.get("/async-stream")
    async def async_stream(later: BackgroundTasks) -> Any:
        for work in works(seen, "async"):
            later.add_task(work)
        return StreamingResponse(async_parts(), background=later)

    @app.get("/sync-stream")
    def sync_stream(later: BackgroundTasks) -> Any:
        for work in works(seen, "sync"):
            later.add_task(work)
        return StreamingResponse(sync_parts(), background=later)

    requests = [(path, user) for path in ("/async-stream", "/sync-stream") for user in USERS]
    assert [answer.text for answer in ask(app, *requests)] == [f"{user} " * 3 for _, user in requests]
    assert sorted(seen) == sorted(f"{kind} {user}" for kind in ("sync", "async") for user in USERS for _ in range(2))


def test_a_worker_that_the_first_request_starts_does_nobody_s_work_as_that_user(recipe, sandbox):
    clients, app, started = recipe("clients"), recipe("app_fastapi").app, []

    async def worker(jobs: Any) -> None:
        while True:
            result = await jobs.get()
            try:
                result.set_result((await clients.async_slack.get("/auth.test")).json()["user"])
            except ConfigurationError as error:
                result.set_result(f"refused: {error.context}")

    @app.get("/queued")
    async def queued() -> str:
        if not started:
            jobs: Any = asyncio.Queue()
            started.extend((jobs, asyncio.create_task(worker(jobs))))
        result = asyncio.get_running_loop().create_future()
        started[0].put_nowait(result)
        return await result

    async def one_after_the_other() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            answers = [(await browser.get("/queued", headers={"X-User": user})).json() for user in USERS]
        started[1].cancel()
        await clients.async_slack.aclose()
        return answers

    assert asyncio.run(one_after_the_other()) == ["user-1", "refused: user-1"]
    assert callers(sandbox) == ["user-1"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_of_fastapi_that_would_hold_a_block_is_refused(recipe, kind):
    app = recipe("app_fastapi").app

    def sync_parts() -> Any:
        with use_context("user-2"):
            yield current_context.get()
            yield current_context.get()

    async def async_parts() -> Any:
        with use_context("user-2"):
            yield current_context.get()

    parts = sync_parts if kind == "sync" else async_parts
    app.get("/stream")(lambda: StreamingResponse(parts()))
    with pytest.raises(ConfigurationError, match="_parts must not hold a use_context block"):
        asyncio.run(get_raising(app, "/stream"))


def test_a_sync_dependency_of_fastapi_does_not_do(recipe, tmp_path):
    source = (tmp_path / "app_fastapi.py").read_text(encoding="utf-8")
    (tmp_path / "app_fastapi.py").write_text(source.replace("async def turn", "def turn"), encoding="utf-8")
    app, seen = recipe("app_fastapi").app, []
    app.get("/seen")(lambda: seen.append(current_context.get("nobody")))
    for path in ("/sync", "/seen"):
        with pytest.raises(ConfigurationError, match=r"another task or thread|current_context"):
            asyncio.run(get_raising(app, path))
    assert seen == ["nobody"]


async def get_raising(app: Any, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as browser:
        return await browser.get(path, headers={"X-User": "user-1"})


# Starlette


def test_starlette_serves_two_users_at_once(recipe, sandbox):
    answers = ask(recipe("app_starlette").app, ("/", "user-1"), ("/", "user-2"), sandbox=sandbox)
    assert [answer.text for answer in answers] == ["Hello, user-1", "Hello, user-2"]
    assert callers(sandbox) == ["user-1", "user-2"]


def test_starlette_sends_a_user_to_connect(recipe, sandbox):
    sandbox.revoke("slack", "user-2")
    for answer in ask(recipe("app_starlette").app, ("/", "somebody"), ("/", "user-2")):
        assert (answer.status_code, answer.headers["location"]) == (303, RECONNECT_URL)


def test_starlette_sends_nothing_for_a_visitor(recipe, sandbox):
    app = recipe("app_starlette").app
    app.router.routes.append(Route("/open", lambda _request: PlainTextResponse("for everybody")))
    refused, served = ask(app, ("/", None), ("/open", None))
    assert (refused.status_code, served.text) == (500, "for everybody")
    assert sandbox.calls == sandbox.arrivals("slack") == []


def test_the_middleware_serves_websockets_and_fastapi(recipe):
    starlette, app = recipe("app_starlette"), FastAPI()
    app.add_middleware(starlette.WhoseTurn)
    app.add_middleware(AuthenticationMiddleware, backend=starlette.SignIn())
    app.get("/seen")(lambda: current_context.get())

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(current_context.get())
        await socket.close()

    app.add_api_websocket_route("/talk", talk)
    with TestClient(app, headers={"X-User": "user-2"}) as browser:
        assert browser.get("/seen").json() == "user-2"
        with browser.websocket_connect("/talk") as socket:
            assert socket.receive_text() == "user-2"


def test_a_base_http_middleware_passes_the_user_in_and_not_out(recipe):
    starlette, seen = recipe("app_starlette"), {}

    class Look(BaseHTTPMiddleware):
        def __init__(self, app: Any, name: str) -> None:
            super().__init__(app)
            self.name = name

        async def dispatch(self, request: Any, call_next: Any) -> Any:
            answer = await call_next(request)
            seen[self.name] = current_context.get("nobody")
            return answer

    app = Starlette(
        routes=starlette.app.routes,
        middleware=[
            Middleware(Look, "outside"),
            Middleware(AuthenticationMiddleware, backend=starlette.SignIn()),
            Middleware(starlette.WhoseTurn),
            Middleware(Look, "inside"),
        ],
    )
    (answer,) = ask(app, ("/", "user-1"))
    assert answer.text == "Hello, user-1"
    assert seen == {"inside": "user-1", "outside": "nobody"}


def test_streams_and_background_tasks_of_starlette_have_the_user(recipe):
    starlette, seen = recipe("app_starlette"), []

    def route(path: str, parts: Any) -> Route:
        tasks = BackgroundTasks([BackgroundTask(work) for work in works(seen, path)])
        return Route(path, lambda _request: StreamingResponse(parts(), background=tasks))

    sync_parts, async_parts = streamed(3)
    starlette.app.router.routes += [route("/sync", sync_parts), route("/async", async_parts)]
    requests = [(path, user) for path in ("/sync", "/async") for user in USERS]
    assert [answer.text for answer in ask(starlette.app, *requests)] == [f"{user} " * 3 for _, user in requests]
    assert sorted(seen) == sorted(f"{path} {user}" for path, user in requests for _ in range(2))


@pytest.mark.parametrize("may_outlive", [False, True])
def test_behind_a_base_http_middleware_background_tasks_have_the_user_if_it_says_so(may_outlive):
    seen: list[str] = []

    class WhoseTurn(BaseHTTPMiddleware):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            with use_context(request.headers["x-user"], tasks_may_outlive=may_outlive):
                return await call_next(request)

    app = FastAPI(middleware=[Middleware(WhoseTurn)])

    @app.get("/seen")
    async def now(later: BackgroundTasks) -> str:
        for work in works(seen, "later"):
            later.add_task(work)
        return current_context.get()

    if may_outlive:
        assert asyncio.run(get_raising(app, "/seen")).json() == "user-1"
        assert seen == ["later user-1"] * 2
    else:
        with pytest.raises(ConfigurationError, match="has ended") as caught:
            asyncio.run(get_raising(app, "/seen"))
        assert "tasks_may_outlive=True" in caught.value.hint
        assert seen == []


def test_an_error_of_a_middleware_is_not_handled(recipe):
    starlette = recipe("app_starlette")

    class CallsSlack:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await starlette.async_slack.get("/auth.test")

    starlette.app.add_middleware(CallsSlack)
    starlette.app.user_middleware.append(starlette.app.user_middleware.pop(0))
    (answer,) = ask(starlette.app, ("/", "somebody"))
    assert answer.status_code == 500
