"""The sandbox: its life, Xkit's responses, and what happens to a connection."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest

pytest.importorskip("httpx")
import httpx

from helpers.testing_sandbox import (
    ask,
    authorization,
    bearer,
    everything,
    keys,
    path_of,
    pool,  # noqa: F401
    raw,
    received,
    slack_says,
)
from xkit_auth.testing import Sandbox
from xkit_auth.testing._server import Origins


class TestLife:
    def test_every_origin_is_its_own_port_on_loopback(self, sandbox: Sandbox) -> None:
        urls = [
            sandbox.base_url,
            sandbox.slack_url,
            sandbox.github_url,
            sandbox.elsewhere_url,
            sandbox.provider_url("notion"),
            sandbox.provider_url("hubspot"),
        ]
        assert {urlsplit(url).hostname for url in urls} == {"127.0.0.1"}
        assert len({urlsplit(url).port for url in urls}) == len(urls)
        assert urlsplit(sandbox.base_url).path == "/api/platform"

    def test_a_provider_keeps_its_url(self, sandbox: Sandbox) -> None:
        assert sandbox.provider_url("notion") == sandbox.provider_url("notion")
        assert sandbox.provider_url("slack") == sandbox.slack_url
        assert sandbox.provider_url("github") == sandbox.github_url

    def test_keys_are_random_and_look_fake(self) -> None:
        one, other = Sandbox(), Sandbox()
        assert one.secret_key != other.secret_key
        assert one.publishable_key.startswith("pk_sandbox_")
        assert one.secret_key.startswith("sk_sandbox_")

    def test_starting_twice_is_starting_once(self) -> None:
        sandbox = Sandbox().start()
        url = sandbox.base_url
        with sandbox:
            assert sandbox.base_url == url

    def test_closing_twice_is_closing_once(self) -> None:
        sandbox = Sandbox().start()
        sandbox.close()
        sandbox.close()

    def test_before_the_start_and_after_the_end_there_is_no_url(self) -> None:
        sandbox = Sandbox()
        with pytest.raises(RuntimeError, match="not running"):
            _ = sandbox.base_url
        with pytest.raises(RuntimeError, match="not running"):
            sandbox.provider_url("notion")
        sandbox.start().close()
        with pytest.raises(RuntimeError, match="not running"):
            _ = sandbox.slack_url

    def test_a_closed_sandbox_stays_closed(self) -> None:
        sandbox = Sandbox().start()
        sandbox.close()
        with pytest.raises(RuntimeError, match="make a new one"):
            sandbox.start()

    def test_a_thread_that_is_gone_is_not_waited_for(self) -> None:
        origins = Origins()
        origins.close()
        origins.close()

    def test_after_the_end_its_thread_is_gone_and_its_ports_are_shut(self, http: httpx.Client) -> None:
        with Sandbox() as sandbox:
            url = sandbox.slack_url
            assert [one.daemon for one in threading.enumerate() if one.name == "xkit-auth-sandbox"] == [True]
            http.get(url)
        assert not [one for one in threading.enumerate() if one.name == "xkit-auth-sandbox"]
        with pytest.raises(httpx.TransportError):
            http.get(url)

    def test_many_sandboxes_live_side_by_side(self, http: httpx.Client) -> None:
        with Sandbox() as one, Sandbox() as other:
            token = one.connect("slack", "ann")
            assert http.get(f"{one.slack_url}/api/auth.test", headers=bearer(token)).json()["ok"]
            assert not http.get(f"{other.slack_url}/api/auth.test", headers=bearer(token)).json()["ok"]
            assert http.get(one.base_url + path_of("slack", "ann"), auth=keys(other)).status_code == 401

    def test_it_ends_while_requests_are_waiting(self, http: httpx.Client, pool: ThreadPoolExecutor) -> None:
        with Sandbox() as sandbox:
            sandbox.connect("slack", "ann")
            token = sandbox.connect("notion", "ann")
            sandbox.down("hang", times=1)
            hung = pool.submit(ask, sandbox, http, "slack", "ann")
            sandbox.wait_for_calls(1)
            sandbox.delay(3600)
            late = pool.submit(ask, sandbox, http, "slack", "ann")
            sandbox.wait_for_calls(2)
            slow = raw(
                sandbox.provider_url("notion"),
                f"GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode(),
            )
            endless = raw(sandbox.elsewhere_url, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            assert endless.recv(4) == b"HTTP"
            upload = raw(sandbox.elsewhere_url, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        for answer in (hung, late):
            with pytest.raises(httpx.TransportError):
                answer.result(10)
        for connection in (slow, endless, upload):
            with connection:
                assert not everything(connection).endswith(b"0\r\n\r\n")

    def test_a_held_answer_is_released_by_the_end_too(self, http: httpx.Client, pool: ThreadPoolExecutor) -> None:
        sandbox = Sandbox().start()
        with sandbox.hold():
            answer = pool.submit(ask, sandbox, http, "slack", "ann")
            sandbox.wait_for_calls(1)
            sandbox.close()
            with pytest.raises(httpx.TransportError):
                answer.result(10)

    def test_it_says_nothing_in_the_log(
        self, sandbox: Sandbox, http: httpx.Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        sandbox.connect("slack", "ann")
        ask(sandbox, http, "slack", "ann")
        with raw(sandbox.slack_url, b"no http at all\r\n\r\n") as connection:
            assert b"400" in received(connection)
        assert not [record for record in caplog.records if record.name.startswith("uvicorn")]

    def test_other_uvicorns_are_heard(self, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        logging.getLogger("uvicorn.error").info("from somebody else")
        assert caplog.messages == ["from somebody else"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
    def test_the_child_of_a_fork_closes_its_copy_alone(self, sandbox: Sandbox, http: httpx.Client) -> None:
        child = os.fork()
        if child == 0:
            try:
                sandbox.close()
            finally:
                os._exit(0 if not sandbox._origins else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert http.get(sandbox.elsewhere_url).status_code == 200

    def test_without_its_libraries_it_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("xkit_auth.testing", sys.modules["xkit_auth.testing"])  # so that it is put back
        for name in [name for name in sys.modules if name.startswith("xkit_auth.testing")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        with pytest.raises(ImportError, match=r"install xkit-auth\[sandbox\], from"):
            importlib.import_module("xkit_auth.testing").Sandbox  # noqa: B018
        assert importlib.import_module("xkit_auth.testing").check_connector


class TestXkitAnswers:
    def test_an_active_connection_comes_with_its_credential(self, sandbox: Sandbox, http: httpx.Client) -> None:
        token = sandbox.connect("my-crm", "ann", display_label="Ann at Acme", expires_in=60, expires_at="2030-01-01")
        answer = ask(sandbox, http, "my-crm", "ann")
        assert answer.status_code == 200
        assert answer.json() == {
            "connection": {
                "id": "connection-1",
                "enabled": True,
                "connector": {"name": "My Crm", "slug": "my-crm"},
                "authorization": {
                    "id": 1,
                    "status": "active",
                    "credential": token,
                    "display_label": "Ann at Acme",
                    "expires_in": 60,
                    "expires_at": "2030-01-01",
                },
            }
        }

    def test_what_is_not_known_is_left_out(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann", credential="tok")
        assert authorization(sandbox, http, "slack", "ann") == {"id": 1, "status": "active", "credential": "tok"}

    def test_a_credential_may_have_several_parts(self, sandbox: Sandbox, http: httpx.Client) -> None:
        parts = {"email": "ann@acme.example", "api_key": "k-1"}
        assert json.loads(sandbox.connect("copper", "ann", credential=parts)) == parts
        assert authorization(sandbox, http, "copper", "ann")["credential"] == parts
        renewed = json.loads(sandbox.rotate("copper", "ann"))
        assert renewed.keys() == parts.keys()
        assert renewed != parts
        assert authorization(sandbox, http, "copper", "ann")["credential"] == renewed

    def test_one_context_is_not_another(self, sandbox: Sandbox, http: httpx.Client) -> None:
        tokens = {name: sandbox.connect("slack", name) for name in ("ann", "bob")}
        assert {name: authorization(sandbox, http, "slack", name)["credential"] for name in tokens} == tokens
        assert tokens["ann"] != tokens["bob"]

    @pytest.mark.parametrize("auth", [None, ("pk", "sk")])
    def test_wrong_keys_are_refused(self, sandbox: Sandbox, http: httpx.Client, auth: tuple[str, str] | None) -> None:
        sandbox.connect("slack", "ann")
        answer = http.get(sandbox.base_url + path_of("slack", "ann"), auth=auth)
        assert answer.status_code == 401
        assert answer.json() == {"error": "unauthorized"}

    def test_the_right_publishable_key_alone_does_not_do(self, sandbox: Sandbox, http: httpx.Client) -> None:
        url = sandbox.base_url + path_of("slack", "ann")
        assert http.get(url, auth=(sandbox.publishable_key, "")).status_code == 401

    @pytest.mark.parametrize(
        "path", ["", "/", "/contexts/ann", "/contexts/ann/connections", "/x/ann/connections/slack"]
    )
    def test_other_paths_are_not_there(self, sandbox: Sandbox, http: httpx.Client, path: str) -> None:
        answer = http.get(sandbox.base_url + path, auth=keys(sandbox))
        assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})
        assert (sandbox.calls[0].connector, sandbox.calls[0].context) == (None, None)

    def test_the_path_needs_its_base(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann")
        origin = sandbox.base_url.removesuffix("/api/platform")
        assert http.get(origin + path_of("slack", "ann"), auth=keys(sandbox)).status_code == 404

    def test_a_connection_is_only_read(self, sandbox: Sandbox, http: httpx.Client) -> None:
        answer = http.post(sandbox.base_url + path_of("slack", "ann"), auth=keys(sandbox))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")

    @pytest.mark.parametrize("context", ["a/b", "a%2Fb", "ü?#", "a b", "...", "🦊", "a+b"])
    def test_a_context_is_decoded_once_inside_its_segment(self, sandbox: Sandbox, context: str) -> None:
        token = sandbox.connect("slack", context)
        path = f"/api/platform/contexts/{quote(context, safe='')}/connections/slack"
        basic = httpx.BasicAuth(*keys(sandbox))._auth_header
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\nConnection: close\r\n\r\n"
        with raw(sandbox.base_url, request.encode()) as connection:
            answer = everything(connection)
        assert token.encode() in answer
        assert sandbox.calls[0].raw_path == path
        assert sandbox.calls[0].context == context


class TestWhatHappensToAConnection:
    def test_rotated_there_is_a_new_credential_and_only_that_is_good(
        self, sandbox: Sandbox, http: httpx.Client
    ) -> None:
        old = sandbox.connect("slack", "ann", expires_in=60, expires_at="2030-01-01")
        new = sandbox.rotate("slack", "ann")
        assert new != old
        assert sandbox.credential("slack", "ann") == new
        shown = authorization(sandbox, http, "slack", "ann")
        assert (shown["credential"], shown["expires_in"]) == (new, 60)
        assert "expires_at" not in shown, "an absolute expiry was the old one's"
        assert slack_says(sandbox, http, old) == "token_expired"
        assert slack_says(sandbox, http, new) == "ok"

    def test_expired_it_is_refreshed_at_the_next_read_and_once(self, sandbox: Sandbox, http: httpx.Client) -> None:
        old = sandbox.connect("slack", "ann")
        sandbox.expire("slack", "ann")
        assert slack_says(sandbox, http, old) == "token_expired"
        assert sandbox.credential("slack", "ann") == old, "nobody has read it yet"
        new = authorization(sandbox, http, "slack", "ann")["credential"]
        assert new != old
        assert slack_says(sandbox, http, new) == "ok"
        assert authorization(sandbox, http, "slack", "ann")["credential"] == new

    def test_expired_without_renewal_xkit_gives_the_dead_one(self, sandbox: Sandbox, http: httpx.Client) -> None:
        old = sandbox.connect("slack", "ann")
        sandbox.expire("slack", "ann", renews=False)
        assert authorization(sandbox, http, "slack", "ann")["credential"] == old
        assert slack_says(sandbox, http, old) == "token_expired"

    def test_revoked_xkit_says_so(self, sandbox: Sandbox, http: httpx.Client) -> None:
        old = sandbox.connect("slack", "ann")
        sandbox.revoke("slack", "ann")
        assert slack_says(sandbox, http, old) == "token_revoked"
        assert authorization(sandbox, http, "slack", "ann") == {
            "id": 1,
            "status": "error",
            "credential": None,
            "error_code": "access_denied",
            "error_message": "The user revoked access.",
        }

    def test_revoked_behind_xkits_back_it_still_gives_the_dead_one(self, sandbox: Sandbox, http: httpx.Client) -> None:
        old = sandbox.connect("slack", "ann")
        sandbox.expire("slack", "ann")
        sandbox.revoke("slack", "ann", known_to_xkit=False)
        assert authorization(sandbox, http, "slack", "ann")["credential"] == old
        assert slack_says(sandbox, http, old) == "token_revoked"

    def test_connected_again_it_is_the_same_connection_with_a_new_credential(
        self, sandbox: Sandbox, http: httpx.Client
    ) -> None:
        old = sandbox.connect("slack", "ann")
        sandbox.revoke("slack", "ann")
        new = sandbox.connect("slack", "ann")
        assert authorization(sandbox, http, "slack", "ann") == {"id": 1, "status": "active", "credential": new}
        assert slack_says(sandbox, http, old) == "token_revoked"

    def test_disabled_it_is_not_enabled(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann")
        sandbox.disable("slack", "ann")
        assert ask(sandbox, http, "slack", "ann").json()["connection"]["enabled"] is False

    def test_disabled_without_ever_having_been_there_is_no_authorization(
        self, sandbox: Sandbox, http: httpx.Client
    ) -> None:
        sandbox.disable("slack", "ann")
        connection = ask(sandbox, http, "slack", "ann").json()["connection"]
        assert connection["enabled"] is False
        assert "authorization" not in connection

    @pytest.mark.parametrize("status", ["awaiting_callback", "retrieving_tokens", "something_new"])
    def test_pending_there_is_no_credential(self, sandbox: Sandbox, http: httpx.Client, status: str) -> None:
        sandbox.pending("slack", "ann", status)
        assert authorization(sandbox, http, "slack", "ann") == {"id": 1, "status": status, "credential": None}

    def test_forgotten_it_is_not_found(self, sandbox: Sandbox, http: httpx.Client) -> None:
        sandbox.connect("slack", "ann")
        sandbox.forget_connection("slack", "ann")
        assert ask(sandbox, http, "slack", "ann").status_code == 404

    def test_what_was_never_connected_cannot_change(self, sandbox: Sandbox) -> None:
        for change in (sandbox.rotate, sandbox.expire, sandbox.revoke, sandbox.forget_connection, sandbox.credential):
            with pytest.raises(LookupError, match="'ann' has no connection to 'slack'"):
                change("slack", "ann")

    def test_what_has_no_credential_cannot_lose_it(self, sandbox: Sandbox) -> None:
        sandbox.pending("slack", "ann")
        for change in (sandbox.rotate, sandbox.expire, sandbox.revoke, sandbox.credential):
            with pytest.raises(LookupError, match="no credential of 'ann'"):
                change("slack", "ann")
