"""Calls to Xkit on each HTTP library, against a server that says byte by byte what it wants.

What goes wrong is told without a word of the answer, and one answer belongs to one question.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

import xkit_auth
from xkit_auth import ConfigurationError, PlatformError, PlatformUnavailable, Xkit, XkitAuthError

KEYS = {"publishable_key": "pk_test_1", "secret_key": "sk_test_Zw4hJ9vRkU2"}
PAIR = base64.b64encode(b"pk_test_1:sk_test_Zw4hJ9vRkU2")
TOKEN = "xoxb-Wq8rT5yPz2LmKd7"
PATIENCE = 20

pytestmark = pytest.mark.drivers(sync=True)


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


# What cannot be read is not told

GOOD = body_for("amy", TOKEN)
SAID = TOKEN.encode()
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


def everything_in(error):
    """What can be reached from an error by following causes, contexts and attributes, as text."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


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


# The machine's own configuration


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def bundle(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture
def tls_xkit(authority):
    """An Xkit over TLS that calls itself xkit.example, and the number of connections that it has had."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("xkit.example", "127.0.0.1").configure_cert(tls)
    heads = []

    def serve(connection):
        heads.append(b"")
        with tls.wrap_socket(connection, server_side=True) as reached:
            heads[-1] = request_on(reached)
            reached.sendall(answer(body_for(user_in(heads[-1]))))
            end(reached)

    with listening(serve) as port:
        yield port, heads


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


@contextmanager
def socks_proxy(port):
    """The same for SOCKS 5, with the login ``user:p@ss``."""
    asked = []

    def serve(connection):
        def read(length):
            return connection.recv(length, socket.MSG_WAITALL)

        methods = read(read(2)[1])
        assert b"\x02" in methods
        connection.sendall(b"\x05\x02")
        user = read(read(2)[1])
        password = read(read(1)[0])
        connection.sendall(b"\x01\x00")
        assert read(4)[3] == 3, "the name was looked up on this side"
        asked.append((user, password, read(read(1)[0])))
        read(2)
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            pipe(connection, onward)

    with listening(serve) as own_port:
        yield own_port, asked


@pytest.mark.parametrize("given", ["in code", "in the environment", "in code and without a scheme"])
def test_a_proxy_is_used_with_its_login(xkit_at, tls_xkit, bundle, monkeypatch, given):
    with http_proxy(tls_xkit[0], b"user:p@ss") as (port, asked):
        url = f"user:p%40ss@127.0.0.1:{port}"
        if given == "in the environment":
            monkeypatch.setenv("HTTPS_PROXY", f"http://{url}")
            xkit = xkit_at("https://xkit.example/api", ca_file=bundle)
        else:
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
            url = url if "without" in given else f"http://{url}"
            xkit = xkit_at("https://xkit.example/api", ca_file=bundle, proxy=url)
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    assert asked[0].startswith(b"CONNECT xkit.example:443 ")
    assert b"pk_test" not in asked[0]
    assert PAIR not in asked[0]
    assert b"Basic " + PAIR in tls_xkit[1][0]


def test_a_proxy_over_tls_is_used(xkit_at, tls_xkit, bundle, authority):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)

    def serve(connection):
        with tls.wrap_socket(connection, server_side=True) as reached:
            request_on(reached)
            with socket.create_connection(("127.0.0.1", tls_xkit[0])) as onward:
                reached.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                pipe(reached, onward)

    with listening(serve) as port:
        xkit = xkit_at("https://xkit.example/api", ca_file=bundle, proxy=f"https://127.0.0.1:{port}")
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used_and_looks_up_the_name(xkit_at, tls_xkit, bundle, monkeypatch, scheme):
    with socks_proxy(tls_xkit[0]) as (port, asked):
        monkeypatch.setenv("all_proxy", f"{scheme}://user:p%40ss@127.0.0.1:{port}")
        xkit = xkit_at("https://xkit.example/api", ca_file=bundle)
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    assert asked == [(b"user", b"p@ss", b"xkit.example")]


def expect_configuration_error(xkit, *wanted):
    """Every user gets it, nobody is told to wait, and none of the words that mean somebody else's fault are in it."""
    for user in ("amy", "bob", "carol", "dave"):
        for ask in (xkit.get_credential, xkit.get_connection):
            with pytest.raises(ConfigurationError) as caught:
                ask("slack", context=user)
            text = str(caught.value)
            assert (caught.value.connector, caught.value.context) == ("slack", user)
            assert "Retrying does not help" in text
            assert "report" not in text
            assert "p@ss" not in text + repr(vars(caught.value))
            assert "p%40ss" not in text + repr(vars(caught.value))
            for each in wanted:
                assert each in text


@pytest.mark.parametrize("library", ["socks", "socksio"])
def test_a_socks_proxy_without_its_library_is_the_machines_mistake(driver, xkit_at, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:p%40ss@127.0.0.1:1")
    if (library == "socks") is (driver.library == "requests"):
        expect_configuration_error(
            xkit_at("https://xkit.example/api"), "HTTPS_PROXY", library, f"pip install '{driver.library}[socks]'"
        )


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_adapter_can_be_imported_without_the_library_for_socks(library):
    pytest.importorskip(library)
    program = f"import sys; sys.modules['socksio'] = None; from xkit_auth.{library} import XkitAuth"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("refusal", [b"407 Proxy Authentication Required", b"407 " + SAID])
def test_a_proxy_that_wants_another_login_is_the_machines_mistake(xkit_at, monkeypatch, refusal):
    with http_proxy(0, b"somebody:else", refusal) as (port, asked):
        monkeypatch.setenv("https_proxy", f"http://user:p%40ss@127.0.0.1:{port}")
        expect_configuration_error(xkit_at("https://xkit.example/api"), "407", "https_proxy", f"127.0.0.1:{port}")
    assert len(asked) == 8


@pytest.mark.parametrize("refusal", [b"403 " + SAID, b"502 Bad Gateway", SAID])
def test_a_proxy_that_refuses_is_an_outage_and_is_not_quoted(xkit_at, monkeypatch, refusal):
    with http_proxy(0, b"somebody:else", refusal) as (port, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{port}")
        with pytest.raises(PlatformUnavailable) as caught:
            xkit_at("https://xkit.example/api").get_credential("slack", context="amy")
    assert TOKEN[:8] not in everything_in(caught.value)
    assert f"by way of the proxy http://127.0.0.1:{port} (HTTPS_PROXY)" in caught.value.hint


def test_a_proxy_that_is_not_there_is_an_outage_that_names_it(xkit_at, monkeypatch, closed_port):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{closed_port}")
    with pytest.raises(PlatformUnavailable, match="ConnectionRefusedError") as caught:
        xkit_at("https://xkit.example/api").get_credential("slack", context="amy")
    assert f"by way of the proxy http://127.0.0.1:{closed_port} (HTTPS_PROXY)" in caught.value.hint
    assert "p@ss" not in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_there_are_the_machines_mistake_and_nothing_is_paused(
    xkit_at, tls_xkit, bundle, monkeypatch, variable
):
    monkeypatch.setenv(variable, str(bundle.parent / "nothing"))
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}")
    expect_configuration_error(xkit, variable, "not there")
    assert tls_xkit[1] == []

    bundle.rename(bundle.parent / "nothing")  # and once it is there, all is well
    if variable != "SSL_CERT_DIR":
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"


def test_a_certificate_that_nobody_trusts_is_the_machines_mistake(xkit_at, tls_xkit):
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}")
    expect_configuration_error(xkit, "CERTIFICATE_VERIFY_FAILED", "Xkit(ca_file=…)", "this machine's own store")
    assert len(tls_xkit[1]) == 8
    assert not any(tls_xkit[1])


def test_a_certificate_for_another_host_is_not_trusted_either(xkit_at, tls_xkit, bundle):
    with http_proxy(tls_xkit[0]) as (port, _):
        xkit = xkit_at("https://other.example", ca_file=bundle, proxy=f"127.0.0.1:{port}")
        expect_configuration_error(xkit, "CERTIFICATE_VERIFY_FAILED", "other.example", "Xkit(proxy=…)")


def test_what_is_held_is_served_while_the_machine_cannot_ask(xkit_at, tls_xkit, bundle, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}", max_age=0)
    assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    xkit.broker._transport = None
    bundle.unlink()
    assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        xkit.get_credential("slack", context="bob")


def test_the_same_variable_counts_on_every_library(xkit_at, tls_xkit, bundle, authority, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    variables = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
    for position, variable in enumerate(variables):
        for later in variables[position:]:
            monkeypatch.setenv(later, str(other))
        monkeypatch.setenv(variable, str(bundle))
        xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}")
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
        monkeypatch.setenv(variable, str(other))
        with pytest.raises(ConfigurationError, match=variable):
            xkit_at(f"https://127.0.0.1:{tls_xkit[0]}").get_credential("slack", context="amy")
        monkeypatch.setenv(variable, "")


def test_nothing_else_of_the_environment_is_looked_at(xkit_at, tls_xkit, bundle, monkeypatch, netrc):
    netrc("127.0.0.1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # which is not for this machine itself
    monkeypatch.setenv("NO_PROXY", "::1/128,[::1],10.0.0.0/8")
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}", ca_file=bundle)
    assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    assert b"Basic " + PAIR in tls_xkit[1][0]


def test_every_error_of_this_page_names_who_it_was_for(xkit_at):
    with pytest.raises(XkitAuthError) as caught:
        xkit_at("http://127.0.0.1:1").get_credential("slack", context="amy")
    assert (caught.value.connector, caught.value.context) == ("slack", "amy")
