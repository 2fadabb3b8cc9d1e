"""python-gitlab: it has a session of requests, follows links to anywhere, and sends files that cannot be sent again."""

from __future__ import annotations

import pytest
from gitlab import Gitlab
from gitlab.exceptions import GitlabAuthenticationError, GitlabHttpError

from xkit_auth import ConfigurationError, HostNotAllowed, NotConnected
from xkit_auth.sdk import bind, find_error


@pytest.fixture
def gitlab(sandbox):
    with Gitlab(sandbox.provider_url("gitlab")) as gitlab:
        yield gitlab


@pytest.mark.parametrize("verb", ["get", "post"])
def test_it_is_used_turned_down_renewed_and_sent_once_more(sandbox, xkit, gitlab, carried, renewed, verb):
    send = {"get": lambda: gitlab.projects.get(1), "post": lambda: gitlab.projects.create({"name": "it"})}[verb]
    old = sandbox.connect("gitlab", "user-1")
    with bind(gitlab, "gitlab", context="user-1", xkit=xkit):
        send()
        sandbox.expire("gitlab", "user-1")
        assert send().method == verb.upper()
    assert carried(sandbox.arrivals("gitlab")) == renewed(old, sandbox.credential("gitlab", "user-1"))
    assert len({arrival.body for arrival in sandbox.arrivals("gitlab")}) == 1
    assert sandbox.call_count() == 2


def test_an_upload_is_not_sent_again_without_its_body(sandbox, xkit, gitlab, carried, renewed):
    def upload():
        gitlab.http_post("/projects/1/uploads", files={"file": ("plan.txt", b"the plan", "text/plain")})

    old = sandbox.connect("gitlab", "user-1")
    with bind(gitlab, "gitlab", context="user-1", xkit=xkit):
        upload()
        sandbox.expire("gitlab", "user-1")
        with pytest.raises(GitlabAuthenticationError):
            upload()
        upload()
    assert carried(sandbox.arrivals("gitlab")) == renewed(old, sandbox.credential("gitlab", "user-1"))
    assert all(b"the plan" in arrival.body for arrival in sandbox.arrivals("gitlab"))


def test_after_release_it_is_what_it_was(sandbox, xkit, gitlab, carried, look):
    token = sandbox.connect("gitlab", "user-1")
    with pytest.raises(GitlabAuthenticationError):
        gitlab.projects.get(1)
    before = look(gitlab, gitlab.session)
    binding = bind(gitlab, "gitlab", context="user-1", xkit=xkit)
    gitlab.projects.get(1)
    binding.release()
    assert look(gitlab, gitlab.session) == before
    with pytest.raises(GitlabAuthenticationError):
        gitlab.projects.get(1)
    assert carried(sandbox.arrivals("gitlab")) == [(None, 401), (f"Bearer {token}", 200), (None, 401)]


@pytest.mark.parametrize(
    "own",
    [
        {"private_token": "its-own"},
        {"oauth_token": "its-own"},
        {"job_token": "its-own"},
        {"http_username": "me", "http_password": "its-own"},
    ],
    ids=repr,
)
def test_one_with_a_credential_of_its_own_is_refused(sandbox, xkit, look, own):
    with Gitlab(sandbox.provider_url("gitlab"), **own) as gitlab:
        before = look(gitlab, gitlab.session)
        with pytest.raises(ConfigurationError, match="which would win") as caught:
            bind(gitlab, "gitlab", context="user-1", xkit=xkit)
        assert look(gitlab, gitlab.session) == before
    assert "its-own" not in str(caught.value)


def test_a_link_to_the_next_page_within_the_host_is_followed(sandbox, stand_in, xkit, carried):
    pages = f"{stand_in.url}/api/v4/projects"
    stand_in.says("/api/v4/projects", [{"id": 1}], Link=f'<{pages}?page=2>; rel="next"')
    stand_in.says("/api/v4/projects", [{"id": 2}])
    token = sandbox.connect("gitlab", "user-1")
    with Gitlab(stand_in.url) as gitlab, bind(gitlab, "gitlab", context="user-1", xkit=xkit, hosts=[stand_in.host]):
        assert [project.id for project in gitlab.projects.list(iterator=True)] == [1, 2]
    assert carried(stand_in.arrivals) == [(f"Bearer {token}", 200)] * 2


def test_a_link_to_the_next_page_on_another_host_is_not(sandbox, stand_in, xkit):
    stand_in.says("/api/v4/projects", [{"id": 1}], Link=f'<{sandbox.elsewhere_url}/projects?page=2>; rel="next"')
    sandbox.connect("gitlab", "user-1")
    with Gitlab(stand_in.url) as gitlab, bind(gitlab, "gitlab", context="user-1", xkit=xkit, hosts=[stand_in.host]):
        projects = gitlab.projects.list(iterator=True)
        assert next(projects).id == 1
        with pytest.raises(HostNotAllowed) as caught:
            next(projects)
    assert find_error(caught.value) is caught.value
    assert sandbox.arrivals("elsewhere") == []


def test_with_off_host_bare_that_page_goes_without(sandbox, stand_in, xkit):
    stand_in.says("/api/v4/projects", [{"id": 1}], Link=f'<{sandbox.elsewhere_url}/status/200?body=[]>; rel="next"')
    sandbox.connect("gitlab", "user-1")
    with (
        Gitlab(stand_in.url) as gitlab,
        bind(gitlab, "gitlab", context="user-1", xkit=xkit, hosts=[stand_in.host], off_host="bare"),
    ):
        assert len(list(gitlab.projects.list(iterator=True))) == 1
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in arrival.headers


def test_a_redirect_to_another_host_carries_nothing(sandbox, stand_in, xkit):
    stand_in.says("/api/v4/projects/1", "", 302, Location=f"{sandbox.elsewhere_url}/api/v4/projects/1")
    sandbox.connect("gitlab", "user-1")
    with Gitlab(stand_in.url) as gitlab, bind(gitlab, "gitlab", context="user-1", xkit=xkit, hosts=[stand_in.host]):
        gitlab.projects.get(1)
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in arrival.headers


def test_another_refusal_stays_its_own(sandbox, xkit, gitlab):
    sandbox.connect("gitlab", "user-1")
    with bind(gitlab, "gitlab", context="user-1", xkit=xkit), pytest.raises(GitlabHttpError) as caught:
        gitlab.http_get(f"{sandbox.provider_url('gitlab')}/status/409")
    assert find_error(caught.value) is None


def test_not_connected_is_found_in_what_it_raises(sandbox, xkit, gitlab):
    with bind(gitlab, "gitlab", context="nobody", xkit=xkit), pytest.raises(NotConnected) as caught:
        gitlab.projects.get(1)
    assert find_error(caught.value) is caught.value
    assert sandbox.arrivals("gitlab") == []
    assert sandbox.call_count() == 1


def test_what_the_plugin_does_not_know_is_refused(xkit):
    with pytest.raises(ConfigurationError, match="Nobody knows"):
        bind(object(), "gitlab", context="user-1", xkit=xkit)
