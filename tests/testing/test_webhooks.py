"""The sandbox sends webhooks as Xkit does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from xkit_auth.testing import Sandbox


class Application:
    """A server that keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                application.got.append((self.path, dict(self.headers), body))
                self.send_response(application.status)
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    thread = threading.Thread(target=application.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield application
    application.server.shutdown()
    thread.join()
    application.server.server_close()


def test_a_webhook_arrives_as_xkit_sends_it(sandbox: Sandbox, application: Application, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    sandbox.connect("slack", "user-42")
    url = f"{application.url}/hooks/8f2c?from=xkit"
    assert sandbox.send_webhook(url, "slack", "user-42", event_type="connection.errored") == 204
    ((path, headers, body),) = application.got
    assert path == "/hooks/8f2c?from=xkit"
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert json.loads(body) == {
        "event_type": "connection.errored",
        "payload": {
            "connector": {"slug": "slack"},
            "context": {"external_id": "user-42"},
            "connection": {"external_id": "connection-1"},
        },
    }
    event = sandbox.xkit().handle_webhook(body)
    assert (event.event_type, event.connector, event.context) == ("connection.errored", "slack", "user-42")
    assert event.connection_id == "connection-1"


def test_the_answer_of_the_application_is_told(sandbox: Sandbox, application: Application) -> None:
    application.status = 400
    assert sandbox.send_webhook(application.url, "slack", "nobody") == 400
    assert application.got[0][0] == "/"


def test_a_body_can_be_had_without_sending_it(sandbox: Sandbox) -> None:
    event = sandbox.xkit().handle_webhook(sandbox.webhook_body("slack", "nobody"))
    assert (event.event_type, event.connection_id) == ("connection.enabled", None)


@pytest.mark.parametrize("url", ["127.0.0.1:8000/hooks", "ftp://127.0.0.1/", "http:///hooks", ""])
def test_what_is_no_url_is_refused(sandbox: Sandbox, url: str) -> None:
    with pytest.raises(ValueError, match="no URL that a webhook can be sent to"):
        sandbox.send_webhook(url, "slack", "user-42")


def test_an_application_that_is_not_there_is_an_error(sandbox: Sandbox, application: Application) -> None:
    with pytest.raises(OSError, match=r".+"):
        sandbox.send_webhook(f"{application.url.rpartition(':')[0]}:1", "slack", "user-42")
    with pytest.raises(OSError, match=r".+"):
        sandbox.send_webhook(f"https://127.0.0.1:{application.server.server_port}", "slack", "user-42")
