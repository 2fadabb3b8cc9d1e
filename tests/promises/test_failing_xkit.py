"""Faults of Xkit, each on every client: the right error in time, and nothing that is still good is given up."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from email.utils import formatdate

import anyio
import pytest
import trustme

from xkit_auth import ConfigurationError, PlatformProtocolError, PlatformRateLimited, PlatformUnavailable, Xkit

GOOD = json.dumps({"connection": {"enabled": True, "authorization": {"status": "active", "credential": "t" * 20}}})


@contextmanager
def server(answer, tls=None):
    """A server of one kind of answer on a port of its own: ``answer`` gets each connection after its request."""
    listener = socket.create_server(("127.0.0.1", 0))
    closing = threading.Event()

    def serve():
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(20)
                with tls.wrap_socket(connection, server_side=True) if tls else connection as reached:
                    reached.recv(65536)
                    answer(reached, closing)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    finally:
        closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def head(body, extra=b"", length=None):
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n" % (extra, size)


def good(connection, _closing):
    connection.sendall(head(GOOD.encode()) + GOOD.encode())


def end_in_the_middle(connection, _closing):
    connection.sendall(head(GOOD.encode()) + GOOD.encode()[:30])


def reset_in_the_middle(connection, closing):
    end_in_the_middle(connection, closing)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def trickle(connection, closing):
    connection.sendall(head(GOOD.encode()))
    for byte in GOOD.encode():
        connection.sendall(bytes([byte]))
        if closing.wait(0.05):
            return


def trickle_of_headers(connection, closing):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        connection.sendall(b"X: 1\r\n")
        if closing.wait(0.05):
            return


def endless(connection, closing):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not closing.is_set():
        connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def no_http(connection, _closing):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.mark.parametrize("answer", [end_in_the_middle, reset_in_the_middle, trickle, endless, no_http])
def test_an_answer_that_does_not_come_whole_is_unavailable(driver, sandbox, answer):
    url = sandbox.provider_url("acme")
    with (
        server(answer) as base_url,
        Xkit(publishable_key="pk", secret_key="sk", base_url=base_url, timeout=0.3) as xkit,
    ):
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[url.removeprefix("http://")])
        with pytest.raises(PlatformUnavailable, match="could not be asked") as caught:
            driver.send("GET", url, auth=auth)
    assert caught.value.retryable
    assert sandbox.arrivals("acme") == []


def test_f11_nobody_waits_longer_than_the_timeout_whatever_xkit_does(driver):
    with (
        server(trickle_of_headers) as base_url,
        Xkit(publishable_key="pk", secret_key="sk", base_url=base_url, timeout=0.2) as xkit,
    ):
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"])
        with pytest.raises(PlatformUnavailable, match=r"no answer (in time|within)"):
            driver.send("GET", "https://api.acme.example/", auth=auth)


def test_a_refused_connection_and_an_unknown_host_are_unavailable(driver, closed_port):
    for base_url in (f"http://127.0.0.1:{closed_port}", "https://xkit.invalid/api", f"https://127.0.0.1:{closed_port}"):
        with Xkit(publishable_key="pk", secret_key="sk", base_url=base_url, timeout=30) as xkit:
            auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"])
            with pytest.raises(PlatformUnavailable, match="could not be asked") as caught:
                driver.send("GET", "https://api.acme.example/", auth=auth)
        # What went wrong and where, in the words of the system and without the libraries' wrapping.
        assert ("ConnectionRefusedError" if str(closed_port) in base_url else "gaierror") in str(caught.value)
        assert base_url in caught.value.hint


def test_a_server_without_tls_is_unavailable(driver):
    with server(no_http) as base_url:
        secure = base_url.replace("http:", "https:")
        with Xkit(publishable_key="pk", secret_key="sk", base_url=secure, timeout=30) as xkit:
            auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"])
            with pytest.raises(PlatformUnavailable, match="SSL"):
                driver.send("GET", "https://api.acme.example/", auth=auth)


@pytest.mark.parametrize("is_trusted", [False, True])
def test_a_certificate_must_be_one_that_the_environment_trusts(driver, sandbox, tmp_path, monkeypatch, is_trusted):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1", credential="t" * 20)
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    if is_trusted:
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(variable, str(tmp_path / "authority.pem"))
    with server(good, tls) as base_url:
        secure = base_url.replace("http:", "https:")
        with Xkit(publishable_key="pk", secret_key="sk", base_url=secure, timeout=30) as xkit:
            auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[url.removeprefix("http://")])
            if is_trusted:
                assert driver.send("GET", url, auth=auth).status == 200
            else:
                with pytest.raises(ConfigurationError, match="CERTIFICATE_VERIFY_FAILED"):
                    driver.send("GET", url, auth=auth)


def test_a_bomb_is_not_unpacked(driver, sandbox, xkit):
    url = sandbox.provider_url("acme")
    bomb = gzip.compress(b'{"connection": "' + b"x" * 3_000_000)
    sandbox.answer_with(bomb, headers={"content-encoding": "gzip"})
    with pytest.raises(PlatformProtocolError, match="too long"):
        driver.send("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit))


def test_a_compressed_answer_that_nobody_asked_for_is_read_all_the_same(driver, sandbox, xkit):
    url = sandbox.provider_url("acme")
    token = sandbox.connect("acme", "user-1")
    sandbox.answer_with(gzip.compress(GOOD.replace("t" * 20, token).encode()), headers={"content-encoding": "gzip"})
    assert driver.send("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit)).status == 200


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_f4_xkits_wish_for_a_pause_is_obeyed_for_the_whole_account(driver, sandbox, xkit, form):
    url = sandbox.provider_url("acme")
    for user in ("ann", "bob"):
        sandbox.connect("acme", user)
    later = 40 if form == "seconds" else formatdate(time.time() + 40, usegmt=True)
    sandbox.down("429", retry_after=later)
    with pytest.raises(PlatformRateLimited) as caught:
        driver.send("GET", url, auth=driver.auth("acme", context="ann", xkit=xkit))
    assert 30 < caught.value.retry_after <= 40
    sandbox.up()
    with pytest.raises(PlatformRateLimited) as caught:
        driver.send("GET", url, auth=driver.auth("acme", context="bob", xkit=xkit))
    assert 30 < caught.value.retry_after <= 40
    assert caught.value.context == "bob"
    assert sandbox.call_count() == 1


def test_f4_a_failure_with_retry_after_pauses_its_user_for_that_long_and_nobody_else(driver, sandbox, xkit):
    url = sandbox.provider_url("acme")
    for user in ("ann", "bob"):
        sandbox.connect("acme", user)
    sandbox.down("503", retry_after=40)
    for _ in range(2):
        with pytest.raises(PlatformUnavailable) as caught:
            driver.send("GET", url, auth=driver.auth("acme", context="ann", xkit=xkit))
        assert 10 < caught.value.retry_after <= 40
    sandbox.up()
    assert driver.send("GET", url, auth=driver.auth("acme", context="bob", xkit=xkit)).status == 200
    assert sandbox.call_count() == 2


@pytest.mark.parametrize("how", ["500", "502", "503", "429", "garbage", "reset"])
def test_f5_what_is_still_good_is_served_through_every_kind_of_outage(driver, sandbox, how):
    xkit = sandbox.xkit(max_age=0)
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    driver.send("GET", url, auth=auth)
    sandbox.down(how)
    for _ in range(3):
        assert driver.send("GET", url, auth=auth).status == 200
    assert sandbox.call_count() == 2


def test_f8_what_xkit_says_is_revoked_is_not_served_any_more(driver, sandbox):
    from xkit_auth import ReauthorizationRequired

    xkit = sandbox.xkit(max_age=0)
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    driver.send("GET", url, auth=auth)
    sandbox.revoke("acme", "user-1")
    for _ in range(2):
        with pytest.raises(ReauthorizationRequired):
            driver.send("GET", url, auth=auth)
    assert sandbox.call_count() == 2
    assert len(sandbox.arrivals("acme")) == 1


@pytest.mark.parametrize("how", ["500", "hang", "reset"])
def test_a_thousand_users_do_not_storm_an_xkit_that_is_down(sandbox, how):
    xkit = sandbox.xkit(timeout=1)
    sandbox.down(how)
    failures = []

    def ask(user):
        try:
            xkit.get_credential("acme", context=f"user-{user}")
        except PlatformUnavailable as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(user,)) for user in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 1000
    assert len(set(map(id, failures))) == 1000
    assert sandbox.call_count() <= 20


@pytest.mark.drivers(tasks=True)
def test_a_thousand_tasks_do_not_storm_an_xkit_that_is_down_either(driver, sandbox):
    xkit, url = sandbox.xkit(), sandbox.provider_url("acme")
    sandbox.down("500")
    failures = []

    async def ask(client, user):
        try:
            await client.get(url, auth=driver.auth("acme", context=f"user-{user}", xkit=xkit))
        except PlatformUnavailable as error:
            failures.append(error)

    async def all_of_them():
        async with (
            driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False) as client,
            anyio.create_task_group() as group,
        ):
            for user in range(1000):
                group.start_soon(ask, client, user)

    anyio.run(all_of_them, backend=driver.loop)
    assert len(failures) == 1000
    assert sandbox.call_count() <= 20


def test_e5_one_users_hang_holds_up_nobody_else(driver, sandbox, xkit):
    url = sandbox.provider_url("acme")
    for user in ("ann", "bob"):
        sandbox.connect("acme", user)
    sandbox.down("hang", times=1)
    slow = threading.Thread(target=lambda: xkit.get_credential("acme", context="ann"))
    slow.start()
    sandbox.wait_for_calls(1)
    assert driver.send("GET", url, auth=driver.auth("acme", context="bob", xkit=xkit)).status == 200
    assert [(call.context, call.status) for call in sandbox.calls] == [("ann", None), ("bob", 200)]
    sandbox.up()
    slow.join()
    assert sandbox.calls[0].status == 200


NOT_XKIT = {
    "a page": "<html>Not Found</html>",
    "a proxy": '{"message": "no Route matched with those values"}',
    "a base URL that was cut short": None,
}


@pytest.mark.parametrize("who", NOT_XKIT)
def test_a_404_that_is_not_xkits_own_asks_no_user_to_connect(driver, sandbox, who):
    url, base_url, body = sandbox.provider_url("acme"), sandbox.base_url, NOT_XKIT[who]
    if body is None:
        base_url = base_url.removesuffix("/api/platform")
    else:
        sandbox.answer_with(body, status=404)
    keys = {"publishable_key": sandbox.publishable_key, "secret_key": sandbox.secret_key}
    with Xkit(**keys, base_url=base_url, timeout=30) as xkit:
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[url.removeprefix("http://")])
        with pytest.raises(PlatformProtocolError, match="404") as caught:
            driver.send("GET", url, auth=auth)
    assert f"{base_url}," in caught.value.hint
    assert sandbox.arrivals("acme") == []
