"""Hard cases C and D: what is sent again and what is not, and that no connection is lost over it."""

from __future__ import annotations

import io
import pickle
import socket

import pytest

from xkit_auth import (
    Connector,
    Failure,
    NotConnected,
    PlatformUnavailable,
    ReauthorizationRequired,
    StartsWith,
    Verdict,
    hookimpl,
)


def sent(sandbox):
    return [(each.method, each.path, each.status) for each in sandbox.arrivals("acme")]


def redirect(base, to, status=302):
    from urllib.parse import quote

    return f"{base}/redirect?to={quote(to, safe='')}&status={status}"


class Trickle(io.RawIOBase):
    """A file that cannot seek."""

    def __init__(self, data):
        self._inner = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._inner.readinto(buffer)


@pytest.mark.drivers(sync=True)
def test_c1_a_file_that_cannot_seek_is_fetched_for_but_not_sent_again(sandbox, driver, acme):
    body = io.BufferedReader(Trickle(b"only once"))
    headers = {"transfer-encoding": "chunked"}
    assert driver.send("POST", acme.url, auth=acme.auth, content=body, headers=headers).status == 401
    assert [each.body for each in sandbox.arrivals("acme")] == [b"only once"]
    assert sandbox.call_count() == 1


@pytest.mark.drivers(sync=True)
def test_c2_a_file_that_was_closed_in_between_is_not_sent_again(sandbox, driver, acme, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"content")

    class ClosesItself(io.FileIO):
        def read(self, size=-1):
            data = super().read(size)
            if not data:
                self.close()
            return data

    assert driver.send("POST", acme.url, auth=acme.auth, content=ClosesItself(path)).status == 401
    assert [each.body for each in sandbox.arrivals("acme")] == [b"content"]


def test_c4_a_multipart_form_of_a_file_is_sent_again_whole(sandbox, driver, acme):
    files = {"file": ("name.txt", io.BytesIO(b"content " * 1000), "text/plain")}
    assert driver.send("POST", acme.url, auth=acme.auth, files=files).status == 200
    refused, again = sandbox.arrivals("acme")
    assert refused.body == again.body
    assert again.body.count(b"content ") == 1000


@pytest.mark.drivers(httpx=True)
def test_c4_a_multipart_form_of_a_file_that_cannot_seek_is_not_sent_again(sandbox, driver, acme):
    files = {"file": ("name.txt", io.BufferedReader(Trickle(b"content")), "text/plain")}
    assert driver.send("POST", acme.url, auth=acme.auth, files=files).status == 401
    assert len(sandbox.arrivals("acme")) == 1


class RotatesWhenRejected:
    """A listener in whose world a refused credential has just been replaced."""

    def __init__(self, sandbox):
        self._sandbox = sandbox

    @hookimpl
    def xkit_auth_event(self, event):
        if event.kind == "rejected":
            self._sandbox.rotate(event.connector, event.context)


def test_c5_only_the_refused_hop_is_repeated_never_an_earlier_one(sandbox, driver):
    xkit = sandbox.xkit(plugins=[RotatesWhenRejected(sandbox)])
    sandbox.connect("acme", "user-1")
    url = redirect(sandbox.provider_url("acme"), "/status/401", 303)
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    reply = driver.send("POST", url, auth=auth, json={"pay": 1}, follow_redirects=True)
    assert reply.status == 401
    assert sent(sandbox) == [("POST", "/redirect", 303), ("GET", "/status/401", 401), ("GET", "/status/401", 401)]
    assert sandbox.call_count() == 2


def test_c6_after_a_refetch_the_following_redirects_carry_the_new_credential(sandbox, driver, acme):
    reply = driver.send("GET", redirect(acme.url, "/things"), auth=acme.auth, follow_redirects=True)
    assert reply.status == 200
    assert sent(sandbox) == [("GET", "/redirect", 401), ("GET", "/redirect", 302), ("GET", "/things", 200)]
    assert sandbox.call_count() == 1


def test_c7_a_refusal_after_the_one_resend_is_final_even_on_a_later_hop(sandbox, driver, acme):
    target = "/status/401"
    reply = driver.send("GET", redirect(acme.url, target), auth=acme.auth, follow_redirects=True)
    assert reply.status == 401
    assert sent(sandbox) == [("GET", "/redirect", 401), ("GET", "/redirect", 302), ("GET", "/status/401", 401)]
    assert sandbox.call_count() == 1


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_c10_what_a_new_credential_does_not_cure_is_left_to_the_caller(sandbox, driver, acme, status, xkit):
    xkit.forget("acme")
    assert driver.send("GET", f"{acme.url}/status/{status}", auth=acme.auth).status == status
    assert sandbox.call_count() == 1
    assert len(sandbox.arrivals("acme")) == 1


CHALLENGES = {
    "none": None,
    "several": 'Digest realm="a, b", nonce="c", Bearer realm="acme", error="invalid_token", Basic realm="d"',
    "basic": 'Basic realm="acme"',
    "odd case": "bEaReR ERROR=Invalid_Token",
    "broken": '"=,, Bearer error',
}


def challenging(base, challenge):
    """A URL that is answered with 401 and this challenge, whatever the credential."""
    from urllib.parse import quote

    header = "" if challenge is None else f"?header=www-authenticate:{quote(challenge)}"
    return f"{base}/status/401{header}"


def test_c11_a_401_is_a_refusal_whatever_it_challenges_the_client_to(sandbox, driver):
    xkit = sandbox.xkit(plugins=[RotatesWhenRejected(sandbox)])
    for user, challenge in CHALLENGES.items():
        token = sandbox.connect("acme", user)
        url = challenging(sandbox.provider_url("acme"), challenge)
        reply = driver.send("GET", url, auth=driver.auth("acme", context=user, xkit=xkit))
        assert (reply.status, reply.history) == (401, [401]), user
        assert reply.raw.headers.get("www-authenticate") == challenge
        refused, again = (each.headers["authorization"] for each in sandbox.arrivals("acme"))
        assert refused == f"Bearer {token}" != again
        assert sandbox.call_count() == 2
        sandbox.clear()


class Refusals:
    """A plugin that notes who was refused, and what for."""

    def __init__(self):
        self.noted = []

    @hookimpl
    def xkit_auth_event(self, event):
        if event.kind == "rejected":
            self.noted.append((event.context, event.detail))


def test_c11_a_connector_can_tell_one_challenge_from_another(sandbox, driver):
    denied = [
        Failure(Verdict.DENIED, status=401, header={"WWW-Authenticate": StartsWith("Basic realm")}),
        Failure(Verdict.DENIED, status=401, challenge={"error": "insufficient_scope"}),
    ]
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=denied))
    refusals = Refusals()
    xkit = sandbox.xkit(plugins=[refusals])
    for challenge, verdicts in [
        ("bAsIc realm=acme", []),
        ('Bearer error="INSUFFICIENT_scope"', []),
        ('Bearer error="invalid_token"', ["refetch"]),
        (None, ["refetch"]),
    ]:
        user = f"user of {challenge}"
        sandbox.connect("acme", user)
        url = challenging(sandbox.provider_url("acme"), challenge)
        reply = driver.send("GET", url, auth=driver.auth("acme", context=user, xkit=xkit))
        assert (reply.status, reply.history) == (401, [])
        assert [detail for context, detail in refusals.noted if context == user] == verdicts


def test_a_revoking_answer_asks_xkit_and_raises_if_that_knows_nothing_newer(sandbox, driver, acme):
    rules = [Failure(Verdict.RECONNECT, status=401)]
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=rules))
    sandbox.expire("acme", "user-1", renews=False)
    xkit = sandbox.xkit(reconnect_url="https://app.example/{connector}?user={context}")
    with pytest.raises(ReauthorizationRequired) as caught:
        driver.send("GET", acme.url, auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert caught.value.reconnect_url == "https://app.example/acme?user=user-1"
    assert caught.value.response.status_code == 401


def test_a_revoking_answer_is_healed_if_the_user_has_connected_again(sandbox, driver, acme):
    rules = [Failure(Verdict.RECONNECT, status=401)]
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=rules))
    xkit = sandbox.xkit()
    xkit.get_credential("acme", context="user-1")
    sandbox.rotate("acme", "user-1")
    reply = driver.send("GET", acme.url, auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert (reply.status, reply.history) == (200, [401])


def test_c13_a_crowd_that_is_refused_together_asks_once_and_is_answered_each(sandbox, driver, acme):
    with driver.together(40, "GET", acme.url, auth=acme.auth) as replies:
        assert [reply.status for reply in replies()] == [200] * 40
    assert sandbox.call_count() == 1


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("whose", ["the session's", "the request's"])
def test_c20_hooks_of_the_callers_see_only_the_final_answer_of_each_hop(sandbox, driver, acme, whose):
    seen = []

    def hook(response, **_how):
        seen.append(response.status_code)
        if response.status_code == 302:
            sandbox.expire("acme", "user-1")

    hooks = {"hooks": {"response": [hook]}}
    options, arguments = (hooks, {}) if whose == "the session's" else ({}, hooks)
    with driver.session(auth=acme.auth, follow_redirects=True, **options) as send:
        assert send("GET", acme.url, **arguments).status_code == 200
        assert seen == [200]
        assert send("GET", redirect(acme.url, "/things"), **arguments).status_code == 200
        assert seen == [200, 302, 200]
    assert [status for _, _, status in sent(sandbox)] == [401, 200, 302, 401, 200]


def test_c21_httpx_counts_the_resend_among_the_redirects_and_requests_does_not(sandbox, driver, acme):
    url = redirect(acme.url, "/things")
    with driver.session(auth=acme.auth, follow_redirects=True, max_redirects=1) as send:
        if driver.library == "requests":
            assert send("GET", url).status_code == 200
        else:
            with pytest.raises(driver.lib.TooManyRedirects):
                send("GET", url)
            assert sent(sandbox) == [("GET", "/redirect", 401), ("GET", "/redirect", 302)]
        assert send("GET", url).status_code == 200  # without a resend there is nothing to count
    sandbox.expire("acme", "user-1")
    with driver.session(auth=acme.auth, follow_redirects=True, max_redirects=2) as send:
        assert send("GET", url).status_code == 200
    assert sandbox.call_count() == 2


def test_c22_history_and_elapsed_tell_the_truth_and_nothing_of_ours(sandbox, driver, acme):
    reply = driver.send("GET", acme.url, auth=acme.auth)
    assert [each.status_code for each in reply.raw.history] == [401]
    assert reply.raw.history[0].history in ([], ())
    assert reply.raw.elapsed.total_seconds() > 0
    assert reply.raw.history[0].elapsed.total_seconds() > 0
    assert all(str(each.url).startswith(acme.url) for each in reply.raw.history)


@pytest.mark.drivers(httpx=True)
def test_c22_redirects_before_the_refused_hop_stay_in_history(sandbox, driver):
    xkit = sandbox.xkit(plugins=[RotatesWhenRejected(sandbox)])
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    url = redirect(sandbox.provider_url("acme"), "/status/401")
    reply = driver.send("GET", url, auth=auth, follow_redirects=True)
    assert (reply.status, reply.history) == (401, [302, 401])
    assert [each.status_code for each in reply.raw.history[1].history] == [302]


@pytest.mark.drivers(sync=True)
def test_d2_a_failed_refetch_gives_the_connection_back(sandbox, driver, acme):
    sandbox.down("500", times=1)
    options = {} if driver.library == "requests" else {"limits": driver.lib.Limits(max_connections=1)}
    with driver.session(auth=acme.auth, **options) as send:
        if driver.library == "requests":
            from requests.adapters import HTTPAdapter

            _mount(send, HTTPAdapter(pool_maxsize=1, pool_block=True))
        with pytest.raises(PlatformUnavailable) as caught:
            send("GET", acme.url, stream=True)
        assert caught.value.response.status_code == 401
        assert caught.value.response.content
        # There is one connection in the pool: had it not come back, this would wait for ever.
        plain = driver.module.NoAuth() if driver.library == "requests" else None
        assert send("GET", acme.url, auth=plain).status_code == 401


def _mount(send, adapter):
    session = next(cell.cell_contents for cell in send.__closure__ if hasattr(cell.cell_contents, "mount"))
    session.mount("http://", adapter)


# On trio a stream of httpx that is closed early says so; the connection is closed all the same.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("stream", [False, True])
def test_d3_an_endless_refusal_is_cut_and_healed(sandbox, driver, acme, stream):
    with driver.session(auth=acme.auth) as send:
        response = send("GET", f"{acme.url}/endless?pause=0", stream=True)
        assert response.status_code == 200
        assert [each.status_code for each in response.history] == [401]
        assert len(response.history[0].content) <= 256 * 1024
        if driver.library == "requests":
            response.close()


def test_d4_a_streamed_answer_after_a_resend_is_unread(sandbox, driver, acme):
    with driver.session(auth=acme.auth) as send:
        response = send("GET", f"{acme.url}/stream?chunks=3", stream=True)
        assert response.status_code == 200
        assert not response._content_consumed if driver.library == "requests" else not response.is_stream_consumed
        if driver.library == "requests":
            assert len(response.content) > 0


EVENT = b"data: one\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % (2 * len(EVENT))


@pytest.mark.parametrize("begins_with", [b"", HEAD + EVENT], ids=["long poll", "stream of events"])
def test_d5_an_answer_that_is_still_open_holds_up_nobody_else(sandbox, driver, acme, xkit, begins_with):
    with socket.create_server(("127.0.0.1", 0)) as slow:
        slow.settimeout(20)
        host = f"127.0.0.1:{slow.getsockname()[1]}"
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[host, acme.url.removeprefix("http://")])
        with driver.together(1, "GET", f"http://{host}/events", auth=auth) as open_one, slow.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(begins_with)
            with driver.together(5, "GET", acme.url, auth=auth) as others:
                assert [reply.status for reply in others()] == [200] * 5
            assert sandbox.call_count() == 1
            connection.sendall((HEAD + EVENT + EVENT).removeprefix(begins_with))
            (reply,) = open_one()
    assert (reply.status, reply.raw.content) == (200, EVENT * 2)


def test_d7_head_is_sent_again(sandbox, driver, acme):
    assert driver.send("HEAD", acme.url, auth=acme.auth).status == 200
    assert [each.method for each in sandbox.arrivals("acme")] == ["HEAD", "HEAD"]


def test_d8_xkit_is_not_asked_through_the_callers_client(sandbox, driver, acme):
    seen = []
    auth = driver.auth("acme", context="user-1", xkit=sandbox.xkit())  # nobody else has used it: it takes our library
    with driver.session(auth=auth, **watched(driver, lambda request: seen.append(str(request.url)))) as send:
        assert send("GET", acme.url).status_code == 200
        sandbox.expire("acme", "user-1")
        response = send("GET", acme.url)
        assert response.status_code == 200
    assert sandbox.call_count() == 2
    # Sent three times, and each time seen by the transport and by hooks; a hook of requests sees no refused answer.
    assert len(seen) == (5 if driver.library == "requests" else 9)
    assert {url.rstrip("/") for url in seen} == {acme.url}
    assert [str(each.url).rstrip("/") for each in response.history] == [acme.url]


def watched(driver, note):
    """What makes a session show each request to ``note``: in its transport, and in every hook that it has."""
    if driver.library == "requests":
        from requests.adapters import HTTPAdapter

        class Adapter(HTTPAdapter):
            def send(self, request, **how):
                note(request)
                return super().send(request, **how)

        hooks = {"response": [lambda response, **_how: note(response.request)]}
        return {"adapters": {"http://": Adapter()}, "hooks": hooks}

    class Transport(driver.lib.HTTPTransport):
        def handle_request(self, request):
            note(request)
            return super().handle_request(request)

    class AsyncTransport(driver.lib.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            note(request)
            return await super().handle_async_request(request)

    async def anote(request):
        note(request)

    async def anote_answer(response):
        note(response.request)

    if driver.loop:
        hooks = {"request": [anote], "response": [anote_answer]}
        return {"transport": AsyncTransport(verify=False), "event_hooks": hooks}
    hooks = {"request": [note], "response": [lambda response: note(response.request)]}
    return {"transport": Transport(verify=False), "event_hooks": hooks}


def test_step_8_a_request_that_is_sent_again_by_its_owner_has_a_budget_of_its_own(sandbox, driver, acme):
    request = driver.lib.Request("GET", acme.url, **({"auth": acme.auth} if driver.library == "requests" else {}))
    with driver.session(auth=acme.auth) as send:
        sender = _sender(driver, send)
        prepared = request.prepare() if driver.library == "requests" else request
        for _ in range(3):
            assert sender(prepared).status_code == 200
            sandbox.expire("acme", "user-1")
    assert [each.status for each in sandbox.arrivals("acme")] == [401, 200] * 3
    assert sandbox.call_count() == 3


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("follow", [True, False])
def test_step_8_a_request_that_was_redirected_elsewhere_can_be_sent_again(sandbox, driver, acme, follow):
    request = driver.lib.Request("GET", redirect(acme.url, sandbox.elsewhere_url), auth=acme.auth).prepare()
    with driver.lib.Session() as session:
        session.trust_env = False
        for _ in range(2):
            assert session.send(request, allow_redirects=follow).status_code == (200 if follow else 302)
        sandbox.expire("acme", "user-1")
        assert session.send(request, allow_redirects=follow).status_code == (200 if follow else 302)
    assert all("authorization" not in each.headers for each in sandbox.arrivals("elsewhere"))


def _sender(driver, send):
    """``client.send`` of a session's client, for plain calls."""
    held = [cell.cell_contents for cell in send.__closure__]
    client = next(each for each in held if hasattr(each, "send") and hasattr(each, "cookies"))
    if driver.loop is None:
        return client.send
    portal = next(each for each in held if hasattr(each, "start_task_soon"))

    def sender(request):
        return portal.call(client.send, request)

    return sender


def test_the_errors_that_carry_an_answer_pickle_without_it(sandbox, driver, acme):
    sandbox.disable("acme", "user-1")
    with pytest.raises(NotConnected) as caught:
        driver.send("GET", acme.url, auth=acme.auth)
    assert caught.value.response.status_code == 401
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), copy.response) == (NotConnected, str(caught.value), None)
