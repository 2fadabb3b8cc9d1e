"""An answer's body that was looked at is as if nobody had: whole, streamed, compressed, broken off, or huge."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from contextlib import suppress

import pytest

from xkit_auth import Connector, Failure, PlatformUnavailable, Verdict

# On trio a stream of httpx that is closed early says so; the connection is closed all the same.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

RULES = [Failure(Verdict.REFETCH, status=200, json={"ok": False})]


@pytest.fixture
def provider(sandbox, driver, xkit):
    """A provider that gives whatever bytes a test wants, and an auth object that looks at its JSON."""
    sandbox.connect("acme", "user-1")
    listener = socket.create_server(("127.0.0.1", 0))
    answers = []

    class Provider:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def __init__(self):
            self.answers = answers
            connector = Connector("acme", hosts=["x.example"], failures=RULES, inspect={200: "application/json"})
            sandbox.add_connector(connector)
            hosts = [self.url[7:-1]]
            self.auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=hosts)

        def gives(self, *bodies, headers=b"Content-Type: application/json\r\n", length=None, status=b"200 OK"):
            self.answers[:] = [
                b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                % (status, headers, len(body) if length is None else length, body)
                for body in bodies
            ]

        def gives_until_it_closes(self, body):
            self.answers[:] = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body]

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # a client that has seen enough goes away
                connection.recv(65536)
                connection.sendall(answers.pop(0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield Provider()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


GZIP = b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
GOOD = b'{"ok": true, "text": "fine"}'
BAD = b'{"ok": false}'


def test_c12_json_that_says_no_is_healed_and_the_second_answer_is_whole(sandbox, driver, provider, xkit):
    xkit.get_credential("acme", context="user-1")
    sandbox.rotate("acme", "user-1")
    provider.gives(BAD, GOOD)
    reply = driver.send("GET", provider.url, auth=provider.auth)
    assert (reply.json(), reply.history) == ({"ok": True, "text": "fine"}, [200])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[" * 20_000,
        GOOD + b" " * 100_000,
        json.dumps({"ok": False, "much": "x" * 70_000}).encode(),
        '{"ok": "é"}'.encode("utf-16"),
    ],
    ids=["empty", "no json", "deep", "long", "a long no", "utf-16"],
)
def test_c12_a_body_that_is_no_small_json_is_the_callers_untouched(sandbox, driver, provider, body):
    provider.gives(body)
    assert driver.send("GET", provider.url, auth=provider.auth).raw.content == body
    assert sandbox.call_count() == 1


@pytest.mark.parametrize("is_read", [True, False])
def test_c12_long_json_of_unknown_length_is_the_callers_untouched(sandbox, driver, provider, is_read):
    body = json.dumps({"ok": False, "much": "x" * 3_000_000}).encode()
    provider.gives_until_it_closes(body)
    if is_read:
        assert driver.send("GET", provider.url, auth=provider.auth).raw.content == body
    else:
        with driver.session(auth=provider.auth) as send:
            assert send("GET", provider.url, stream=True).status_code == 200
    assert sandbox.call_count() == 1


@pytest.mark.drivers(requests=True)  # httpx lets us put back what we have read
def test_c12_on_requests_a_streamed_answer_is_not_looked_at(sandbox, driver, provider):
    provider.gives(BAD)
    with driver.session(auth=provider.auth) as send:
        response = send("GET", provider.url, stream=True)
        assert not response._content_consumed
        assert response.raw.read() == BAD
    assert sandbox.call_count() == 1


@pytest.mark.parametrize("is_bomb", [False, True])
def test_compressed_json_is_read_unless_it_grows_too_large(sandbox, driver, provider, is_bomb):
    body = b'{"ok": false, "x": "' + (b"0" * 1_000_000 if is_bomb else b"0") + b'"}'
    provider.gives(gzip.compress(body), headers=GZIP)
    reply = driver.send("GET", provider.url, auth=provider.auth)
    assert len(reply.raw.content) == len(body)
    assert sandbox.call_count() == (1 if is_bomb else 2)


@pytest.mark.drivers(httpx=True)
def test_a_body_that_is_not_compressed_as_it_says_is_the_callers_to_read(driver, provider):
    provider.gives(GOOD, headers=GZIP)
    with pytest.raises(driver.lib.DecodingError):
        driver.send("GET", provider.url, auth=provider.auth)


@pytest.mark.drivers(httpx=True)
def test_a_body_that_breaks_off_is_found_by_whoever_reads_it(driver, provider):
    provider.gives(GOOD[:9], length=len(GOOD))
    with driver.session(auth=provider.auth) as send:
        response = send("GET", provider.url, stream=True)
        assert response.status_code == 200
        if driver.loop is None:
            with pytest.raises(driver.lib.RemoteProtocolError):
                response.read()
        else:
            portal = next(c.cell_contents for c in send.__closure__ if hasattr(c.cell_contents, "start_task_soon"))
            with pytest.raises(driver.lib.RemoteProtocolError):
                portal.call(response.aread)


@pytest.mark.drivers(httpx=True)
def test_a_refusal_that_breaks_off_or_cannot_be_decoded_is_healed(sandbox, driver, provider, xkit):
    for headers, length in ((b"", 1000), (b"Content-Encoding: gzip\r\n", None)):
        xkit.get_credential("acme", context="user-1")
        sandbox.rotate("acme", "user-1")
        provider.gives(b"refused", headers=headers, length=length, status=b"401 No")
        provider.answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        reply = driver.send("GET", provider.url, auth=provider.auth)
        assert (reply.status, reply.text, reply.history) == (200, "ok", [401])


@pytest.mark.drivers(requests=True)
def test_a_refusal_that_breaks_off_is_healed_on_requests_too(sandbox, driver, provider, xkit):
    xkit.get_credential("acme", context="user-1")
    sandbox.rotate("acme", "user-1")
    provider.gives(b"refused", headers=b"", length=1000, status=b"401 No")
    provider.answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    with driver.session(auth=provider.auth) as send:
        response = send("GET", provider.url, stream=True)
        assert (response.status_code, response.text) == (200, "ok")
        assert [each.content for each in response.history] == [b"refused"]


@pytest.mark.drivers(requests=True)
def test_a_location_that_cannot_be_read_strips_the_credential(driver, provider):
    for location in (b"http://[bad/", b"\xff\xfe", b"//127.0.0.1/", b"/here"):
        provider.gives(b"", headers=b"Location: %s\r\n" % location, status=b"302 Found")
        try:
            response = driver.send("GET", provider.url, auth=provider.auth).raw
        except (ValueError, driver.lib.RequestException):
            continue  # requests cannot read it either
        assert ("Authorization" in response.next.headers) == (location == b"/here")


@pytest.mark.drivers(httpx=True)
def test_a_body_that_a_hook_has_read_before_is_looked_at_all_the_same(sandbox, driver, provider, xkit):
    async def aread(response):
        await response.aread()

    xkit.get_credential("acme", context="user-1")
    sandbox.rotate("acme", "user-1")
    provider.gives(BAD, GOOD)
    hooks = {"response": [aread if driver.loop else lambda response: response.read()]}
    with driver.session(auth=provider.auth, event_hooks=hooks) as send:
        assert send("GET", provider.url).json()["ok"] is True


@pytest.mark.drivers(httpx=True)
def test_a_body_that_a_hook_has_closed_is_not_looked_at(sandbox, driver, provider):
    async def aclose(response):
        await response.aclose()

    provider.gives(BAD)
    hooks = {"response": [aclose if driver.loop else lambda response: response.close()]}
    with driver.session(auth=provider.auth, event_hooks=hooks) as send:
        response = send("GET", provider.url, stream=True)
        assert response.is_closed
    assert sandbox.call_count() == 1


@pytest.mark.drivers(httpx=True)
def test_a_refusal_that_a_hook_has_read_is_kept_on_the_error(sandbox, driver, provider, xkit):
    async def aread(response):
        await response.aread()

    xkit.get_credential("acme", context="user-1")
    sandbox.down("500")
    provider.gives(b"refused", headers=b"", status=b"401 No")
    hooks = {"response": [aread if driver.loop else lambda response: response.read()]}
    with driver.session(auth=provider.auth, event_hooks=hooks) as send, pytest.raises(PlatformUnavailable) as caught:
        send("GET", provider.url)
    assert caught.value.response.text == "refused"


@pytest.mark.drivers(httpx=True)
def test_the_callers_own_trace_and_the_wire_get_along(sandbox, driver, xkit):
    sandbox.add_connector(Connector("keyed", hosts=["x.example"], header={"X-Api-Key": "{token}"}))
    sandbox.connect("keyed", "user-1")
    auth = driver.auth("keyed", context="user-1", xkit=xkit)
    heard = []

    async def atrace(name, _info):
        heard.append(name)

    trace = atrace if driver.loop else lambda name, _info: heard.append(name)
    request = driver.lib.Request("GET", sandbox.provider_url("keyed"), extensions={"trace": trace})
    with driver.session(auth=auth) as send:
        held = [cell.cell_contents for cell in send.__closure__]
        client = next(each for each in held if hasattr(each, "cookies"))
        portal = next((each for each in held if hasattr(each, "start_task_soon")), None)
        for _ in range(2):
            response = portal.call(client.send, request) if portal else client.send(request)
            assert response.status_code == 200
            assert request.extensions["trace"] is trace
    assert any(name.endswith("send_request_headers.started") for name in heard)


@pytest.mark.drivers(httpx=True, sync=True)  # an async client takes no list
@pytest.mark.parametrize("content", [[b"a", b"b"], (b"a", b"b")])
def test_a_list_of_chunks_is_sent_again(sandbox, driver, xkit, content):
    sandbox.connect("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    assert driver.send("POST", sandbox.provider_url("acme"), auth=auth, content=content).status == 200
    assert [each.body for each in sandbox.arrivals("acme")] == [b"ab", b"ab"]


@pytest.mark.drivers(httpx=True, sync=True)  # requests wants to know where a file stands, and raises itself
def test_a_file_that_cannot_tell_where_it_stands_is_not_sent_again(sandbox, driver, xkit):
    import io

    class Mute(io.BytesIO):
        def tell(self):
            raise OSError("no position")

        def fileno(self):
            raise OSError("no descriptor")

    sandbox.connect("acme", "user-1")
    xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    headers = {"transfer-encoding": "chunked"}
    reply = driver.send("POST", sandbox.provider_url("acme"), auth=auth, content=Mute(b"once"), headers=headers)
    assert reply.status == 401
    assert len(sandbox.arrivals("acme")) == 1
