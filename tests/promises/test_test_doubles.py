"""Hard case D9: a test double in the place of the provider, below the client and without a socket, changes nothing.

What can only be seen on a wire, such as a header of the connector's own that must not follow a redirect, is tried with
real sockets in test_where_it_may_go.py.
"""

from __future__ import annotations

import io
import json

import pytest

from xkit_auth import Connector, Failure, ReauthorizationRequired, Verdict

HOST = "api.acme.example"
HEADERS = {"authorization": None, "x-api-key": {"X-Api-Key": "{token}"}}


class Provider:
    """Takes the credential that Xkit holds at the moment, and notes what came. ``/json`` refuses with status 200."""

    def __init__(self, sandbox, header):
        self._sandbox = sandbox
        self._header = header
        self.arrived = []

    def answer(self, host, path, headers, body):
        """Status, headers and body for a request; the names of its headers are in lower case."""
        credential = headers.get(self._header, "").removeprefix("Bearer ")
        self.arrived.append((host, credential, body))
        json_type = {"content-type": "application/json"}
        if host != HOST:
            return 401, {}, b"who are you?"
        if credential != self._sandbox.credential("acme", "user-1"):
            return (200, json_type, b'{"ok": false}') if path == "/json" else (401, {}, b"refused " * 20_000)
        if path == "/away":
            return 302, {"location": "https://elsewhere.example/"}, b""
        return 200, json_type, json.dumps({"ok": True, "length": len(body)}).encode()


def mock_of_httpx(driver, provider):
    """Their own ``MockTransport``, whose answers have been read before a client sees them."""

    def handle(request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, headers, body = provider.answer(request.url.host, request.url.path, headers, request.content)
        return driver.lib.Response(status, headers=headers, content=body)

    async def ahandle(request):
        await request.aread()
        return handle(request)

    return {"transport": driver.lib.MockTransport(ahandle if driver.loop else handle)}


def asgi_app(driver, provider):
    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status, headers, body = provider.answer(headers["host"], scope["path"], headers, body)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})

    return {"transport": driver.lib.ASGITransport(app)}


def wsgi_app(driver, provider):
    def app(environ, start_response):
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        body = environ["wsgi.input"].read()
        status, headers, body = provider.answer(headers["host"], environ["PATH_INFO"], headers, body)
        start_response(f"{status} As It Is", list(headers.items()))
        return [body[:5], body[5:]]

    return {"transport": driver.lib.WSGITransport(app)}


def answer_to_requests(provider, request):
    from urllib.parse import urlparse

    url = urlparse(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return provider.answer(url.hostname, url.path, headers, request.body or b"")


def adapter_of_requests(driver, provider):
    """An adapter of its own, as requests-mock mounts one."""
    from requests.adapters import BaseAdapter

    class Mock(BaseAdapter):
        def send(self, request, **_how):
            response = driver.lib.Response()
            response.request, response.url, response.connection = request, request.url, self
            response.status_code, headers, body = answer_to_requests(provider, request)
            response.headers.update(headers)
            response.raw = io.BytesIO(body)
            return response

        def close(self):
            pass

    return {"adapters": {"https://": Mock()}}


def patch_of_requests(provider, monkeypatch):
    """The usual adapter with another way to send, which is how the library ``responses`` does it."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse

    really_send = HTTPAdapter.send

    def send(adapter, request, **how):
        if request.url.startswith("http://127.0.0.1:"):
            return really_send(adapter, request, **how)  # a call to Xkit; responses knows add_passthru()
        status, headers, body = answer_to_requests(provider, request)
        raw = HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
        return adapter.build_response(request, raw)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return {}


@pytest.fixture
def acme(request, sandbox, driver, xkit):
    """A connected user, and an auth object that looks at JSON, too."""
    header = getattr(request, "param", "authorization")
    rules = [Failure(Verdict.REFETCH, status=200, json={"ok": False})]
    sandbox.add_connector(
        Connector(
            "acme", hosts=["x.example"], header=HEADERS[header], failures=rules, inspect={200: "application/json"}
        )
    )

    class Acme:
        token = sandbox.connect("acme", "user-1")
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[HOST])
        provider = Provider(sandbox, header)

    return Acme


@pytest.fixture(params=["mock", "app"])
def double(request, driver, acme, monkeypatch):
    """What makes a session talk to ``acme.provider``."""
    if driver.library == "requests":
        is_patch = request.param == "mock"
        return patch_of_requests(acme.provider, monkeypatch) if is_patch else adapter_of_requests(driver, acme.provider)
    if request.param == "mock":
        return mock_of_httpx(driver, acme.provider)
    return asgi_app(driver, acme.provider) if driver.loop else wsgi_app(driver, acme.provider)


# On trio a stream of httpx that is closed early says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("acme", HEADERS, indirect=True)
def test_d9_a_refusal_of_a_test_double_is_healed(sandbox, driver, acme, double):
    tokens = [acme.token]
    with driver.session(auth=acme.auth, **double) as send:
        for path, refusal in (("/", [401]), ("/json", [200])):
            response = send("POST", f"https://{HOST}{path}", content=b"good")
            assert (response.json(), [*response.history]) == ({"ok": True, "length": 4}, [])
            tokens.append(sandbox.rotate("acme", "user-1"))
            response = send("POST", f"https://{HOST}{path}", content=b"again")
            assert response.json() == {"ok": True, "length": 5}
            assert [each.status_code for each in response.history] == refusal
    first, second, third = tokens
    sent = [(first, b"good"), (first, b"again"), (second, b"again")]
    sent += [(second, b"good"), (second, b"again"), (third, b"again")]
    assert acme.provider.arrived == [(HOST, *each) for each in sent]
    assert sandbox.call_count() == 3


def test_d9_an_error_has_the_answer_of_a_test_double(sandbox, driver, acme, double):
    with driver.session(auth=acme.auth, **double) as send:
        assert send("GET", f"https://{HOST}/").status_code == 200
        sandbox.revoke("acme", "user-1")
        acme.provider.answer = lambda *_request: (401, {}, b"no")
        with pytest.raises(ReauthorizationRequired) as caught:
            send("GET", f"https://{HOST}/")
    assert (caught.value.response.status_code, caught.value.response.text) == (401, "no")
    assert caught.value.response.request.headers["Authorization"] == "[redacted]"


def test_d9_from_a_test_double_a_redirect_elsewhere_goes_bare_and_triggers_nothing(sandbox, driver, acme, double):
    with driver.session(auth=acme.auth, follow_redirects=True, **double) as send:
        response = send("GET", f"https://{HOST}/away")
    assert (response.status_code, [each.status_code for each in response.history]) == (401, [302])
    assert acme.provider.arrived == [(HOST, acme.token, b""), ("elsewhere.example", "", b"")]
    assert sandbox.call_count() == 1
