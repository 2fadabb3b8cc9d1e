"""The recipes of docs/how-to/context-per-request.md work: in each framework, every user gets their own credential."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import os
import re
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from celery import _state, signals
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import StreamingHttpResponse
from django.test import Client, override_settings
from django.urls import clear_url_caches
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import xkit_auth
from xkit_auth import ConfigurationError, Xkit, current_context, use_context

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "context-per-request.md"
FILES = dict(
    re.findall(
        r"^```\{code-block\} python\n:caption: (\S+)\n\n(.*?)^```$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
RECONNECT_URL = "https://app.example.com/connect/slack"
USERS = ("user-1", "user-2")


@pytest.fixture
def recipe(sandbox, tmp_path, monkeypatch):
    """Imports a file of the page, with the sandbox in place of Xkit and Slack; two users are connected."""
    for user in USERS:
        sandbox.connect("slack", user)
    for name, body in FILES.items():
        (tmp_path / name).write_text(body.replace("https://slack.com", sandbox.slack_url), encoding="utf-8")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def xkit(**options: Any) -> Xkit:
        with monkeypatch.context() as patch:
            patch.setattr(xkit_auth, "Xkit", Xkit)  # which is what the sandbox makes
            return sandbox.xkit(**options)

    monkeypatch.setattr(xkit_auth, "Xkit", xkit)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module
    if "clients" in sys.modules:
        clients = sys.modules["clients"]
        clients.slack.close()
        asyncio.run(clients.async_slack.aclose())
    for name in [*FILES, "sign_in.py"]:
        sys.modules.pop(name.removesuffix(".py"), None)


@pytest.fixture(autouse=True)
def nothing_is_left_set():
    yield
    with pytest.raises(LookupError):
        current_context.get()


def callers(sandbox: Any) -> list[str]:
    """Whose credentials arrived at Slack, in the order of their names; each has to be one that Xkit handed out."""
    users = {f"Bearer {sandbox.credential('slack', user)}": user for user in USERS}
    return sorted(users[arrival.headers["authorization"]] for arrival in sandbox.arrivals("slack"))


def ask(app: Any, *requests: tuple[str, str | None], sandbox: Any = None) -> list[httpx.Response]:
    """Ask an ASGI application for paths as users, all at once; given the sandbox, Xkit answers when all have asked."""

    async def everybody() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            tasks = [
                asyncio.create_task(browser.get(path, headers={"X-User": user} if user else {}))
                for path, user in requests
            ]
            if sandbox is not None:
                with sandbox.hold():
                    await asyncio.to_thread(sandbox.wait_for_calls, len(requests), 30)
            answers = await asyncio.gather(*tasks)
        with pytest.raises(LookupError):
            current_context.get()
        await sys.modules["clients"].async_slack.aclose()  # its connections end with this loop
        return answers

    return asyncio.run(everybody())


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


def test_streams_and_background_tasks_of_fastapi_have_the_user(recipe):
    app, seen = recipe("app_fastapi").app, []

    @app.get("/stream")
    async def stream(later: BackgroundTasks) -> Any:
        async def parts() -> Any:
            yield current_context.get()

        later.add_task(lambda: seen.append(current_context.get()))
        return StreamingResponse(parts(), background=later)

    assert [answer.text for answer in ask(app, ("/stream", "user-1"), ("/stream", "user-2"))] == list(USERS)
    assert sorted(seen) == list(USERS)


def test_a_sync_dependency_of_fastapi_does_not_do(recipe, tmp_path):
    source = (tmp_path / "app_fastapi.py").read_text(encoding="utf-8")
    (tmp_path / "app_fastapi.py").write_text(source.replace("async def turn", "def turn"), encoding="utf-8")
    app, seen = recipe("app_fastapi").app, []
    app.get("/seen")(lambda: seen.append(current_context.get("nobody")))
    for path in ("/sync", "/seen"):
        with pytest.raises(ConfigurationError, match=r"another task or thread|current_context"):
            asyncio.run(get_raising(app, path))
    assert seen == ["nobody"]


async def get_raising(app: Any, path: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as browser:
        await browser.get(path, headers={"X-User": "user-1"})


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


# Django

SIGN_IN = """
from types import SimpleNamespace
from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def sign_in(get_response):
    def put_user_on(request):
        name = request.headers.get("X-User")
        user = SimpleNamespace(pk=name, is_authenticated=bool(name))
        async def auser():
            return user
        request.user, request.auser = user, auser
        return request

    async def amiddleware(request):
        return await get_response(put_user_on(request))

    def middleware(request):
        return get_response(put_user_on(request))

    return amiddleware if iscoroutinefunction(get_response) else middleware
"""  # it does what Django's AuthenticationMiddleware does, without its models and their database


@pytest.fixture
def django(recipe, tmp_path):
    (tmp_path / "sign_in.py").write_text(SIGN_IN, encoding="utf-8")
    if not settings.configured:
        settings.configure(LOGGING_CONFIG=None, SECRET_KEY="secret")
    with override_settings(
        ROOT_URLCONF="views_django",
        MIDDLEWARE=["sign_in.sign_in", "turns_django.WhoseTurn"],
        ALLOWED_HOSTS=["127.0.0.1", "testserver"],
    ):
        clear_url_caches()
        yield recipe
    clear_url_caches()


@pytest.mark.parametrize("paths", [("/async", "/async"), ("/sync", "/sync"), ("/async", "/sync")], ids="-".join)
def test_django_serves_two_users_at_once_under_asgi(django, sandbox, paths):
    answers = ask(ASGIHandler(), *zip(paths, USERS, strict=True), sandbox=sandbox)
    assert [answer.text for answer in answers] == ["Hello, user-1", "Hello, user-2"]
    assert callers(sandbox) == ["user-1", "user-2"]


def test_django_serves_two_users_at_once_under_wsgi(django, sandbox):
    transport = httpx.WSGITransport(WSGIHandler())
    with httpx.Client(transport=transport, base_url="http://127.0.0.1") as browser, ThreadPoolExecutor(2) as pool:
        with sandbox.hold():
            futures = [pool.submit(browser.get, "/sync", headers={"X-User": user}) for user in USERS]
            sandbox.wait_for_calls(2, 30)
        assert [future.result(30).text for future in futures] == ["Hello, user-1", "Hello, user-2"]
        left = [pool.submit(current_context.get, "nobody").result(30) for _ in USERS]
    assert left == ["nobody", "nobody"]
    assert callers(sandbox) == ["user-1", "user-2"]


def test_django_serves_one_user_after_the_other(django, sandbox):
    browser = Client()
    for user in (*USERS, *USERS):
        assert browser.get("/sync", headers={"X-User": user}).content.decode() == f"Hello, {user}"
        assert current_context.get("nobody") == "nobody"
    assert callers(sandbox) == ["user-1", "user-1", "user-2", "user-2"]


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_django_tells_a_user_to_connect(django, sandbox, path):
    sandbox.revoke("slack", "user-2")
    never, revoked = ask(ASGIHandler(), (path, "somebody"), (path, "user-2"))
    assert (never.status_code, revoked.status_code) == (409, 409)
    assert never.json() == {"error": "NotConnected", "reconnect_url": RECONNECT_URL}
    assert revoked.json() == {"error": "ReauthorizationRequired", "reconnect_url": RECONNECT_URL}
    answer = Client().get("/sync", headers={"X-User": "user-2"})
    assert (answer.status_code, answer.json()) == (409, revoked.json())
    assert sandbox.arrivals("slack") == []


def test_django_sends_nothing_for_a_visitor(django, sandbox):
    assert Client(raise_request_exception=False).get("/sync").status_code == 500
    assert sandbox.calls == sandbox.arrivals("slack") == []


def test_a_stream_of_django_is_sent_when_the_middleware_is_through(django):
    def asked_as(user: str) -> str:
        with use_context(user):
            return current_context.get()

    def parts(user: str) -> Any:
        yield current_context.get("nobody")
        yield asked_as(user)
        yield current_context.get("nobody")

    middleware = django("turns_django").WhoseTurn(lambda request: StreamingHttpResponse(parts(request.user.pk)))
    answer = middleware(SimpleNamespace(user=SimpleNamespace(pk="user-1", is_authenticated=True)))
    assert list(answer.streaming_content) == [b"nobody", b"user-1", b"nobody"]


# Celery


@pytest.fixture
def tasks(recipe, monkeypatch):
    # Celery gives each task to all apps to come: not from one test to the next.
    monkeypatch.setattr(_state, "_on_app_finalizers", {*_state._on_app_finalizers})
    module = recipe("tasks_celery")
    module.app.conf.update(
        broker_url="memory://",
        broker_transport_options={"polling_interval": 0.01},
        result_backend="cache+memory://",
        worker_hijack_root_logger=False,
        task_eager_propagates=True,
    )
    yield module
    signals.before_task_publish.disconnect(module.send_along)
    signals.task_prerun.disconnect(module.begin)
    signals.task_postrun.disconnect(module.end)
    module.app.close()


@pytest.fixture
def worker(tasks):
    @tasks.app.task(name="seen")
    def seen(*_: str) -> str:
        return current_context.get("nobody")

    @tasks.app.task(name="starts")
    def starts() -> str:
        return str(seen.delay().id)

    @tasks.app.task(name="retries", bind=True)
    def retries(self: Any) -> str:
        if not self.request.retries:
            raise self.retry(countdown=0)
        return current_context.get("nobody")

    @tasks.app.task(name="fails")
    def fails() -> None:
        raise RuntimeError(current_context.get("nobody"))

    with start_worker(tasks.app, pool="threads", concurrency=2, perform_ping_check=False):
        yield tasks
        tasks.app.control.shutdown()  # a worker that is told stops at once; otherwise it looks every two seconds


def send(task: Any, user: str | None, **options: Any) -> Any:
    if user is None:
        return task.apply_async(**options)
    with use_context(user):
        return task.apply_async(**options)


def result(sent: Any) -> Any:
    return sent.get(timeout=30, interval=0.01)


def test_celery_serves_two_users_at_once(worker, sandbox):
    with sandbox.hold():
        sent = [send(worker.greet, user) for user in USERS]
        sandbox.wait_for_calls(2, 30)
    assert [result(each) for each in sent] == ["Hello, user-1", "Hello, user-2"]
    assert callers(sandbox) == ["user-1", "user-2"]


def test_celery_leaves_nothing_for_the_next_task(worker, sandbox):
    seen = worker.app.tasks["seen"]
    for user in (*USERS, *USERS):
        assert result(send(worker.greet, user)) == f"Hello, {user}"
        assert [result(send(seen, None)) for _ in range(4)] == ["nobody"] * 4
    with pytest.raises(ConfigurationError):
        result(send(worker.greet, None))
    assert callers(sandbox) == ["user-1", "user-1", "user-2", "user-2"]


def test_a_header_names_the_user_of_a_task(worker):
    named = {"headers": {"xkit_context": "user-2"}}
    assert result(send(worker.greet, None, **named)) == "Hello, user-2"
    assert result(send(worker.greet, "user-1", **named)) == "Hello, user-2"


def test_tasks_of_tasks_chains_and_retries_have_the_user(worker):
    seen = worker.app.tasks["seen"]
    inner = worker.app.AsyncResult(result(send(worker.app.tasks["starts"], "user-1")))
    assert result(inner) == "user-1"
    assert result(send(worker.app.tasks["retries"], "user-2")) == "user-2"
    assert result(send(worker.greet.si() | seen.s() | seen.s(), "user-1")) == "user-1"
    assert [result(send(seen, None)) for _ in range(4)] == ["nobody"] * 4


def test_celery_reports_what_the_user_has_to_do(worker, sandbox):
    sandbox.revoke("slack", "user-2")
    for user in ("somebody", "user-2"):
        assert result(send(worker.greet, user)) == f"Please connect Slack: {RECONNECT_URL}"
    assert sandbox.arrivals("slack") == []


def test_a_task_that_fails_leaves_nothing_either(worker):
    with pytest.raises(RuntimeError, match="user-1"):
        result(send(worker.app.tasks["fails"], "user-1"))
    assert [result(send(worker.app.tasks["seen"], None)) for _ in range(4)] == ["nobody"] * 4


def test_eager_tasks_have_the_user_who_is_set_where_they_are_called(tasks, sandbox):
    tasks.app.conf.task_always_eager = True
    for user in USERS:
        with use_context(user):
            assert tasks.greet.delay().get() == f"Hello, {user}"
            assert current_context.get() == user
    with use_context("user-1"):
        assert tasks.greet.apply_async(headers={"xkit_context": "user-2"}).get() == "Hello, user-2"
        assert current_context.get() == "user-1"
    with pytest.raises(ConfigurationError):
        tasks.greet.delay()
    assert callers(sandbox) == ["user-1", "user-2", "user-2"]


def test_a_module_that_is_imported_under_two_names_does_no_harm(tasks, sandbox, tmp_path):
    twin = ModuleType("twin")
    exec((tmp_path / "tasks_celery.py").read_text(encoding="utf-8"), twin.__dict__)
    assert tasks.greet.apply(headers={"xkit_context": "user-2"}).get() == "Hello, user-2"
    assert current_context.get("nobody") == "nobody"
    signals.before_task_publish.disconnect(twin.send_along)
    signals.task_prerun.disconnect(twin.begin)
    signals.task_postrun.disconnect(twin.end)
    twin.app.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="prefork needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_of_prefork_serves_its_own_users(tasks, sandbox):
    children = []
    for user in USERS:
        child = os.fork()
        if not child:
            signal.alarm(60)  # a child that hangs is ended
            greeting = ""
            try:
                greeting = tasks.greet.apply(headers={"xkit_context": user}).get()
            finally:
                os._exit(0 if greeting == f"Hello, {user}" and current_context.get(None) is None else 1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert callers(sandbox) == ["user-1", "user-2"]


# Threads


def test_threads_of_ones_own_are_told(recipe, sandbox):
    seen: list[str] = []

    def work() -> None:
        seen.append(current_context.get("nobody"))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(30)
        with use_context("user-1"):
            pool.submit(work).result(30)
            pool.submit(contextvars.copy_context().run, work).result(30)
            asyncio.run(asyncio.to_thread(work))
    assert seen == ["nobody", "nobody", "user-1", "user-1"]
