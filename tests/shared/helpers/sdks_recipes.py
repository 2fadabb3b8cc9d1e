"""What the tests of recipes and recipes of django and celery share."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import _state, signals
from celery.contrib.testing.worker import start_worker

import xkit_auth
from xkit_auth import Xkit, current_context, use_context

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
