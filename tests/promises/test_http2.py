"""Hard cases D6 and D7: a refused answer that shares its connection with others, or one that would have taken it over.

The numbers in the names are those of the project's list of hard cases. Xkit is the sandbox; the providers are servers
of these tests, which note all that reaches them.
"""

from __future__ import annotations

import asyncio
import socket
import socketserver
import ssl
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs, quote

import pytest
from h2.connection import H2Connection

from xkit_auth import Connector, HostNotAllowed, hookimpl

PATIENCE = 20
STREAMS = 50
HEADERS = {"authorization": None, "x-api-key": {"X-Api-Key": "{token}"}}
LONG = b"no " * 100_000


@dataclass
class Arrival:
    """One request that reached a provider, and the port from which its connection came."""

    version: str
    path: str
    headers: dict[str, str]
    connection: int


class Provider:
    """An app that turns down one credential, and says nothing before ``crowd`` requests have come."""

    def __init__(self):
        self.arrivals = []
        self.refused = None
        self.crowd = 0
        self._everybody_is_here = asyncio.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.arrivals.append(Arrival(scope["http_version"], scope["path"], headers, scope["client"][1]))
        status, more, body = 200, [], b"yes"
        if scope["path"] == "/open":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body, "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if len(self.arrivals) >= self.crowd:
            self._everybody_is_here.set()
        await self._everybody_is_here.wait()
        if self.refused in str(headers):
            status, body = 401, LONG if scope["path"] == "/long" else b"no"
        elif scope["path"] == "/redirect":
            status, more = 302, [(b"location", parse_qs(scope["query_string"])[b"to"][0])]
        more.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": more})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate for 127.0.0.1 and its key, and what a client needs to trust it."""
    import trustme

    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    return str(path), trust


@pytest.fixture
def serve(certificate):
    """``serve()`` starts a provider that speaks HTTP/2, on an event loop in a thread of its own.

    Without TLS it expects of a client to know that beforehand.
    """
    from anyio.from_thread import start_blocking_portal
    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config

    def start(*, tls=True, streams=100):
        listener = socket.create_server(("127.0.0.1", 0), backlog=STREAMS)
        provider = Provider()
        provider.host = f"127.0.0.1:{listener.getsockname()[1]}"
        provider.url = f"{'https' if tls else 'http'}://{provider.host}"
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.certfile = config.keyfile = certificate[0] if tls else None
        config.errorlog = None
        config.h2_max_concurrent_streams = streams
        portal = stack.enter_context(start_blocking_portal("asyncio"))
        closing = asyncio.Event()
        serving = portal.start_task_soon(partial(hypercorn, provider, config, shutdown_trigger=closing.wait))
        stack.callback(serving.result, PATIENCE)
        stack.callback(portal.call, closing.set)
        return provider

    with ExitStack() as stack:
        yield start


class Refusals(threading.Semaphore):
    """A listener that lets one more pass for each credential that was turned down."""

    @hookimpl
    def xkit_auth_event(self, event):
        if event.kind == "rejected":
            self.release()


@pytest.fixture(params=HEADERS)
def header(request):
    """Where the credential is."""
    return request.param


@pytest.fixture
def tls():
    """Whether the provider is reached over TLS; a test may say otherwise."""
    return True


@pytest.fixture
def streams():
    """How many streams the provider allows at once on a connection; a test may say otherwise."""
    return 100


@pytest.fixture
def acme(header, tls, streams, sandbox, driver, serve, certificate):
    """A user whose credential is held, has expired, and is refused by a provider with HTTP/2."""
    sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], header=HEADERS[header]))
    provider = serve(tls=tls, streams=streams)
    provider.header = header
    provider.refusals = Refusals(0)
    xkit = sandbox.xkit(timeout=PATIENCE, plugins=[provider.refusals])
    provider.refused = provider.old = sandbox.connect("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[provider.host])
    provider.client = partial(driver.session, auth=auth, http1=tls, http2=True, verify=certificate[1])
    return provider


def came(provider):
    """Path and credential of each request that reached a provider, without what is put around a credential."""
    return [(each.path, each.headers[provider.header].removeprefix("Bearer ")) for each in provider.arrivals]


@pytest.fixture
def turns(monkeypatch):
    """Lets a thread go on until it waits for something, and until its stream is open.

    Both libraries number a connection's streams in two steps and without a lock: threads that come between them break
    the connection, with or without us.
    """
    opening, mine = threading.Lock(), threading.local()
    number, send = H2Connection.get_next_available_stream_id, H2Connection.send_headers

    def numbered(connection):
        mine.holds = opening.acquire(timeout=PATIENCE)
        return number(connection)

    def sent(connection, *args, **kwargs):
        try:
            return send(connection, *args, **kwargs)
        finally:
            if getattr(mine, "holds", False):  # not in the provider, which opens no streams
                mine.holds = False
                opening.release()

    monkeypatch.setattr(H2Connection, "get_next_available_stream_id", numbered)
    monkeypatch.setattr(H2Connection, "send_headers", sent)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


# A TLS connection of Python 3.11 breaks now and then if one thread reads from it while another writes, as they do here:
# bad records, or an end that nobody sent, with or without us. This is about streams, so it goes without TLS.
@pytest.mark.parametrize("tls", [False], ids=["without TLS"])
@pytest.mark.drivers(httpx=True)
def test_d6_streams_that_are_refused_together_ask_once_and_are_each_sent_again_once(sandbox, driver, acme, turns):
    one = driver.lib.Limits(max_connections=1)
    with acme.client(limits=one) as send, ThreadPoolExecutor(STREAMS) as pool:
        # Both libraries take a connection for idle, and may close it, if the last open stream ends just when a thread
        # is about to open the next one. So one stream stays open all the time.
        assert send("GET", f"{acme.url}/open", stream=True).status_code == 200
        acme.crowd = STREAMS + 1
        with sandbox.hold():
            requests = [pool.submit(send, "GET", f"{acme.url}/{number}") for number in range(STREAMS)]
            all_are_refused = all(acme.refusals.acquire(timeout=PATIENCE) for _ in requests)
        replies = [request.result() for request in requests]  # if a client failed by itself, its error says so
        assert all_are_refused
        assert send("GET", f"{acme.url}/later").status_code == 200
    assert [reply.status_code for reply in replies] == [200] * STREAMS
    assert {reply.http_version for reply in replies} == {"HTTP/2"}
    assert sandbox.call_count() == 1
    new = sandbox.credential("acme", "user-1")
    once_each = [(f"/{number}", token) for token in (acme.old, new) for number in range(STREAMS)]
    assert Counter(came(acme)) == Counter([("/open", acme.old), *once_each, ("/later", new)])
    assert len({arrival.connection for arrival in acme.arrivals}) == 1


@pytest.mark.parametrize("tls", [False], ids=["without TLS"])
@pytest.mark.parametrize("streams", [1], ids=["one stream"])
@pytest.mark.parametrize("header", ["x-api-key"])
@pytest.mark.drivers(httpx=True)
def test_d6_a_refused_stream_is_over_before_xkit_is_asked_so_that_it_holds_up_nobody_else(sandbox, driver, acme):
    with acme.client(limits=driver.lib.Limits(max_connections=1)) as send, ThreadPoolExecutor(1) as pool:
        with sandbox.hold():
            refused = pool.submit(send, "GET", f"{acme.url}/refused")
            assert acme.refusals.acquire(timeout=PATIENCE)
            other = send("GET", f"{acme.url}/other", auth=None)
            assert (other.status_code, refused.done()) == (200, False)
        reply = refused.result(PATIENCE)
    assert (reply.status_code, [(each.status_code, each.content) for each in reply.history]) == (200, [(401, b"no")])
    assert len({arrival.connection for arrival in acme.arrivals}) == 1


@pytest.mark.parametrize(("path", "body"), [("/refused", b"no"), ("/long", LONG)], ids=["short", "long"])
@pytest.mark.parametrize("header", ["x-api-key"])
@pytest.mark.drivers(httpx=True)
def test_d6_a_refusal_that_is_the_callers_in_the_end_is_whole(sandbox, driver, acme, path, body):
    sandbox.expire("acme", "user-1", renews=False)
    with acme.client() as send:
        reply = send("GET", f"{acme.url}{path}")
    assert (reply.status_code, reply.content, reply.http_version) == (401, body, "HTTP/2")
    assert sandbox.call_count() == 1
    assert len(acme.arrivals) == 1


# On trio a stream of httpx that is closed early says so; it is closed all the same.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("header", ["x-api-key"])
def test_d6_a_long_refusal_is_cut_and_costs_no_more_than_its_stream(sandbox, driver, acme):
    with acme.client() as send:
        reply = send("GET", f"{acme.url}/long")
        assert send("GET", f"{acme.url}/later").status_code == 200
    assert (reply.status_code, reply.http_version) == (200, "HTTP/2")
    assert 0 < len(reply.history[0].content) < len(LONG)
    new = sandbox.credential("acme", "user-1")
    assert came(acme) == [("/long", acme.old), ("/long", new), ("/later", new)]
    assert len({arrival.connection for arrival in acme.arrivals}) == 1


@pytest.mark.drivers(httpx=True)
def test_d6_no_redirect_carries_the_credential_to_another_origin_over_http_2(sandbox, driver, acme, serve):
    elsewhere = serve()
    elsewhere.refused = "nobody"
    path = f"/redirect?to={quote(elsewhere.url, safe='')}"
    with acme.client(follow_redirects=True) as send:
        reply = send("GET", f"{acme.url}{path}")
    new = sandbox.credential("acme", "user-1")
    assert came(acme) == [("/redirect", acme.old), ("/redirect", new)]
    assert (reply.status_code, str(reply.url).rstrip("/")) == (200, elsewhere.url)
    (arrival,) = elsewhere.arrivals
    assert not {acme.header, "authorization"} & {*arrival.headers}
    assert not any(token in f"{arrival} {reply.request.headers.raw}" for token in (acme.old, new))
    assert {arrival.version for arrival in acme.arrivals + elsewhere.arrivals} == {"2"}


@pytest.mark.drivers(httpx=True)
def test_d7_wss_is_https_and_the_credential_goes_there_and_is_healed_there(sandbox, driver, acme):
    with acme.client() as send:
        reply = send("GET", acme.url.replace("https:", "wss:") + "/socket")
        assert (reply.status_code, [each.status_code for each in reply.history]) == (200, [401])
    assert came(acme) == [("/socket", acme.old), ("/socket", sandbox.credential("acme", "user-1"))]
    assert sandbox.call_count() == 1


@pytest.mark.drivers(httpx=True)
def test_d7_no_redirect_carries_the_credential_from_a_web_socket_to_another_origin(sandbox, driver, acme, serve):
    elsewhere = serve()
    elsewhere.refused = "nobody"
    to = elsewhere.url.replace("https:", "wss:")
    with acme.client(follow_redirects=True) as send:
        send("GET", f"{acme.url.replace('https:', 'wss:')}/redirect?to={quote(to, safe='')}")
    (arrival,) = elsewhere.arrivals
    assert not {acme.header, "authorization"} & {*arrival.headers}


@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("url", ["ws://api.acme.example/socket", "wss://elsewhere.example/socket"])
def test_d7_a_web_socket_in_clear_or_to_another_host_is_not_opened(sandbox, driver, xkit, url):
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example", "api.acme.example:80"])
    with driver.session(auth=auth) as send, pytest.raises(HostNotAllowed):
        send("GET", url)
    assert sandbox.call_count() == 0


class Switchboard(socketserver.StreamRequestHandler):
    """Refuses one credential; hands the connection over to whoever comes with another, and echoes what comes then."""

    def handle(self):
        head = ""
        for line in self.rfile:
            head += line.decode()
            if line != b"\r\n":
                continue
            self.server.heads.append(head)
            if self.server.refused not in head:
                self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
                self.wfile.write(self.rfile.read(5))
                return
            self.wfile.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno")
            head = ""


@pytest.fixture
def switchboard():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Switchboard) as server:
        server.daemon_threads = True
        server.heads = []
        server.host = "{}:{}".format(*server.server_address)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(PATIENCE)


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_d7_an_upgrade_that_was_refused_is_asked_for_again_and_then_has_the_connection(
    sandbox, driver, xkit, switchboard, scheme
):
    if scheme == "ws" and driver.library == "requests":
        pytest.skip("requests knows no WebSockets")
    switchboard.refused = sandbox.connect("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[switchboard.host])
    with driver.session(auth=auth) as send:
        headers = {"connection": "Upgrade", "upgrade": "echo"}
        reply = send("GET", f"{scheme}://{switchboard.host}/", headers=headers, stream=True)
        assert (reply.status_code, [each.status_code for each in reply.history]) == (101, [401])
        if driver.library != "requests":
            assert echoed(driver, send, reply.extensions["network_stream"]) == b"hello"
    assert sandbox.call_count() == 1
    refused, again = switchboard.heads
    assert again == refused.replace(switchboard.refused, sandbox.credential("acme", "user-1"))
    assert "upgrade: echo" in again.lower()
    assert not any(name in again.lower() for name in ("content-length", "transfer-encoding"))


def echoed(driver, send, stream):
    """What comes back when ``hello`` is said on a connection that HTTP has left."""
    if driver.loop is None:
        stream.write(b"hello", timeout=PATIENCE)
        return stream.read(5, timeout=PATIENCE)
    portal = next(cell.cell_contents for cell in send.__closure__ if hasattr(cell.cell_contents, "start_task_soon"))
    portal.call(partial(stream.write, b"hello", timeout=PATIENCE))
    return portal.call(partial(stream.read, 5, timeout=PATIENCE))
