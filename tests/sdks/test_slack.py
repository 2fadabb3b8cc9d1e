"""slack_sdk: one client on urllib and one on aiohttp, both without any slot, and a provider that says no with 200."""

from __future__ import annotations

import io
import traceback

import pytest
import xkit_auth_slack
from aiohttp import ClientResponseError, ClientSession, FormData
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from xkit_auth import ConfigurationError, Connector, HostNotAllowed, NotConnected, Placement, hookimpl
from xkit_auth.sdk import bind, find_error

REFUSAL = {"ok": False, "error": "token_expired"}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """slack_sdk would take a proxy even to this machine."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=[WebClient, AsyncWebClient])
def kind(request):
    return request.param


@pytest.fixture
def slack(kind, sandbox):
    """A client of the sandbox's Slack."""
    return kind(base_url=f"{sandbox.slack_url}/api/")


@pytest.fixture
def near(kind, stand_in):
    """A client of a Slack of this test's own."""
    return kind(base_url=f"{stand_in.url}/api/")


@pytest.fixture
def bound(near, stand_in, sandbox, xkit):
    """The same, bound, and how it is told that its token is no good any more."""
    token = sandbox.connect("slack", "user-1")

    def expire(content=REFUSAL, status=200):
        stand_in.refuses_with(content, status)
        stand_in.refuse(token)
        sandbox.expire("slack", "user-1")

    near.expire = expire
    with bind(near, "slack", context="user-1", xkit=xkit, hosts=[stand_in.host]):
        yield near


@pytest.mark.filterwarnings("ignore:In v4, passing bytes:DeprecationWarning")  # of aiohttp, to slack_sdk
@pytest.mark.parametrize("verb", ["get", "form", "json", "multipart"])
def test_it_is_used_turned_down_with_200_renewed_and_sent_once_more(sandbox, xkit, slack, call, carried, renewed, verb):
    send = {
        "get": lambda: slack.conversations_list(limit=2),
        "form": lambda: slack.chat_postMessage(channel="#general", text="Hello"),
        "json": lambda: slack.api_call("chat.postMessage", json={"channel": "#general", "text": "Hello"}),
        "multipart": lambda: slack.api_call("files.upload", files={"file": b"the plan"}, data={"title": "plan"}),
    }[verb]
    old = sandbox.connect("slack", "user-1")
    with bind(slack, "slack", context="user-1", xkit=xkit):
        call(send)
        sandbox.expire("slack", "user-1")
        assert call(send)["ok"] is True
    arrivals = sandbox.arrivals("slack")
    assert carried(arrivals) == renewed(old, sandbox.credential("slack", "user-1"), refusal=200)
    assert len({(arrival.query, len(arrival.body)) for arrival in arrivals}) == 1
    assert sandbox.call_count() == 2


@pytest.mark.parametrize("content", [REFUSAL, {}])
def test_it_is_renewed_after_a_401_too(sandbox, stand_in, bound, call, carried, renewed, content):
    stand_in.says("/api/auth.test", {"ok": True})
    old = sandbox.credential("slack", "user-1")
    call(bound.auth_test)
    bound.expire(content, 401)
    assert call(bound.auth_test)["ok"] is True
    assert carried(stand_in.arrivals) == renewed(old, sandbox.credential("slack", "user-1"))


def test_a_second_refusal_is_the_callers(sandbox, stand_in, bound, call, carried):
    stand_in.says("/api/auth.test", {"ok": True})
    stand_in.says("/api/auth.test", REFUSAL, 401)
    call(bound.auth_test)
    sandbox.expire("slack", "user-1")
    with pytest.raises(SlackApiError) as caught:
        call(bound.auth_test)
    assert caught.value.response.status_code == 401
    assert len({header for header, _ in carried(stand_in.arrivals)[1:]}) == 2
    assert len(stand_in.arrivals) == 3


def test_pages_are_turned_with_a_new_one(sandbox, stand_in, bound, call, carried):
    more = {"ok": True, "channels": ["a"], "response_metadata": {"next_cursor": "c2"}}
    stand_in.says("/api/conversations.list", more)
    stand_in.says("/api/conversations.list", {"ok": True, "channels": ["b"]})
    old = sandbox.credential("slack", "user-1")

    async def channels_of(pages):
        found = []
        async for page in await pages:
            found += page["channels"]
            bound.expire()
        return found

    def channels():
        pages = bound.conversations_list(limit=1)
        if isinstance(bound, AsyncWebClient):
            return channels_of(pages)
        found = []
        for page in pages:
            found += page["channels"]
            bound.expire()
        return found

    assert call(channels) == ["a", "b"]
    tokens = [header.removeprefix("Bearer ") for header, _ in carried(stand_in.arrivals)]
    assert tokens[:2] == [old, old]
    assert len({*tokens}) == 2
    assert "c2" in stand_in.arrivals[-1].query + stand_in.arrivals[-1].body.decode()


def test_after_release_it_is_what_it_was(sandbox, xkit, slack, call, carried, look):
    token = sandbox.connect("slack", "user-1")
    with pytest.raises(SlackApiError):
        call(slack.auth_test)
    before = look(slack)
    binding = bind(slack, "slack", context="user-1", xkit=xkit)
    call(slack.auth_test)
    binding.release()
    assert look(slack) == before
    with pytest.raises(SlackApiError):
        call(slack.auth_test)
    assert carried(sandbox.arrivals("slack")) == [(None, 200), (f"Bearer {token}", 200), (None, 200)]


def test_its_own_token_gives_way_and_comes_back(sandbox, xkit, kind, call, carried):
    slack = kind("its-own", base_url=f"{sandbox.slack_url}/api/")
    token = sandbox.connect("slack", "user-1")
    with bind(slack, "slack", context="user-1", xkit=xkit):
        call(slack.auth_test)
    with pytest.raises(SlackApiError):
        call(slack.auth_test)
    assert carried(sandbox.arrivals("slack")) == [(f"Bearer {token}", 200), ("Bearer its-own", 200)]


def test_a_redirect_to_another_host_carries_nothing(sandbox, stand_in, bound, call, carried):
    stand_in.says("/api/auth.test", "", 302, Location=f"{sandbox.elsewhere_url}/api/auth.test")
    with pytest.raises(SlackApiError):  # what is there does not say that it is ok
        call(bound.auth_test)
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in arrival.headers
    assert carried(stand_in.arrivals) == [(f"Bearer {sandbox.credential('slack', 'user-1')}", 302)]


STRANGERS = {"elsewhere": "{elsewhere}/status/401", "at home": "/api/redirected"}


@pytest.mark.parametrize("target", STRANGERS.values(), ids=STRANGERS)
def test_an_answer_behind_a_redirect_is_no_refusal_and_nothing_is_sent_again(
    sandbox, stand_in, bound, call, carried, target
):
    stand_in.says("/api/auth.test", "", 302, Location=target.format(elsewhere=sandbox.elsewhere_url))
    stand_in.says("/api/redirected", REFUSAL, 401)
    sandbox.expire("slack", "user-1")
    with pytest.raises(SlackApiError):
        call(bound.auth_test)
    assert [arrival.path for arrival in stand_in.arrivals][:2] == ["/api/auth.test", "/api/redirected"][
        : len(stand_in.arrivals)
    ]
    assert len(stand_in.arrivals + sandbox.arrivals("elsewhere")) == 2
    assert sandbox.call_count() == 1


def test_our_frames_do_not_show_the_credential_when_the_network_breaks_off(
    sandbox, xkit, kind, call, walk, closed_port
):
    token = sandbox.connect("slack", "user-1")
    xkit.get_credential("slack", context="user-1")
    host = f"127.0.0.1:{closed_port}"
    near = kind(base_url=f"http://{host}/api/")
    with bind(near, "slack", context="user-1", xkit=xkit, hosts=[host]), pytest.raises(OSError) as caught:
        call(near.auth_test)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if "xkit_auth" in frame.f_code.co_filename]
    assert "attempt" in [frame.f_code.co_name for frame in ours]
    looks = walk(
        [token.removeprefix("sandbox-")], enters=lambda value: "xkit_auth.testing" not in type(value).__module__
    )
    assert looks.found_in([dict(frame.f_locals) for frame in ours]) == []


def test_after_a_redirect_the_next_call_is_judged_again(sandbox, stand_in, bound, call, carried, renewed):
    stand_in.says("/api/auth.test", "", 302, Location="/api/redirected")
    stand_in.says("/api/redirected", {"ok": True})
    stand_in.says("/api/api.test", {"ok": True})
    old = sandbox.credential("slack", "user-1")
    call(bound.auth_test)
    bound.expire()
    call(bound.api_test)
    assert carried(stand_in.arrivals)[2:] == renewed(old, sandbox.credential("slack", "user-1"), refusal=200)[1:]


@pytest.mark.parametrize("kind", [AsyncWebClient], indirect=True)
@pytest.mark.parametrize("how", ["of the session", "of the call", "a function of the call"])
def test_what_aiohttp_is_to_do_about_a_status_is_done(sandbox, stand_in, bound, call, how):
    seen = []

    async def look(answer):
        seen.append(answer.status)

    async def calls():
        async with ClientSession(raise_for_status=how == "of the session") as session:
            bound.session = session
            more = {"of the session": {}, "of the call": {"raise_for_status": True}}.get(
                how, {"raise_for_status": look}
            )
            arguments = {"headers": {}, **more}
            return await bound._request(http_verb="GET", api_url=f"{stand_in.url}/api/x", req_args=arguments)

    stand_in.says("/api/x", {"ok": False}, 500)
    if how == "a function of the call":
        assert call(calls)["status_code"] == 500
        assert seen == [500]
    else:
        with pytest.raises(ClientResponseError, match="500"):
            call(calls)


class TwoKinds:
    """A plugin whose Slack takes a key in a header of its own, too."""

    @hookimpl
    def xkit_auth_connectors(self):
        kinds = {"bot": Placement(), "key": Placement(header={"X-Slack-Key": "{token}"})}
        return [Connector("slack", hosts=["slack.example"], kinds=kinds)]

    @hookimpl
    def xkit_auth_bind(self, target, auth):
        return xkit_auth_slack.xkit_auth_bind(target, auth)


@pytest.mark.parametrize(("which", "name"), [("bot", "authorization"), ("key", "x-slack-key")])
def test_headers_of_its_own_for_a_credential_of_another_kind_stay_at_home(sandbox, stand_in, kind, call, which, name):
    stand_in.says("/api/auth.test", {"ok": True})
    token = sandbox.connect("slack", "user-1")
    near = kind("its-own", base_url=f"{stand_in.url}/api/", headers={"X-SLACK-KEY": "its-own"})
    xkit = sandbox.xkit(plugins=[TwoKinds()])
    with bind(near, "slack", context="user-1", xkit=xkit, hosts=[stand_in.host], kind=which):
        call(near.auth_test)
    (arrival,) = stand_in.arrivals
    assert "its-own" not in str(arrival.headers)
    assert token in arrival.headers[name]


def test_a_header_of_another_name_follows_no_redirect_either(sandbox, stand_in, near, call):
    stand_in.says("/api/auth.test", "", 302, Location=f"{sandbox.elsewhere_url}/api/auth.test")
    sandbox.connect("slack", "user-1")
    xkit = sandbox.xkit(plugins=[TwoKinds()])
    bound = bind(near, "slack", context="user-1", xkit=xkit, hosts=[stand_in.host], kind="key")
    with bound, pytest.raises(SlackApiError):
        call(near.auth_test)
    assert stand_in.arrivals[0].headers["x-slack-key"] == sandbox.credential("slack", "user-1")
    assert all("x-slack-key" not in arrival.headers for arrival in sandbox.arrivals("elsewhere"))


def test_a_method_at_another_host_gets_nothing(sandbox, bound, call):
    with pytest.raises(SlackApiError):
        call(bound.api_call, f"{sandbox.elsewhere_url}/api/auth.test")
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in arrival.headers


def test_a_base_url_that_is_not_slacks_is_refused(sandbox, xkit, near, stand_in, call):
    sandbox.connect("slack", "user-1")
    with bind(near, "slack", context="user-1", xkit=xkit), pytest.raises(HostNotAllowed):
        call(near.auth_test)
    assert stand_in.arrivals == []


def test_with_off_host_bare_it_goes_without(sandbox, xkit, near, stand_in, call, carried):
    stand_in.says("/api/auth.test", {"ok": True})
    sandbox.connect("slack", "user-1")
    with bind(near, "slack", context="user-1", xkit=xkit, off_host="bare"):
        call(near.auth_test)
    assert carried(stand_in.arrivals) == [(None, 200)]


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # of aiohttp, to slack_sdk
def test_the_basic_header_of_oauth_stays(sandbox, stand_in, bound, call, carried):
    stand_in.says("/api/oauth.v2.access", {"ok": True, "access_token": "new"})
    call(bound.oauth_v2_access, client_id="id", client_secret="secret", code="code")
    assert carried(stand_in.arrivals) == [("Basic aWQ6c2VjcmV0", 200)]
    assert sandbox.call_count() == 0


def test_an_upload_goes_to_its_own_address_without_it(sandbox, stand_in, bound, call, carried):
    address = f"{sandbox.elsewhere_url}/upload/F1"
    stand_in.says("/api/files.getUploadURLExternal", {"ok": True, "file_id": "F1", "upload_url": address})
    stand_in.says("/api/files.completeUploadExternal", {"ok": True, "files": [{"id": "F1"}]})
    assert call(bound.files_upload_v2, content="the plan", filename="plan.txt")["file"] == {"id": "F1"}
    (upload,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in upload.headers
    assert b"the plan" in upload.body
    assert carried(stand_in.arrivals) == [(f"Bearer {sandbox.credential('slack', 'user-1')}", 200)] * 2


def test_a_file_is_sent_whole_or_once(sandbox, stand_in, bound, call, carried, renewed):
    stand_in.says("/api/files.upload", {"ok": True})
    old = sandbox.credential("slack", "user-1")

    def upload():
        return bound.api_call("files.upload", files={"file": io.BytesIO(b"the plan")}, data={"title": "plan"})

    call(upload)
    bound.expire()
    if isinstance(bound, AsyncWebClient):  # aiohttp reads it while it sends it
        with pytest.raises(SlackApiError):
            call(upload)
    call(upload)
    new = sandbox.credential("slack", "user-1")
    assert carried(stand_in.arrivals)[:3] == renewed(old, new, refusal=200)
    assert all(b"the plan" in arrival.body for arrival in stand_in.arrivals)


@pytest.mark.parametrize("kind", [AsyncWebClient], indirect=True)
@pytest.mark.parametrize("content", ["the plan", io.BytesIO(b"the plan")], ids=["text", "file"])
def test_a_form_of_aiohttp_is_sent_whole_both_times(stand_in, bound, call, content):
    stand_in.says("/api/files.upload", {"ok": True})
    form = FormData({"title": "plan"})
    form.add_field("file", content, filename="plan.txt")
    call(bound.api_call, "files.upload", data={"file": "the plan"})
    bound.expire()
    call(bound.api_call, "files.upload", data=form)
    assert len(stand_in.arrivals) == 3
    assert all(b"the plan" in arrival.body.replace(b"+", b" ") for arrival in stand_in.arrivals)


def test_what_is_not_json_is_left_alone(sandbox, stand_in, bound, call):
    stand_in.says("/api/admin.analytics.getFile", b"\x1f\x8b", Content_Type="application/gzip")
    answer = call(bound.admin_analytics_getFile, type="member", date="2026-01-01")
    assert answer.data == b"\x1f\x8b"
    assert len(stand_in.arrivals) == 1


def test_another_error_stays_its_own(sandbox, stand_in, bound, call):
    stand_in.says("/api/auth.test", {"ok": False, "error": "fatal_error"}, 500)
    with pytest.raises(SlackApiError) as caught:
        call(bound.auth_test)
    assert (caught.value.response.status_code, caught.value.response["error"]) == (500, "fatal_error")
    assert find_error(caught.value) is None
    assert len(stand_in.arrivals) == 1


def test_not_connected_is_found_in_what_it_raises(sandbox, xkit, slack, call):
    with bind(slack, "slack", context="nobody", xkit=xkit), pytest.raises(NotConnected) as caught:
        call(slack.auth_test)
    assert find_error(caught.value) is caught.value
    assert sandbox.arrivals("slack") == []
    assert sandbox.call_count() == 1


def test_what_the_plugin_does_not_know_is_refused(xkit):
    with pytest.raises(ConfigurationError, match="Nobody knows"):
        bind(object(), "slack", context="user-1", xkit=xkit)
