"""Slack: its 200 with an error is healed on every client, and bodies that are not its JSON are left alone."""

from __future__ import annotations

import json

import pytest
from xkit_auth_slack import slack

from xkit_auth import HostNotAllowed, ReauthorizationRequired


@pytest.fixture
def auth(sandbox, driver, xkit):
    sandbox.connect("slack", "user-1")
    return driver.auth("slack", context="user-1", xkit=xkit)


def test_the_token_goes_to_slack_as_bearer(sandbox, driver, auth):
    reply = driver.send("GET", f"{sandbox.slack_url}/api/auth.test", auth=auth)
    assert reply.json()["user"] == "user-1"
    (arrival,) = sandbox.arrivals("slack")
    assert arrival.headers["authorization"] == f"Bearer {sandbox.credential('slack', 'user-1')}"


@pytest.mark.parametrize("switch", ["", "?gzip=1"])
def test_c12_an_expired_token_is_healed_though_slack_says_200(sandbox, driver, auth, switch):
    url = f"{sandbox.slack_url}/api/chat.postMessage{switch}"
    driver.send("POST", url, auth=auth, json={"text": "one"})
    sandbox.expire("slack", "user-1")
    reply = driver.send("POST", url, auth=auth, json={"text": "two"})
    assert reply.json()["ok"] is True
    assert reply.history == [200]
    assert sandbox.call_count() == 2
    assert [json.loads(each.body)["text"] for each in sandbox.arrivals("slack")] == ["one", "two", "two"]


def test_a_body_that_was_looked_at_is_whole_for_the_caller(sandbox, driver, auth):
    with driver.session(auth=auth) as send:
        response = send("GET", f"{sandbox.slack_url}/api/auth.test", stream=driver.loop is None)
        if driver.loop is None and driver.library != "requests":
            assert json.loads(b"".join(response.iter_raw()))["ok"] is True
        else:
            assert response.json()["ok"] is True


def test_a_revoked_token_raises_what_the_user_must_do(sandbox, driver, auth):
    url = f"{sandbox.slack_url}/api/auth.test"
    driver.send("GET", url, auth=auth)
    sandbox.revoke("slack", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        driver.send("GET", url, auth=auth)
    assert caught.value.response.json()["error"] == "token_revoked"


def test_a_revoked_token_of_which_xkit_does_not_know_raises_the_same(sandbox, driver, auth):
    url = f"{sandbox.slack_url}/api/auth.test"
    driver.send("GET", url, auth=auth)
    sandbox.revoke("slack", "user-1", known_to_xkit=False)
    with pytest.raises(ReauthorizationRequired):
        driver.send("GET", url, auth=auth)


@pytest.mark.parametrize("error", ["missing_scope", "not_allowed_token_type", "channel_not_found"])
def test_what_a_new_token_does_not_cure_is_the_callers(sandbox, driver, auth, error):
    reply = driver.send("GET", f"{sandbox.slack_url}/api/chat.delete?error={error}", auth=auth)
    assert reply.json()["error"] == error
    assert len(sandbox.arrivals("slack")) == 1


def test_a_rate_limit_is_the_callers(sandbox, driver, auth):
    assert driver.send("GET", f"{sandbox.slack_url}/status/429", auth=auth).status == 429
    assert sandbox.call_count() == 1


REFUSAL = '{"ok":false,"error":"token_expired"}'


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json", "content-disposition": "attachment; filename=x.json"},
        {"content-type": "application/octet-stream"},
    ],
)
def test_c12_a_body_that_is_no_json_or_a_download_is_not_looked_at(sandbox, driver, auth, headers):
    from urllib.parse import quote

    query = "&".join(f"header={quote(f'{name}:{value}')}" for name, value in headers.items())
    reply = driver.send("GET", f"{sandbox.slack_url}/status/200?{query}&body={quote(REFUSAL)}", auth=auth)
    assert reply.text == REFUSAL
    assert sandbox.call_count() == 1
    assert len(sandbox.arrivals("slack")) == 1


def test_c12_a_stream_and_a_download_pass_untouched(sandbox, driver, auth):
    with driver.session(auth=auth) as send:
        response = send("GET", f"{sandbox.slack_url}/files/report?chunks=3", stream=True)
        assert response.status_code == 200
        if driver.library != "requests":
            assert not response.is_stream_consumed
    assert sandbox.call_count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evilslack.com/api/",
        "https://slack.com.evil.example/",
        "https://hooks.slack.com/",
        "https://slack.com:8443/",
        "http://slack.com/",
    ],
)
def test_look_alike_hosts_are_refused(sandbox, driver, url):
    xkit = sandbox.xkit(plugins=[])
    auth = driver.auth("slack", context="user-1", xkit=xkit, hosts=slack.hosts)
    with pytest.raises(HostNotAllowed):
        driver.send("GET", url, auth=auth)
    assert sandbox.call_count() == 0


def test_the_refusal_of_the_tests_is_a_refusal():
    assert json.loads(REFUSAL)["error"] in slack.failures[0].json["error"]
