"""How calls to Xkit are made, and what is read of their responses."""

from __future__ import annotations

import logging
import socket
import struct
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

import xkit_auth
from helpers.calls_to_xkit import (  # noqa: F401
    KEYS,
    PAIR,
    PATIENCE,
    SAID,
    TOKEN,
    answer,
    body_for,
    clean_environment,
    end,
    everything_in,
    listening,
    request_on,
    user_in,
    xkit_at,
)
from xkit_auth import PlatformError, PlatformUnavailable

pytestmark = pytest.mark.drivers(sync=True)


# What cannot be read is not told

GOOD = body_for("amy", TOKEN)


MALFORMED = {
    "chunked before a plain body": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + GOOD,
    "a broken chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" + SAID + b"\r\n",
    "a chunk too few": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (len(GOOD) + 9) + GOOD,
    "no status line": GOOD,
    "a token for a status line": SAID + b"\r\n\r\n",
    "a token for a status": b"HTTP/1.1 " + SAID + b" OK\r\n\r\n",
    "a token in the version": b"HTTP/" + SAID + b" 200 OK\r\n\r\n",
    "a broken header": b"HTTP/1.1 500 OK\r\n" + SAID + b"\r\n\r\n" + GOOD,
    "the body among the headers": b"HTTP/1.1 500 OK\r\n" + GOOD + b"\r\n\r\n",
    "a header with a NUL": b"HTTP/1.1 500 OK\r\nX: \0" + SAID + b"\r\nContent-Length: 0\r\n\r\n",
    "a token for a length": b"HTTP/1.1 500 OK\r\nContent-Length: " + SAID + b"\r\n\r\n" + GOOD,
    "two lengths": b"HTTP/1.1 500 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n" + GOOD,
    "a token for an encoding": b"HTTP/1.1 500 OK\r\nTransfer-Encoding: " + SAID + b"\r\n\r\n" + GOOD,
    "gzip that is none": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + GOOD,
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + SAID * 8000 + b"\r\n\r\n",
    "too many headers": b"HTTP/1.1 500 OK\r\n" + b"".join(b"X%d: %s\r\n" % (n, SAID) for n in range(200)) + b"\r\n",
    "an end too early": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + GOOD,
    "our header as a header": b"HTTP/1.1 500 OK\r\nAuthorization Basic " + PAIR + b"\r\n\r\n",
    "our header as the body": b'HTTP/1.1 500 OK\r\n\r\n{"error": "no such user: ' + PAIR + b'"}',
    "our key as the body": b'HTTP/1.1 500 OK\r\n\r\n{"error": "no such user: 2UkRv9Jh4wZ_tset_ks"}',
    "a token as the reason": b"HTTP/1.1 500 " + SAID + b"\r\nContent-Length: 0\r\n\r\n",
    "a token as the target": b"HTTP/1.1 302 Found\r\nLocation: https://a.example/" + SAID + b"\r\n\r\n",
    "a token as an error": b'HTTP/1.1 500 OK\r\n\r\n{"error": "no: ' + SAID[::-1] + b'", "pat": "' + SAID + b'"}',
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + GOOD,
    "junk": b"\x16\x03\x01" + SAID,
}


@pytest.mark.parametrize("came", MALFORMED.values(), ids=MALFORMED)
def test_of_an_answer_that_cannot_be_read_nothing_is_told_to_anybody(xkit_at, caplog, came):
    def serve(connection):
        request_on(connection)
        connection.sendall(came)
        end(connection)

    told = []
    caplog.set_level(logging.DEBUG)
    with listening(serve) as port:
        xkit = xkit_at(f"http://127.0.0.1:{port}/api")
        # The account pauses after three users, so the last one gets what is left of somebody else's failure.
        for user in ("amy", "bob", "carol", "dave"):
            with pytest.raises(PlatformError) as caught:
                xkit.get_credential("slack", context=user)
            told.append(everything_in(caught.value))

    for secret in (TOKEN, TOKEN[::-1], PAIR.decode(), KEYS["secret_key"], KEYS["secret_key"][::-1]):
        for start in range(len(secret) - 7):
            assert secret[start : start + 8] not in "".join(told) + caplog.text


@pytest.mark.parametrize("in_between", [b"HTTP/1.1 100 Continue\r\n\r\n", b""])
@pytest.mark.parametrize("kind", ["plain", "chunked", "chunked with a length", "until the end", "HTTP/1.0"])
def test_every_proper_form_of_an_answer_is_read(xkit_at, in_between, kind):
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    form = {
        "plain": answer(GOOD),
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
        # RFC 9112 section 6.3: the length does not count then. It cannot smuggle: nothing follows on this connection.
        "chunked with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
        "until the end": b"HTTP/1.1 200 OK\r\n\r\n" + GOOD,
        "HTTP/1.0": b"HTTP/1.0 200 OK\r\nX: a\r\nX: b\r\n\r\n" + GOOD,
    }[kind]

    def serve(connection):
        request_on(connection)
        connection.sendall(in_between + form)
        end(connection)

    with listening(serve) as port:
        assert xkit_at(f"http://127.0.0.1:{port}").get_credential("slack", context="amy").reveal() == TOKEN


# One answer for one question


def twice(connection, user):
    connection.sendall(answer(body_for(user)) * 2)
    end(connection)


def twice_and_open(connection, user):
    connection.sendall(answer(body_for(user), b"Connection: keep-alive\r\n") * 2)
    while head := request_on(connection):
        connection.sendall(answer(body_for(user_in(head))) * 2)


def again_when_the_next_one_asks(connection, user):
    connection.sendall(answer(body_for(user), b"Connection: keep-alive\r\n"))
    if request_on(connection):
        connection.sendall(answer(body_for(user)) * 2)


def again_as_a_body_of_nobody(connection, user):
    connection.sendall(b"HTTP/1.1 304 Not Modified\r\nConnection: keep-alive\r\n\r\n" + answer(body_for(user)))
    while head := request_on(connection):
        connection.sendall(answer(body_for(user_in(head))))


@pytest.mark.parametrize("how", [twice, twice_and_open, again_when_the_next_one_asks, again_as_a_body_of_nobody])
def test_h9_an_answer_too_many_is_nobodys(xkit_at, how):
    connections = []

    def serve(connection):
        head = request_on(connection)
        connections.append(head)
        how(connection, user_in(head))

    users = [f"user{number}" for number in range(6)]
    with listening(serve) as port:
        xkit = xkit_at(f"http://127.0.0.1:{port}/api")
        for user in users:
            try:
                assert xkit.get_credential("slack", context=user).reveal() == f"token-of-{user}"
            except PlatformError:
                assert how is again_as_a_body_of_nobody
    assert [user_in(head) for head in connections] == users[: len(connections)]
    assert len(connections) >= (3 if how is again_as_a_body_of_nobody else 6)


def test_h9_each_call_asks_for_the_end_of_its_connection_and_for_no_cached_answer(xkit_at):
    heads = []

    def serve(connection):
        heads.append(request_on(connection).lower())
        connection.sendall(answer(GOOD))
        end(connection)

    with listening(serve) as port:
        xkit = xkit_at(f"http://127.0.0.1:{port}/api")
        for user in ("amy", "bob"):
            xkit.get_credential("slack", context=user)
    for head in heads:
        assert head.count(b"\r\nconnection: close\r\n") == 1
        assert b"\r\ncache-control: no-store\r\n" in head
        assert b"\r\naccept-encoding: identity\r\n" in head


def test_a_connection_that_is_reset_costs_one_call(xkit_at):
    calls = []

    def serve(connection):
        calls.append(request_on(connection))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    reset = pytest.raises(PlatformUnavailable, match="ConnectionResetError: Connection reset by peer")
    with listening(serve) as port, reset:
        xkit_at(f"http://127.0.0.1:{port}").get_credential("slack", context="amy")
    assert len(calls) == 1


def test_no_frame_of_ours_holds_the_key_while_a_call_is_out(xkit_at):
    seen = []

    def serve(connection):
        request_on(connection)
        for innermost in sys._current_frames().values():
            for frame, _ in traceback.walk_stack(innermost):
                if Path(frame.f_code.co_filename).is_relative_to(Path(xkit_auth.__file__).parent):
                    seen.append((frame.f_code.co_name, walked(frame.f_locals)))
        connection.sendall(answer(GOOD))
        end(connection)

    with listening(serve) as port:
        xkit_at(f"http://127.0.0.1:{port}").get_credential("slack", context="amy")
    assert "_get" in dict(seen)
    for function, found in seen:
        assert PAIR.decode() not in found, function
        assert KEYS["secret_key"] not in found, function


def walked(value, depth=4):
    """What a tool shows of a value that is not a library's: what is in it, whatever its repr hides."""
    if depth and type(value).__module__.partition(".")[0] in ("builtins", "xkit_auth"):
        if isinstance(value, Mapping):
            return "".join(walked(each, depth - 1) for each in value.values())
        if isinstance(value, (list, tuple, set)):
            return "".join(walked(each, depth - 1) for each in value)
        if hasattr(value, "__dict__"):
            return repr(value) + walked(vars(value), depth - 1)
    return repr(value)


def test_who_holds_loggings_lock_gets_an_answer_at_once(xkit_at):
    """As a handler does that asks for a credential while ``dictConfig`` makes it."""

    def serve(connection):
        connection.sendall(answer(body_for(user_in(request_on(connection)))))
        end(connection)

    with listening(serve) as port:
        xkit = xkit_at(f"http://127.0.0.1:{port}/api")
        xkit.get_credential("acme", context="amy")
        with logging._lock:
            logging.getLogger("xkit_auth.of_a_test").setLevel(logging.INFO)  # what loggers knew of their levels is gone
            start = time.monotonic()
            assert xkit.get_credential("acme", context="bob").reveal() == "token-of-bob"
            assert time.monotonic() - start < PATIENCE
        # The application's own requests are logged as before, by loggers that nobody has changed.
        names = ("httpcore.connection", "httpcore2.connection", "urllib3.connectionpool")
        assert not any("isEnabledFor" in vars(logging.getLogger(name)) for name in names)


def test_no_patch_of_a_client_comes_between(driver, xkit_at, monkeypatch):
    def patched(*_args, **_kwargs):
        raise AssertionError("a call to Xkit went through what an application may have patched")

    if driver.library == "requests":
        monkeypatch.setattr("requests.Session.send", patched)
        monkeypatch.setattr("requests.Session.request", patched)
        monkeypatch.setattr("requests.adapters.HTTPAdapter.send", patched)
    else:
        for name in ("Client.send", "Client._send_single_request", "HTTPTransport.handle_request"):
            monkeypatch.setattr(f"{driver.library}.{name}", patched)

    def serve(connection):
        request_on(connection)
        connection.sendall(answer(GOOD))
        end(connection)

    with listening(serve) as port:
        assert xkit_at(f"http://127.0.0.1:{port}").get_credential("slack", context="amy").reveal() == TOKEN
