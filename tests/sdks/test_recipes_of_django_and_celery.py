"""The recipes for Django and Celery, and threads."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from celery import signals
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import StreamingHttpResponse
from django.test import Client, override_settings
from django.urls import clear_url_caches

from helpers.sdks_recipes import (  # noqa: F401
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


HOOKS = """
from django.utils.deprecation import MiddlewareMixin
from xkit_auth import use_context


class Hooks(MiddlewareMixin):
    def process_request(self, request):
        request.turn = use_context(request.user.pk)
        request.turn.__enter__()

    def process_response(self, request, response):
        request.turn.__exit__()
        return response
"""


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


def test_streams_of_django_in_turns_are_each_for_their_own_user(django, sandbox):
    answers = [Client().get("/stream", headers={"X-User": user}) for user in USERS]
    parts = [b"".join(parts).decode() for parts in zip(*(answer.streaming_content for answer in answers), strict=True)]
    assert parts == ["Hello, user-1\nHello, user-2\n", "Goodbye, user-1\nGoodbye, user-2\n"]
    assert callers(sandbox) == ["user-1", "user-1", "user-2", "user-2"]
    assert current_context.get("nobody") == "nobody"


def test_hooks_of_a_sync_middleware_of_django_may_enter_and_leave_a_block_under_asgi(django, sandbox, tmp_path):
    # Each runs in a copy of the context, and asgiref carries back what they set.
    (tmp_path / "sign_in.py").write_text(SIGN_IN + HOOKS, encoding="utf-8")
    with override_settings(MIDDLEWARE=["sign_in.sign_in", "sign_in.Hooks"]):
        answers = ask(ASGIHandler(), *zip(("/async", "/sync"), USERS, strict=True), sandbox=sandbox)
    assert [answer.text for answer in answers] == ["Hello, user-1", "Hello, user-2"]
    assert callers(sandbox) == ["user-1", "user-2"]


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


def test_celery_s_solo_pool_serves_one_user_after_the_other(tasks, sandbox):
    # It runs tasks within a generator, kombu's loop, and that function of ours that begins a task enters the block.
    assert [result_of_a_step(tasks, user) for user in (*USERS, *USERS)] == [
        f"Hello, {user}" for user in (*USERS, *USERS)
    ]
    assert current_context.get("nobody") == "nobody"
    assert callers(sandbox) == ["user-1", "user-1", "user-2", "user-2"]


def result_of_a_step(tasks: Any, user: str) -> Any:
    def loop() -> Any:
        yield tasks.greet.apply(headers={"xkit_context": user}).get()

    return next(loop())


# Threads


def test_threads_of_ones_own_are_told(recipe, sandbox):
    seen: list[str] = []

    def work() -> None:
        seen.append(current_context.get("nobody"))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(30)
        with use_context("user-1"):
            pool.submit(work).result(30)
            handed_over = contextvars.copy_context()
            pool.submit(handed_over.run, work).result(30)
            asyncio.run(asyncio.to_thread(work))
        with pytest.raises(ConfigurationError, match="has ended"):
            pool.submit(handed_over.run, work).result(30)
    assert seen == ["nobody", "nobody", "user-1", "user-1"]
