"""The recipe of docs/how-to/flask.md works: every user gets their own credential, and nobody's is left behind."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("flask")

import xkit_auth
from xkit_auth import ConfigurationError, Xkit, current_context

PAGE = (Path(__file__).parent.parent.parent / "docs" / "how-to" / "flask.md").read_text(encoding="utf-8")
PROGRAM = re.search(r"^```\{code-block\} python\n:caption: app_flask\.py\n\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def app(sandbox, tmp_path, monkeypatch):
    """The application of the page, with the sandbox in place of Xkit and Slack; two users are connected."""
    assert PROGRAM is not None
    for user in ("user-1", "user-2"):
        sandbox.connect("slack", user)
    body = PROGRAM[1].replace("https://slack.com", sandbox.slack_url)
    (tmp_path / "app_flask.py").write_text(body, encoding="utf-8")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def xkit(**options):
        with monkeypatch.context() as patch:
            patch.setattr(xkit_auth, "Xkit", Xkit)  # which is what the sandbox makes
            return sandbox.xkit(**options)

    monkeypatch.setattr(xkit_auth, "Xkit", xkit)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("app_flask").app
    sys.modules.pop("app_flask", None)


@pytest.fixture(autouse=True)
def nothing_is_left_set():
    yield
    assert current_context.get(None) is None


def ask(app, user, path="/greeting"):
    return app.test_client().get(path, headers={"X-User": user} if user else {})


def test_flask_serves_two_users_at_once(app):
    both = threading.Barrier(2)

    @app.before_request
    def wait_for_each_other():
        both.wait(30)

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask, app, user) for user in ("user-1", "user-2")]
        assert [answer.result().text for answer in answers] == ["Hello, user-1", "Hello, user-2"]


def test_flask_serves_one_user_after_the_other_in_one_thread(app):
    for user in ("user-1", "user-2", "user-1"):
        assert ask(app, user).text == f"Hello, {user}"
        assert current_context.get(None) is None


def test_flask_tells_a_user_to_connect(app):
    answer = ask(app, "somebody")
    assert answer.status_code == 409
    assert answer.json == {"error": "NotConnected", "reconnect_url": "https://app.example.com/connect/slack"}


def test_flask_sends_nothing_for_a_visitor(app, sandbox):
    app.testing = True
    with pytest.raises(ConfigurationError, match="no use_context block is open"):
        ask(app, None)
    assert sandbox.arrivals("slack") == []


def test_a_view_that_fails_leaves_nobody_behind(app):
    @app.get("/broken")
    def broken():
        raise ZeroDivisionError

    assert ask(app, "user-1", "/broken").status_code == 500
    assert current_context.get(None) is None


def test_a_stream_of_flask_calls_as_the_user_of_its_view(app):
    import app_flask  # of the page
    import requests

    @app.get("/stream")
    def stream():
        auth = app_flask.XkitAuth("slack", context=current_context(), xkit=app_flask.xkit)

        def words():
            for word in ("Hello", "Goodbye"):
                user = requests.get(f"{app_flask.SLACK}/auth.test", auth=auth, timeout=10).json()["user"]
                yield f"{word}, {user}\n"

        return words()

    assert ask(app, "user-2", "/stream").text == "Hello, user-2\nGoodbye, user-2\n"
