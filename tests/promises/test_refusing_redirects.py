"""An expired credential that is answered with a redirect to a page for logging in, which says 200."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xkit_auth import (
    ConfigurationError,
    Connector,
    Failure,
    NotConnected,
    ReauthorizationRequired,
    StartsWith,
    Verdict,
    hookimpl,
)

PATIENCE = 20


class Provider(BaseHTTPRequestHandler):
    """Sends whoever comes with a credential that is not the good one to a page for logging in."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        body = self._body()
        token = self.headers.get(self.server.header, "").removeprefix("Bearer ")
        self.server.arrivals.append((self.command, self.path, token, body))
        is_login = self.path.startswith("/login")
        is_good = is_login or token == self.server.good() != self.server.refused
        self.send_response(200 if is_good else 302)
        if not is_good:
            self.send_header("Location", self.server.login)
        page = b"log in here" if is_login else b"data" if is_good else b"moved"
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_GET  # noqa: N815

    def _body(self):
        """All of it: what is left unread would be taken for the next request on this connection."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_args):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(header):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        server.daemon_threads = True
        server.header, server.arrivals, server.login = header, [], "/login"
        server.refused = None
        server.host = f"127.0.0.1:{server.server_port}"
        server.url = f"http://{server.host}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


BOTH = ["Authorization", "X-Api-Key"]


@pytest.fixture
def header(request):
    return getattr(request, "param", "Authorization")


@pytest.fixture
def acme(sandbox, driver, serve, header):
    """A user whose credential is held and has expired, at a provider that redirects instead of saying 401."""
    return connected(sandbox, driver, serve(header), header, Verdict.REFETCH)


def connected(sandbox, driver, provider, header, verdict):
    template = "Bearer {token}" if header == "Authorization" else "{token}"
    rule = Failure(verdict, status=302, header={"location": StartsWith(["/login", "http"][provider.login != "/login"])})
    connector = Connector("acme", hosts=["x.example"], header={header: template}, failures=[rule])
    sandbox.add_connector(connector)
    provider.old = provider.refused = sandbox.connect("acme", "user-1")
    provider.told = Told()
    provider.xkit = sandbox.xkit(plugins=[provider.told], timeout=PATIENCE)
    provider.xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    provider.good = lambda: sandbox.credential("acme", "user-1")
    provider.auth = driver.auth("acme", context="user-1", xkit=provider.xkit, hosts=[provider.host])
    return provider


class Told(list):
    __hash__ = object.__hash__

    @hookimpl
    def xkit_auth_event(self, event):
        if event.kind in ("rejected", "resent"):
            self.append(event.kind)


def came(provider):
    return [(method, path, token) for method, path, token, _ in provider.arrivals]


@pytest.mark.parametrize("header", BOTH, indirect=True)
@pytest.mark.parametrize("follow", [True, False])
def test_it_is_healed_before_the_page_is_seen(sandbox, driver, acme, follow):
    reply = driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=follow)
    new = sandbox.credential("acme", "user-1")
    assert (reply.status, reply.text, reply.history) == (200, "data", [302])
    assert came(acme) == [("GET", "/me", acme.old), ("GET", "/me", new)]
    assert reply.raw.history[0].headers["location"] == "/login"
    assert acme.told == ["rejected", "resent"]
    assert sandbox.call_count() == 1


@pytest.mark.parametrize("make", [bytes, io.BytesIO])
def test_what_was_posted_is_posted_again(sandbox, driver, acme, make):
    arguments = {"files": {"f": ("name", make(b"pay"))}} if driver.loop else {"content": make(b"pay")}
    reply = driver.send("POST", f"{acme.url}/me", auth=acme.auth, follow_redirects=True, **arguments)
    assert (reply.status, reply.text) == (200, "data")
    (*_, refused), (*_, again) = acme.arrivals
    assert refused == again
    assert b"pay" in again


@pytest.mark.parametrize("header", BOTH, indirect=True)
def test_a_page_at_another_origin_is_not_visited(sandbox, driver, serve, header):
    elsewhere = serve(header)
    provider = serve(header)
    provider.login = f"{elsewhere.url}/login"
    acme = connected(sandbox, driver, provider, header, Verdict.REFETCH)
    reply = driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.text) == (200, "data")
    assert len(acme.arrivals) == 2
    assert elsewhere.arrivals == []


def test_with_the_same_credential_the_client_goes_on(sandbox, driver, acme):
    acme.good = lambda: "another"
    sandbox.expire("acme", "user-1", renews=False)
    for _ in range(2):
        reply = driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True)
        assert (reply.status, reply.text, reply.history) == (200, "log in here", [302])


def test_without_another_credential_nothing_is_sent_again(sandbox, driver, acme, monkeypatch):
    xkit = acme.xkit
    same = xkit.get_credential("acme", context="user-1")
    monkeypatch.setattr(type(xkit), "get_credential", lambda *_args, **_how: same)

    async def aget(*_args, **_how):
        return same

    monkeypatch.setattr(type(xkit), "aget_credential", aget)
    reply = driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.text, reply.history) == (200, "log in here", [302])
    assert [path for _, path, *_ in acme.arrivals] == ["/me", "/login"]
    assert acme.told == ["rejected"]


@pytest.mark.parametrize("follow", [True, False])
def test_a_body_that_cannot_be_sent_again_leads_on_and_the_next_request_is_well(sandbox, driver, acme, follow):
    async def later():
        yield b"pay"

    with driver.session(auth=acme.auth, follow_redirects=follow) as send:
        reply = send("POST", f"{acme.url}/me", content=later() if driver.loop else iter([b"pay"]))
        assert (reply.status_code, reply.text) == ((200, "log in here") if follow else (302, "moved"))
        assert send("GET", f"{acme.url}/me").text == "data"
    assert sandbox.call_count() == 1
    assert [method for method, path, *_ in acme.arrivals if path == "/me"] == ["POST", "GET"]


@pytest.mark.parametrize("header", BOTH, indirect=True)
def test_a_second_redirect_to_the_page_is_final(sandbox, driver, acme):
    acme.good = lambda: "another"
    reply = driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.text) == (200, "log in here")
    assert [path for _, path, *_ in acme.arrivals] == ["/me", "/me", "/login"]
    assert acme.told == ["rejected", "resent", "rejected"]
    assert sandbox.call_count() == 1


def test_one_that_means_that_the_user_must_connect_again_raises(sandbox, driver, serve, header):
    acme = connected(sandbox, driver, serve(header), header, Verdict.RECONNECT)
    sandbox.disable("acme", "user-1")
    with pytest.raises(NotConnected) as caught:
        driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True)
    assert caught.value.response.status_code == 302
    assert caught.value.response.headers["location"] == "/login"
    assert acme.old not in str(caught.value.response.request.headers)
    assert [path for _, path, *_ in acme.arrivals] == ["/me"]


@pytest.mark.parametrize("header", BOTH, indirect=True)
def test_a_revoked_one_that_xkit_still_gives_raises(sandbox, driver, serve, header):
    acme = connected(sandbox, driver, serve(header), header, Verdict.RECONNECT)
    sandbox.rotate("acme", "user-1")
    acme.xkit.forget("acme")
    acme.xkit.get_credential("acme", context="user-1")
    acme.good = lambda: "nobody's"
    with pytest.raises(ReauthorizationRequired) as caught:
        driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True)
    assert caught.value.response.status_code == 302
    assert [path for _, path, *_ in acme.arrivals] == ["/me"]


def test_a_redirect_that_is_no_refusal_is_followed(sandbox, driver, acme):
    acme.login = "/other"
    acme.refused = None
    assert driver.send("GET", f"{acme.url}/me", auth=acme.auth, follow_redirects=True).text == "data"
    assert acme.told == []


# Transports without sockets, which do not tell what comes by


def app_of(driver, seen, good, login):
    def answer(request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        seen.append((str(request.url), token))
        if request.url.path == "/login":
            return driver.lib.Response(200, text="log in here")
        if token == good() != seen[0][1]:
            return driver.lib.Response(200, text="data")
        return driver.lib.Response(302, headers={"location": login})

    return driver.lib.MockTransport(answer)


@pytest.mark.drivers(httpx=True)
def test_without_sockets_it_is_healed_after_the_page_was_seen(sandbox, driver, acme):
    seen = []
    transport = app_of(driver, seen, acme.good, "/login")
    with driver.session(auth=acme.auth, transport=transport, follow_redirects=True) as send:
        reply = send("GET", f"{acme.url}/me")
    assert (reply.text, [each.status_code for each in reply.history]) == ("data", [302, 200])
    new = sandbox.credential("acme", "user-1")
    assert seen == [(f"{acme.url}/me", acme.old), (f"{acme.url}/login", acme.old), (f"{acme.url}/me", new)]


class CannotJudge:
    @hookimpl
    def xkit_auth_classify_response(self, response):
        raise ValueError("no idea")


def test_a_plugin_that_fails_to_judge_the_redirect_is_blamed(sandbox, driver, acme):
    xkit = sandbox.xkit(plugins=[CannotJudge()], timeout=PATIENCE)
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[acme.host])
    acme.good = lambda: "another"
    with pytest.raises(ConfigurationError, match="xkit_auth_classify_response raised ValueError: no idea"):
        driver.send("GET", f"{acme.url}/me", auth=auth, follow_redirects=True)


@pytest.mark.drivers(httpx=True, sync=True)
def test_without_sockets_a_redirect_that_is_no_refusal_or_met_no_credential_is_followed_and_that_is_all(
    sandbox, driver, acme
):
    def take_off(request):
        request.headers.pop("authorization", None)

    for login, hooks in (("/elsewhere", []), ("/login", [take_off])):
        seen = []

        def answer(request, seen=seen, login=login):
            seen.append(request.url.path)
            moved = request.url.path == "/me"
            return driver.lib.Response(302 if moved else 200, headers={"location": login} if moved else {})

        options = {"transport": driver.lib.MockTransport(answer), "event_hooks": {"request": hooks}}
        with driver.session(auth=acme.auth, follow_redirects=True, **options) as send:
            assert send("GET", f"{acme.url}/me").status_code == 200
        assert seen == ["/me", login]
    assert sandbox.call_count() == 0


@pytest.mark.drivers(httpx=True)
def test_without_sockets_nothing_is_sent_again_once_the_chain_has_left(sandbox, driver, acme):
    rule = Failure(Verdict.REFETCH, status=302)
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=[rule]))
    xkit = sandbox.xkit()
    sandbox.rotate("acme", "user-1")
    old = sandbox.credential("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[acme.host])
    seen = []
    transport = app_of(driver, seen, acme.good, "https://login.example/login")
    with driver.session(auth=auth, transport=transport, follow_redirects=True) as send:
        assert send("GET", f"{acme.url}/me").text == "log in here"
        assert seen == [(f"{acme.url}/me", old), ("https://login.example/login", "")]
        assert send("GET", f"{acme.url}/me").text == "data"
    assert sandbox.call_count() == 1
