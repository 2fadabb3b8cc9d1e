"""The main job, step by step, on every client: fetched, cached, refused, fetched again, sent again, and the errors."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from xkit_auth import (
    AuthorizationPending,
    ConfigurationError,
    Connector,
    HostNotAllowed,
    NotConnected,
    PlatformAuthenticationError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
    hookimpl,
)


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A connected user of a plain Bearer connector."""

    class Acme:
        url = sandbox.provider_url("acme")
        token = sandbox.connect("acme", "user-1")
        auth = driver.auth("acme", context="user-1", xkit=xkit)

        @staticmethod
        def authorizations():
            return [arrival.headers.get("authorization") for arrival in sandbox.arrivals("acme")]

    return Acme


def test_a_credential_is_fetched_on_demand_with_one_call(sandbox, driver, acme):
    assert sandbox.call_count() == 0
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert acme.authorizations() == [f"Bearer {acme.token}"]
    assert sandbox.call_count("acme", "user-1") == sandbox.call_count() == 1


def test_a_fetched_credential_is_held_for_the_next_request(sandbox, driver, acme):
    for _ in range(3):
        assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert sandbox.call_count() == 1


def test_an_expired_credential_is_fetched_again_and_the_request_sent_again_whole(sandbox, driver, acme):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.expire("acme", "user-1")
    reply = driver.send("POST", f"{acme.url}/things", auth=acme.auth, json={"name": "Zoë"})
    newer = sandbox.credential("acme", "user-1")
    assert reply.status == 200
    assert reply.history == [401]
    assert sandbox.call_count() == 2
    first, refused, again = sandbox.arrivals("acme")
    assert acme.authorizations() == [f"Bearer {token}" for token in (acme.token, acme.token, newer)]
    assert refused.body == again.body != b""
    assert (first.status, refused.status, again.status) == (200, 401, 200)


def test_a_second_refusal_is_the_callers_and_the_key_is_left_alone(sandbox, driver, acme):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.rotate("acme", "user-1")
    sandbox.expire("acme", "user-1", renews=False)
    reply = driver.send("GET", acme.url, auth=acme.auth)
    assert (reply.status, reply.history) == (401, [401])
    assert sandbox.call_count() == 2
    assert driver.send("GET", acme.url, auth=acme.auth).status == 401
    assert sandbox.call_count() == 2
    assert len(sandbox.arrivals("acme")) == 4


def test_c9_the_same_credential_again_is_not_sent_again_and_xkit_is_left_alone(sandbox, driver, acme):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.expire("acme", "user-1", renews=False)
    for _ in range(3):
        reply = driver.send("GET", acme.url, auth=acme.auth)
        assert (reply.status, reply.history) == (401, [])
    assert sandbox.call_count() == 2
    assert len(sandbox.arrivals("acme")) == 4


def test_a_credential_that_somebody_replaced_meanwhile_is_used_without_asking(sandbox, driver, acme, xkit):
    driver.send("GET", acme.url, auth=acme.auth)
    old = xkit.get_credential("acme", context="user-1")
    sandbox.expire("acme", "user-1")
    newer = xkit.get_credential("acme", context="user-1", rejected=old)
    assert newer != old
    assert sandbox.call_count() == 2
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert xkit.get_credential("acme", context="user-1", rejected=old) == newer
    assert sandbox.call_count() == 2


def test_e1_fifty_callers_make_one_call(sandbox, driver, acme):
    with ExitStack() as held:
        held.enter_context(sandbox.hold())
        with driver.together(50, "GET", acme.url, auth=acme.auth) as replies:
            sandbox.wait_for_calls(1)
            held.close()
            assert [reply.status for reply in replies()] == [200] * 50
    assert sandbox.call_count() == 1


@pytest.mark.parametrize(
    ("situation", "error"),
    [
        (lambda sandbox: sandbox.forget_connection("acme", "user-1"), NotConnected),
        (lambda sandbox: sandbox.disable("acme", "user-1"), NotConnected),
        (lambda sandbox: sandbox.pending("acme", "user-1"), AuthorizationPending),
        (lambda sandbox: sandbox.pending("acme", "user-1", "retrieving_tokens"), AuthorizationPending),
        (lambda sandbox: sandbox.pending("acme", "user-1", "something_new"), ReauthorizationRequired),
        (lambda sandbox: sandbox.revoke("acme", "user-1"), ReauthorizationRequired),
        (lambda sandbox: sandbox.answer_with("{}", status=401), PlatformAuthenticationError),
        (lambda sandbox: sandbox.answer_with("{}", status=403), PlatformAuthenticationError),
        (lambda sandbox: sandbox.down("429", retry_after=7), PlatformRateLimited),
        (lambda sandbox: sandbox.down("500"), PlatformUnavailable),
        (lambda sandbox: sandbox.down("502"), PlatformUnavailable),
        (lambda sandbox: sandbox.down("reset"), PlatformUnavailable),
        (lambda sandbox: sandbox.down("garbage"), PlatformProtocolError),
        (lambda sandbox: sandbox.answer_with("[]"), PlatformProtocolError),
        (lambda sandbox: sandbox.answer_with('{"connection": {"enabled": tr'), PlatformProtocolError),
        (lambda sandbox: sandbox.answer_with("", status=302, headers={"location": "/"}), PlatformProtocolError),
        (lambda sandbox: sandbox.connect("acme", "user-1", credential="to\nken"), PlatformProtocolError),
        (lambda sandbox: sandbox.connect("acme", "user-1", credential="tok\u20acn"), PlatformProtocolError),
        (lambda sandbox: sandbox.connect("acme", "user-1", credential="REDACTED"), PlatformProtocolError),
        (lambda sandbox: sandbox.connect("acme", "user-1", credential=" "), PlatformProtocolError),
    ],
)
def test_f7_f9_each_situation_has_its_error_and_nothing_is_sent(sandbox, driver, acme, situation, error):
    situation(sandbox)
    with pytest.raises(error) as caught:
        driver.send("GET", acme.url, auth=acme.auth)
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")
    assert caught.value.hint
    assert caught.value.response is None
    assert sandbox.arrivals("acme") == []


def test_f9_an_empty_credential_means_connecting_again(sandbox, driver, acme):
    body = '{"connection": {"enabled": true, "authorization": {"status": "active", "credential": %s}}}'
    for empty in ("null", '""', "{}"):
        sandbox.answer_with(body % empty)
        with pytest.raises(ReauthorizationRequired):
            driver.send("GET", acme.url, auth=driver.auth("acme", context="user-1", xkit=sandbox.xkit()))
    assert sandbox.arrivals("acme") == []


def test_f11_a_hang_of_xkit_ends_when_the_timeout_is_over(sandbox, driver):
    class Listener:
        def __init__(self):
            self.has_heard = threading.Event()

        @hookimpl
        def xkit_auth_event(self, event):
            if event.kind == "fetch_failed":
                self.has_heard.set()

    listener = Listener()
    xkit = sandbox.xkit(timeout=0.2, plugins=[listener])
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    sandbox.down("hang")
    with pytest.raises(PlatformUnavailable, match=r"no answer (in time|within)"):
        driver.send("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit))
    # The call itself is over, too, and not only left to itself; Xkit hangs still.
    assert listener.has_heard.wait(20)
    assert {call.status for call in sandbox.calls} <= {None}
    assert sandbox.arrivals("acme") == []


def test_a_refused_credential_that_is_no_longer_usable_raises_with_the_answer(sandbox, driver, acme):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        driver.send("GET", acme.url, auth=acme.auth)
    error = caught.value
    assert (error.status, error.error_code) == ("error", "access_denied")
    assert error.response.status_code == 401
    assert "invalid_token" in str(error.response.headers)
    assert error.response.text
    assert error.response.request.headers["Authorization"] == "[redacted]"
    assert acme.token not in str(error)


def test_f6_a_refused_credential_while_xkit_is_down_raises_something_retryable_with_the_answer(sandbox, driver, acme):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.expire("acme", "user-1")
    sandbox.down("500")
    with pytest.raises(PlatformUnavailable) as caught:
        driver.send("GET", acme.url, auth=acme.auth)
    assert caught.value.retryable
    assert caught.value.response.status_code == 401


def test_f5_a_held_credential_is_served_on_while_xkit_is_down(sandbox, driver):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=sandbox.xkit(max_age=0))
    driver.send("GET", url, auth=auth)
    sandbox.down("503")
    assert driver.send("GET", url, auth=auth).status == 200
    assert sandbox.call_count() == 2


def test_a_host_that_may_not_have_it_is_refused_before_anything_is_asked(sandbox, driver, acme):
    with pytest.raises(HostNotAllowed, match=r"127\.0\.0\.1"):
        driver.send("GET", sandbox.elsewhere_url, auth=acme.auth)
    assert sandbox.call_count() == 0
    assert sandbox.arrivals("elsewhere") == []


def test_a_host_that_may_not_have_it_can_be_sent_to_bare(sandbox, driver, xkit):
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"], off_host="bare")
    assert driver.send("GET", sandbox.elsewhere_url, auth=auth).status == 200
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in arrival.headers
    assert sandbox.call_count() == 0


def test_a_connector_that_nobody_knows_says_both_ways_out(sandbox, driver, xkit):
    with pytest.raises(ConfigurationError, match=r"Install the plugin.*hosts="):
        driver.send("GET", sandbox.elsewhere_url, auth=driver.auth("unheard-of", context="user-1", xkit=xkit))
    assert sandbox.call_count() == 0


@pytest.mark.parametrize("content", [None, b"", b"some bytes", b"x" * 300_000])
def test_a_body_of_bytes_is_sent_again_whole(sandbox, driver, acme, content):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.expire("acme", "user-1")
    assert driver.send("PUT", acme.url, auth=acme.auth, content=content).status == 200
    assert [arrival.body for arrival in sandbox.arrivals("acme")[1:]] == [content or b""] * 2


@pytest.mark.drivers(sync=True)
def test_a_file_goes_back_to_the_position_that_it_had(sandbox, driver, acme, tmp_path):
    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.expire("acme", "user-1")
    path = tmp_path / "data"
    path.write_bytes(b"skipped" + b"x" * 100_000)
    # httpx announces the whole file's length, wherever it stands, unless told not to.
    headers = {} if driver.library == "requests" else {"transfer-encoding": "chunked"}
    with path.open("rb") as file:
        file.seek(7)
        assert driver.send("PUT", acme.url, auth=acme.auth, content=file, headers=headers).status == 200
    assert [arrival.body for arrival in sandbox.arrivals("acme")[1:]] == [b"x" * 100_000] * 2


def test_c1_a_body_that_cannot_be_sent_twice_is_never_half_sent(sandbox, driver, acme):
    def chunks():
        yield b"once"
        yield b" only"

    async def async_chunks():
        yield b"once"
        yield b" only"

    driver.send("GET", acme.url, auth=acme.auth)
    sandbox.expire("acme", "user-1")
    reply = driver.send("POST", acme.url, auth=acme.auth, content=async_chunks() if driver.loop else chunks())
    assert (reply.status, reply.history) == (401, [])
    assert [arrival.body for arrival in sandbox.arrivals("acme")] == [b"", b"once only"]
    assert sandbox.call_count() == 2
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert sandbox.call_count() == 2


def test_a_callers_own_header_gives_way_to_the_credential(sandbox, driver, acme):
    assert driver.send("GET", acme.url, auth=acme.auth, headers={"authorization": "Bearer mine"}).status == 200
    assert acme.authorizations() == [f"Bearer {acme.token}"]


def test_one_session_serves_every_user_through_a_context_function_or_variable(sandbox, driver, xkit):
    from contextvars import ContextVar

    tokens = {name: sandbox.connect("acme", name) for name in ("ann", "bob")}
    url = sandbox.provider_url("acme")
    user = ContextVar("user", default="ann")
    for context in (user, user.get):
        sandbox.clear()
        auth = driver.auth("acme", context=context, xkit=xkit)
        for name in tokens:
            before = user.set(name)
            # The async drivers run requests in another thread: the context is settled where auth is applied.
            if driver.loop is None:
                driver.send("GET", url, auth=auth)
            else:
                driver.send("GET", url, auth=driver.auth("acme", context=user.get(), xkit=xkit))
            user.reset(before)
        seen = [arrival.headers["authorization"] for arrival in sandbox.arrivals("acme")]
        assert seen == [f"Bearer {token}" for token in tokens.values()]


@pytest.mark.parametrize("missing", [lambda: None, lambda: "", lambda: 7])
def test_a_context_function_must_give_a_text(sandbox, driver, xkit, missing):
    with pytest.raises(ConfigurationError, match="context"):
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context=missing, xkit=xkit))
    assert sandbox.call_count() == 0


def test_an_async_context_function_is_refused(sandbox, driver, xkit):
    async def current_user():
        return "user-1"

    with pytest.raises(ConfigurationError, match="async"):
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context=current_user, xkit=xkit))
    assert sandbox.call_count() == 0


@pytest.mark.parametrize(
    "name",
    ["a/b", "50%", "50%25", "a?b", "a#b", "a;b", "a\\b", "auth0|12", "a b", "..x", "x..", "Zoë", "日本", "a+b&c=d"],
)
def test_the_path_that_is_really_sent_keeps_each_name_in_its_segment(sandbox, driver, name):
    from urllib.parse import quote

    xkit = sandbox.xkit()
    sandbox.connect("acme", name)
    assert (
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context=name, xkit=xkit)).status
        == 200
    )
    (call,) = sandbox.calls
    assert call.raw_path == f"/api/platform/contexts/{quote(name, safe='')}/connections/acme"
    assert call.context == name


def test_the_header_of_a_connector_with_its_own_form_is_sent(sandbox, driver, xkit):
    sandbox.add_connector(Connector("keyed", hosts=["x.example"], header={"X-Api-Key": "Key {token}"}))
    sandbox.add_connector(Connector("basic", hosts=["x.example"], basic=("{field.user}", "{field.password}")))
    key = sandbox.connect("keyed", "user-1")
    sandbox.connect("basic", "user-1", credential={"user": "ann", "password": "s3cret-text"})
    for slug in ("keyed", "basic"):
        auth = driver.auth(slug, context="user-1", xkit=xkit)
        assert driver.send("GET", sandbox.provider_url(slug), auth=auth).status == 200
    assert sandbox.arrivals("keyed")[0].headers["x-api-key"] == f"Key {key}"
    assert sandbox.arrivals("basic")[0].headers["authorization"] == "Basic YW5uOnMzY3JldC10ZXh0"


def test_calls_to_xkit_carry_the_keys_and_nothing_of_the_request(sandbox, driver, acme):
    driver.send("GET", acme.url, auth=acme.auth, headers={"x-mine": "1"})
    (call,) = sandbox.calls
    assert call.method == "GET"
    assert call.status == 200
    assert "x-mine" not in call.headers
    assert "cookie" not in call.headers


def test_a_webhook_outdates_a_call_that_is_under_way(sandbox, driver, acme, xkit):
    webhook = (
        '{"event_type": "connection.enabled",'
        ' "payload": {"connector": {"slug": "acme"}, "context": {"external_id": "user-1"}}}'
    )
    with ExitStack() as held:
        held.enter_context(sandbox.hold())
        with driver.together(1, "GET", acme.url, auth=acme.auth) as replies:
            sandbox.wait_for_calls(1)
            assert xkit.handle_webhook(webhook).event_type == "connection.enabled"
            held.close()
            assert [reply.status for reply in replies()] == [200]
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    assert sandbox.call_count() == 2
