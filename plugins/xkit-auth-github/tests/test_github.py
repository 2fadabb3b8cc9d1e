"""GitHub: 401 is worth another token, 403 and 404 never are, and the API version goes along."""

from __future__ import annotations

import pytest
from xkit_auth_github import github

from xkit_auth import HostNotAllowed


@pytest.fixture
def auth(sandbox, driver, xkit):
    sandbox.connect("github", "user-1")
    return driver.auth("github", context="user-1", xkit=xkit)


def test_the_token_and_the_api_version_go_to_github(sandbox, driver, auth):
    assert driver.send("GET", f"{sandbox.github_url}/user", auth=auth).json()["login"] == "user-1"
    (arrival,) = sandbox.arrivals("github")
    assert arrival.headers["authorization"] == f"Bearer {sandbox.credential('github', 'user-1')}"
    assert arrival.headers["x-github-api-version"] == "2022-11-28"


def test_the_callers_own_api_version_wins(sandbox, driver, auth):
    headers = {"x-github-api-version": "2026-03-10"}
    driver.send("GET", f"{sandbox.github_url}/user", auth=auth, headers=headers)
    (arrival,) = sandbox.arrivals("github")
    versions = [value for name, value in arrival.raw_headers if name.lower() == "x-github-api-version"]
    assert versions == ["2026-03-10"]


def test_bad_credentials_are_healed(sandbox, driver, auth):
    url = f"{sandbox.github_url}/user"
    driver.send("GET", url, auth=auth)
    sandbox.expire("github", "user-1")
    reply = driver.send("GET", url, auth=auth)
    assert (reply.status, reply.history) == (200, [401])
    assert sandbox.call_count() == 2


def test_a_404_is_never_fetched_for(sandbox, driver, auth):
    assert driver.send("GET", f"{sandbox.github_url}/repos/hidden/secret", auth=auth).status == 404
    assert sandbox.call_count() == 1
    assert len(sandbox.arrivals("github")) == 1


def test_a_403_is_the_callers_and_is_not_sent_again(sandbox, driver, auth):
    assert driver.send("GET", f"{sandbox.github_url}/missing-scope", auth=auth).status == 403
    sandbox.wait_for_calls(2)  # in the background, as the user may have granted more
    assert len(sandbox.arrivals("github")) == 1


@pytest.mark.parametrize("header", ["X-RateLimit-Remaining:0", "Retry-After:60", "X-GitHub-SSO:required"])
def test_no_kind_of_403_is_sent_again(sandbox, driver, auth, header):
    reply = driver.send("GET", f"{sandbox.github_url}/status/403?header={header}", auth=auth)
    assert reply.status == 403
    assert len(sandbox.arrivals("github")) == 1


def test_the_alias_of_the_catalog_means_the_same_connector(sandbox, driver, xkit):
    sandbox.connect("github-oauth", "user-1")
    auth = driver.auth("github-oauth", context="user-1", xkit=xkit)
    assert driver.send("GET", f"{sandbox.github_url}/user", auth=auth).status == 200
    assert [call.connector for call in sandbox.calls] == ["github-oauth"]


def test_a_slug_of_the_projects_own_can_mean_github(sandbox, driver):
    xkit = sandbox.xkit(connectors={"my-gh": "github"})
    sandbox.connect("my-gh", "user-1")
    auth = driver.auth("my-gh", context="user-1", xkit=xkit)
    assert driver.send("GET", f"{sandbox.github_url}/user", auth=auth).status == 200
    assert [call.connector for call in sandbox.calls] == ["my-gh"]


@pytest.mark.parametrize(
    "url", ["https://github.com/", "https://api.github.com.evil.example/", "http://api.github.com/"]
)
def test_other_hosts_are_refused(sandbox, driver, url):
    auth = driver.auth("github", context="user-1", xkit=sandbox.xkit(), hosts=github.hosts)
    with pytest.raises(HostNotAllowed):
        driver.send("GET", url, auth=auth)
    assert sandbox.call_count() == 0
