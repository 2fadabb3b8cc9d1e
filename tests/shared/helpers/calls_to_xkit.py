"""What the tests of calls to xkit and proxies and certificates share."""

from __future__ import annotations

import base64
import json
import re
import select
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from xkit_auth import Xkit

KEYS = {"publishable_key": "pk_test_1", "secret_key": "sk_test_Zw4hJ9vRkU2"}


PAIR = base64.b64encode(b"pk_test_1:sk_test_Zw4hJ9vRkU2")


TOKEN = "xoxb-Wq8rT5yPz2LmKd7"


PATIENCE = 20


@contextmanager
def listening(serve):
    """A port of this machine: ``serve(connection)`` gets each connection, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection):
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE)
            serve(connection)

    def accept():
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # closing it alone would not wake who accepts
        listener.close()
        accepting.join(PATIENCE)


def request_on(connection):
    """The head of the next request, or nothing if there is none."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        if not more:
            return b""
        head += more
    return head


def end(connection):
    """Send nothing more, and wait until the other side is through."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def user_in(head):
    return re.search(rb"/contexts/([^/]+)/", head)[1].decode()


def body_for(user, token=None):
    inside = {"status": "active", "credential": token or f"token-of-{user}"}
    return json.dumps({"connection": {"enabled": True, "authorization": inside}}).encode()


def answer(body, extra=b""):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), extra) + body


@pytest.fixture
def xkit_at(driver):
    made = []

    def make(base_url, **options):
        xkit = Xkit(**{**KEYS, "base_url": base_url, "timeout": PATIENCE, **options})
        xkit.broker.prefer(f"xkit_auth.{driver.library}")
        made.append(xkit)
        return xkit

    yield make
    for xkit in made:
        xkit.close()


SAID = TOKEN.encode()


def everything_in(error):
    """What can be reached from an error by following causes, contexts and attributes, as text."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def pipe(one, other):
    """Carry bytes both ways until one side has no more."""
    while True:
        for ready in select.select((one, other), (), (), PATIENCE)[0]:
            came = ready.recv(65536)
            if not came:
                return
            (other if ready is one else one).sendall(came)


@contextmanager
def http_proxy(port, login=None, refusal=b"407 Proxy Authentication Required"):
    """A proxy that brings everybody to one port; yields its own port and what it was asked for."""
    asked = []

    def serve(connection):
        head = request_on(connection)
        asked.append(head)
        if login and base64.b64encode(login) not in head:
            connection.sendall(b"HTTP/1.1 " + refusal + b"\r\nContent-Length: 0\r\n\r\n")
            return end(connection)
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            pipe(connection, onward)
        return None

    with listening(serve) as own_port:
        yield own_port, asked
