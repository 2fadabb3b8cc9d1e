"""The sandbox: Xkit in trouble, what is recorded, the providers, and mistakes."""

from __future__ import annotations

import hashlib
import math
import os
import signal
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

pytest.importorskip("httpx")
import httpx

from helpers.testing_sandbox import (
    ask,
    authorization,
    bearer,
    everything,
    pool,  # noqa: F401
    raw,
    slack_says,
)
from xkit_auth import ConfigurationError, Connector
from xkit_auth.testing import Arrival, PlatformCall, Sandbox


class TestXkitInTrouble:
    @pytest.mark.parametrize("how", ["500", "502", "503", "429"])
    def test_down_with_a_status(self, sandbox: Sandbox, http: httpx.Client, how: Any) -> None:
        sandbox.connect("slack", "ann")
        sandbox.down(how)
        for _ in range(2):
            assert ask(sandbox, http, "slack", "ann").status_code == int(how)
        sandbox.up()
        assert ask(sandbox, http, "slack", "ann").status_code == 200

    def test_a_bad_gateway_answers_with_a_web_page(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.down("502")
        answer = ask(sandbox, http, "slack", "ann")
        assert answer.headers["content-type"].startswith("text/html")
        assert "<html>" in answer.text

    @pytest.mark.parametrize("after", [7, 0.5, "Wed, 21 Oct 2026 07:28:00 GMT"])
    def test_retry_after_is_seconds_or_a_date(self, sandbox: Sandbox, http: httpx.Client, after: float | str) -> None:
        sandbox.down("429", retry_after=after)
        assert ask(sandbox, http, "slack", "ann").headers["retry-after"] == str(after)

    def test_garbage_is_200_and_no_json(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.down("garbage")
        answer = ask(sandbox, http, "slack", "ann")
        assert answer.status_code == 200
        with pytest.raises(ValueError):
            answer.json()

    def test_a_reset_connection_has_no_answer(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann")
        sandbox.down("reset", times=1)
        with pytest.raises(httpx.ReadError):
            ask(sandbox, http, "slack", "ann")
        assert sandbox.calls[0].status is None
        assert ask(sandbox, http, "slack", "ann").status_code == 200

    def test_requests_sees_a_reset_as_a_connection_error(self, sandbox: Sandbox) -> None:
        requests = pytest.importorskip("requests")
        sandbox.down("reset")
        with pytest.raises(requests.ConnectionError):
            requests.get(sandbox.base_url, timeout=10)

    def test_a_hung_call_is_answered_once_xkit_is_up(
        self, sandbox: Sandbox, http: httpx.Client, pool: ThreadPoolExecutor
    ) -> None:
        sandbox.connect("slack", "ann")
        sandbox.down("hang")
        answer = pool.submit(ask, sandbox, http, "slack", "ann")
        sandbox.wait_for_calls(1)
        assert sandbox.calls[0].status is None
        sandbox.up()
        assert answer.result(10).status_code == 200
        assert sandbox.calls[0].status == 200

    def test_the_next_outage_ends_the_one_before(
        self, sandbox: Sandbox, http: httpx.Client, pool: ThreadPoolExecutor
    ) -> None:
        sandbox.connect("slack", "ann")
        sandbox.down("hang")
        answer = pool.submit(ask, sandbox, http, "slack", "ann")
        sandbox.wait_for_calls(1)
        sandbox.down("500")
        assert answer.result(10).status_code == 200
        assert ask(sandbox, http, "slack", "ann").status_code == 500

    def test_an_outage_can_be_for_so_many_calls(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann")
        sandbox.down("503", times=2)
        assert [ask(sandbox, http, "slack", "ann").status_code for _ in range(4)] == [503, 503, 200, 200]

    def test_there_is_no_other_way_to_be_down(self, sandbox: Sandbox) -> None:
        with pytest.raises(ValueError, match="'418'"):
            sandbox.down("418")  # type: ignore[arg-type]

    def test_any_answer_can_be_given(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.answer_with(b"\xff[NaN", status=207, headers={"Content-Type": "text/odd", "X-More": "1"})
        answer = ask(sandbox, http, "slack", "ann")
        assert (answer.status_code, answer.content) == (207, b"\xff[NaN")
        assert (answer.headers["content-type"], answer.headers["x-more"]) == ("text/odd", "1")

    def test_an_answer_is_for_whom_it_is_meant_and_the_latest_wins(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.answer_with("[1]", connector="slack")
        sandbox.answer_with("[2]", connector="slack", context="ann", times=1)
        sandbox.answer_with("[3]", context="bob")
        said = [ask(sandbox, http, *who).json() for who in (("slack", "ann"), ("slack", "ann"), ("notion", "bob"))]
        assert said == [[2], [1], [3]]
        assert ask(sandbox, http, "notion", "ann").status_code == 404
        sandbox.up()
        assert ask(sandbox, http, "slack", "ann").status_code == 404

    def test_an_outage_goes_before_an_answer(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.answer_with("[]", times=1)
        sandbox.down("500", times=1)
        assert [ask(sandbox, http, "slack", "ann").status_code for _ in range(3)] == [500, 200, 404]

    def test_a_late_answer_is_the_right_one(self, sandbox: Sandbox, http: httpx.Client) -> None:
        token = sandbox.connect("slack", "ann")
        sandbox.delay(0.001)
        assert authorization(sandbox, http, "slack", "ann")["credential"] == token
        sandbox.up()
        assert authorization(sandbox, http, "slack", "ann")["credential"] == token

    def test_held_answers_come_when_released_and_as_they_were(
        self, sandbox: Sandbox, http: httpx.Client, pool: ThreadPoolExecutor
    ) -> None:
        old = sandbox.connect("slack", "ann")
        with sandbox.hold():
            answers: list[Future[httpx.Response]] = [pool.submit(ask, sandbox, http, "slack", "ann") for _ in range(4)]
            sandbox.wait_for_calls(4)
            assert not any(answer.done() for answer in answers)
            new = sandbox.rotate("slack", "ann")
        assert {answer.result(10).json()["connection"]["authorization"]["credential"] for answer in answers} == {old}
        assert authorization(sandbox, http, "slack", "ann")["credential"] == new

    def test_waiting_for_calls_that_do_not_come_times_out(self, sandbox: Sandbox) -> None:
        with pytest.raises(TimeoutError, match="0 of 1 calls"):
            sandbox.wait_for_calls(1, timeout=0.001)


class TestWhatIsRecorded:
    def test_a_call_is_recorded_without_the_secret_key(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann/1")
        ask(sandbox, http, "slack", "ann/1")
        http.get(sandbox.base_url)
        call, bare = sandbox.calls
        assert isinstance(call, PlatformCall)
        assert (call.method, call.raw_path) == ("GET", "/api/platform/contexts/ann%2F1/connections/slack")
        assert (call.connector, call.context, call.status) == ("slack", "ann/1", 200)
        assert call.headers["accept"] == "*/*"
        assert call.headers["authorization"] == "Basic [masked]"
        assert "authorization" not in bare.headers
        assert call.when <= bare.when

    def test_calls_are_counted_by_connector_and_context(self, sandbox: Sandbox, http: httpx.Client) -> None:
        for connector, context in (("slack", "ann"), ("slack", "bob"), ("notion", "ann")):
            ask(sandbox, http, connector, context)
        assert sandbox.call_count() == 3
        assert sandbox.call_count("slack") == 2
        assert sandbox.call_count(context="ann") == 2
        assert sandbox.call_count("notion", "bob") == 0

    def test_an_arrival_is_everything_that_came(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = [("X-Twice", "1"), ("X-Twice", "2"), ("X-Token", "t")]
        http.post(f"{sandbox.elsewhere_url}/a%20b?c=%2F", headers=headers, content=b"\x00\x01")
        (arrival,) = sandbox.arrivals("elsewhere")
        assert isinstance(arrival, Arrival)
        assert (arrival.method, arrival.path, arrival.query) == ("POST", "/a b", "c=%2F")
        assert (arrival.headers["x-twice"], arrival.headers["x-token"]) == ("1, 2", "t")
        assert [value for name, value in arrival.raw_headers if name == "x-twice"] == ["1", "2"]
        assert (arrival.body, arrival.status) == (b"\x00\x01", 200)

    def test_half_a_request_is_an_arrival_without_a_status(self, sandbox: Sandbox, http: httpx.Client) -> None:
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
        with raw(sandbox.elsewhere_url, request) as connection:
            connection.shutdown(socket.SHUT_WR)
            assert everything(connection) == b""
        http.get(sandbox.elsewhere_url)  # served after the other one was noticed to be gone
        assert [(one.body, one.status) for one in sandbox.arrivals("elsewhere")] == [(b"half", None), (b"", 200)]

    def test_providers_are_recorded_apart(self, sandbox: Sandbox, http: httpx.Client) -> None:
        http.get(sandbox.slack_url)
        http.get(sandbox.provider_url("notion"))
        sandbox.provider_url("hubspot")
        assert [len(sandbox.arrivals(name)) for name in ("slack", "notion", "hubspot", "github")] == [1, 1, 0, 0]

    def test_a_misspelt_provider_is_not_an_empty_one(self, sandbox: Sandbox) -> None:
        with pytest.raises(LookupError, match="'elsewere'"):
            sandbox.arrivals("elsewere")

    def test_cleared_the_records_are_empty_and_the_world_is_as_it_was(
        self, sandbox: Sandbox, http: httpx.Client, pool: ThreadPoolExecutor
    ) -> None:
        token = sandbox.connect("slack", "ann")
        http.get(sandbox.slack_url)
        with sandbox.hold():
            answer = pool.submit(ask, sandbox, http, "slack", "ann")
            sandbox.wait_for_calls(1)
            sandbox.clear()
        assert answer.result(10).json()["connection"]["authorization"]["credential"] == token
        assert (sandbox.calls, sandbox.arrivals("slack")) == ([], [])


class TestSlack:
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}])
    def test_without_a_token_it_is_not_authed(
        self, sandbox: Sandbox, http: httpx.Client, headers: dict[str, str]
    ) -> None:
        answer = http.post(f"{sandbox.slack_url}/api/auth.test", headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "not_authed"})
        assert answer.headers["content-type"] == "application/json; charset=utf-8"

    def test_a_token_it_never_gave_is_invalid(self, sandbox: Sandbox, http: httpx.Client) -> None:
        assert slack_says(sandbox, http, "never") == "invalid_auth"
        assert slack_says(sandbox, http, sandbox.connect("github", "ann")) == "invalid_auth"

    def test_it_says_who_a_token_is(self, sandbox: Sandbox, http: httpx.Client) -> None:
        token = sandbox.connect("slack", "ann")
        answer = http.get(f"{sandbox.slack_url}/api/auth.test", headers=bearer(token)).json()
        assert (answer["ok"], answer["user"]) == (True, "ann")

    @pytest.mark.parametrize(
        "body", [{"json": {"channel": "C1"}}, {"data": {"channel": "C1"}}, {"params": {"channel": "C1"}}]
    )
    def test_other_methods_echo_their_arguments(
        self, sandbox: Sandbox, http: httpx.Client, body: dict[str, Any]
    ) -> None:
        headers = bearer(sandbox.connect("slack", "ann"))
        answer = http.post(f"{sandbox.slack_url}/api/chat.postMessage", headers=headers, **body).json()
        assert (answer["ok"], answer["api"], answer["args"]) == (True, "chat.postMessage", {"channel": "C1"})

    @pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
    def test_broken_json_is_told(self, sandbox: Sandbox, http: httpx.Client, body: bytes) -> None:
        headers = bearer(sandbox.connect("slack", "ann")) | {"Content-Type": "application/json"}
        answer = http.post(f"{sandbox.slack_url}/api/chat.postMessage", headers=headers, content=body)
        assert answer.json() == {"ok": False, "error": "invalid_json"}

    def test_an_error_can_be_asked_for(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("slack", "ann"))
        answer = http.get(f"{sandbox.slack_url}/api/api.test?error=missing_scope", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (200, "missing_scope")

    def test_a_file_is_streamed_to_those_who_may(self, sandbox: Sandbox, http: httpx.Client) -> None:
        url = f"{sandbox.slack_url}/files/T1/report.pdf?chunks=2"
        with http.stream("GET", url, headers=bearer(sandbox.connect("slack", "ann"))) as answer:
            assert answer.headers["transfer-encoding"] == "chunked"
            assert len(answer.read()) == 2048
        assert http.get(url).json()["error"] == "not_authed"

    def test_anything_else_is_not_there(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("slack", "ann"))
        assert http.get(f"{sandbox.slack_url}/about", headers=headers).status_code == 404

    def test_a_refusal_can_be_compressed(self, sandbox: Sandbox, http: httpx.Client) -> None:
        answer = http.get(f"{sandbox.slack_url}/api/auth.test?gzip=1")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["error"] == "not_authed"


class TestGitHub:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "token"])
    def test_it_says_who_a_token_is(self, sandbox: Sandbox, http: httpx.Client, scheme: str) -> None:
        token = sandbox.connect("github", "ann")
        answer = http.get(f"{sandbox.github_url}/user", headers={"Authorization": f"{scheme} {token}"})
        assert answer.json()["login"] == "ann"

    def test_expired_revoked_and_invented_are_all_bad_credentials(self, sandbox: Sandbox, http: httpx.Client) -> None:
        expired, revoked = sandbox.connect("github", "ann"), sandbox.connect("github", "bob")
        sandbox.expire("github", "ann")
        sandbox.revoke("github", "bob")
        for token in (expired, revoked, "never"):
            answer = http.get(f"{sandbox.github_url}/user", headers=bearer(token))
            assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")

    def test_without_a_credential_it_wants_one_or_hides(self, sandbox: Sandbox, http: httpx.Client) -> None:
        answer = http.get(f"{sandbox.github_url}/user")
        assert (answer.status_code, answer.json()["message"]) == (401, "Requires authentication")
        assert http.get(f"{sandbox.github_url}/repos/acme/secret").status_code == 404

    def test_without_a_user_agent_it_is_forbidden(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("github", "ann")) | {"User-Agent": ""}
        answer = http.get(f"{sandbox.github_url}/user", headers=headers)
        assert answer.status_code == 403
        assert "User-Agent" in answer.text

    def test_a_repository_is_shown_or_hidden(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("github", "ann"))
        seen = http.get(f"{sandbox.github_url}/repos/acme/tools", headers=headers)
        assert seen.json()["full_name"] == "acme/tools"
        assert http.get(f"{sandbox.github_url}/repos/hidden/tools", headers=headers).status_code == 404

    def test_a_missing_scope_is_forbidden(self, sandbox: Sandbox, http: httpx.Client) -> None:
        answer = http.get(f"{sandbox.github_url}/missing-scope", headers=bearer(sandbox.connect("github", "ann")))
        assert answer.status_code == 403
        assert answer.headers["x-accepted-github-permissions"] == "contents=write"

    def test_the_version_asked_for_and_the_body_are_on_record(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("github", "ann")) | {"X-GitHub-Api-Version": "2022-11-28"}
        answer = http.post(f"{sandbox.github_url}/repos/acme/tools/issues", headers=headers, json={"title": "t"})
        (arrival,) = sandbox.arrivals("github")
        assert arrival.headers["x-github-api-version"] == "2022-11-28"
        assert answer.json()["sha256"] == hashlib.sha256(arrival.body).hexdigest()


class TestAnyOtherProvider:
    def test_it_takes_a_bearer_token_and_echoes(self, sandbox: Sandbox, http: httpx.Client) -> None:
        token = sandbox.connect("notion", "ann")
        answer = http.put(f"{sandbox.provider_url('notion')}/v1/pages", headers=bearer(token), content=b"abc")
        digest = hashlib.sha256(b"abc").hexdigest()
        assert answer.json() == {"method": "PUT", "path": "/v1/pages", "length": 3, "sha256": digest}

    @pytest.mark.parametrize(("token", "standing"), [("", "missing"), ("never", "unknown")])
    def test_it_refuses_with_a_challenge(self, sandbox: Sandbox, http: httpx.Client, token: str, standing: str) -> None:
        answer = http.get(sandbox.provider_url("notion"), headers={"Authorization": f"Bearer {token}".strip()})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert answer.json()["message"] == f"The access token is {standing}."

    def test_another_header_is_not_looked_at(self, sandbox: Sandbox, http: httpx.Client) -> None:
        token = sandbox.connect("notion", "ann")
        assert http.get(sandbox.provider_url("notion"), headers={"X-Api-Key": token}).status_code == 401

    def test_a_part_of_a_token_is_not_the_token(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("notion", "ann", credential="tok-1")
        assert http.get(sandbox.provider_url("notion"), headers=bearer("tok-1x")).status_code == 401

    def test_a_part_of_a_credential_can_be_the_token(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("notion", "ann", credential={"token": "tok-1", "workspace": "w"})
        assert http.get(sandbox.provider_url("notion"), headers=bearer("tok-1")).status_code == 200

    def test_a_status_can_be_asked_for_with_headers_and_a_body(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("notion", "ann"))
        url = sandbox.provider_url("notion")
        wanted = {"header": ["Retry-After:7", "X-Why:quota: used up"], "body": '{"why": 1}'}
        answer = http.get(f"{url}/status/429", headers=headers, params=wanted)
        assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"why": 1}, "7")
        assert answer.headers["x-why"] == "quota: used up"
        assert http.get(f"{url}/status/418", headers=headers).json()["path"] == "/status/418"
        assert http.get(f"{url}/status/204", headers=headers).content == b""
        assert http.get(f"{url}/status/fine", headers=headers).status_code == 200
        assert http.get(f"{url}/status/429").status_code == 401

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_it_redirects_those_who_may(self, sandbox: Sandbox, http: httpx.Client, status: int) -> None:
        url = f"{sandbox.provider_url('notion')}/redirect"
        target = f"{sandbox.elsewhere_url}/x?y=1"
        wanted = httpx.QueryParams({"to": target, "status": status})
        answer = http.get(url, params=wanted, headers=bearer(sandbox.connect("notion", "ann")))
        assert (answer.status_code, answer.headers["location"]) == (status, target)
        assert http.get(url, params=wanted).status_code == 401

    def test_every_provider_redirects(self, sandbox: Sandbox, http: httpx.Client) -> None:
        for name in ("slack", "github", "elsewhere"):
            headers = bearer(sandbox.connect(name, "ann"))
            answer = http.get(f"{sandbox.provider_url(name)}/redirect", headers=headers)
            assert (answer.status_code, answer.headers["location"]) == (302, "/")

    def test_a_slow_answer_comes(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("notion", "ann"))
        answer = http.get(f"{sandbox.provider_url('notion')}/slow?seconds=0.001", headers=headers)
        assert answer.json()["path"] == "/slow"

    def test_a_stream_has_chunks(self, sandbox: Sandbox, http: httpx.Client) -> None:
        headers = bearer(sandbox.connect("notion", "ann"))
        answer = http.get(f"{sandbox.provider_url('notion')}/stream?chunks=5&gzip=1", headers=headers)
        assert answer.content == b"x" * 5120

    @pytest.mark.parametrize("pause", ["", "?pause=0.001"])
    def test_the_endless_can_be_left(self, sandbox: Sandbox, http: httpx.Client, pause: str) -> None:
        url = f"{sandbox.provider_url('notion')}/endless{pause}"
        for headers, status in (({}, 401), (bearer(sandbox.connect("notion", "ann")), 200)):
            with http.stream("GET", url, headers=headers) as answer:
                chunks = answer.iter_raw()
                assert answer.status_code == status
                assert all(next(chunks).startswith(b"x") for _ in range(3))
        assert http.get(sandbox.elsewhere_url).status_code == 200

    def test_elsewhere_lets_everybody_in(self, sandbox: Sandbox, http: httpx.Client) -> None:
        assert http.get(f"{sandbox.elsewhere_url}/x").json()["path"] == "/x"
        assert http.get(f"{sandbox.elsewhere_url}/status/401").status_code == 401


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_was_forked_while_another_thread_changed_the_sandbox_finds_no_lock_taken(sandbox):
    with sandbox._state._lock, sandbox._faults._lock, sandbox._providers._lock, sandbox._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(30)  # a child that hangs is ended
            try:
                sandbox.connect("acme", "user-1")
                sandbox.delay(0)
                sandbox.add_connector(Connector("another", hosts=["api.another.example"]))
                sandbox.xkit().directory.policy_for("another")
            except BaseException:
                os._exit(1)
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


MISTAKES = {
    "a status as a number": (lambda box: box.down(503), ValueError, "'503'"),
    "a text as a number of calls": (lambda box: box.down("503", times="2"), ValueError, "a number of calls"),
    "a number as a credential": (lambda box: box.connect("slack", "user-1", credential=5), TypeError, "not int"),
    "a user's number": (lambda box: box.revoke("slack", 42), ConfigurationError, "str(user.id)"),
    "a number as a connector": (lambda box: box.provider_url(5), ConfigurationError, "not a text but int"),
    "a connector by its name": (lambda box: box.add_connector("acme"), TypeError, "takes a Connector, not str"),
    "keys of one's own": (lambda box: box.xkit(secret_key="sk_x"), TypeError, "takes no secret_key="),
    "a status with a credential": (lambda box: box.pending("slack", "user-1", "active"), ValueError, "use connect()"),
    "a text as a lifetime": (lambda box: box.connect("slack", "u", expires_in="60"), ValueError, "a number of seconds"),
    "a lifetime without end": (lambda box: box.connect("slack", "u", expires_in=math.inf), ValueError, "not inf"),
    "a time before now": (lambda box: box.delay(-1), ValueError, "not below 0"),
    "a text as an answer's status": (lambda box: box.answer_with(status="500"), ValueError, "from 200 to 599"),
    "a status that is no answer's": (lambda box: box.answer_with(status=100), ValueError, "not 100"),
    "no call": (lambda box: box.answer_with(times=0), ValueError, "1 at least"),
    "another event": (
        lambda box: box.webhook_body("slack", "user-1", event_type="connected"),
        ValueError,
        "'connection.enabled'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_what_to_write(sandbox, mistake):
    act, error, told = MISTAKES[mistake]
    with pytest.raises(error) as caught:
        act(sandbox)
    assert told in str(caught.value)
