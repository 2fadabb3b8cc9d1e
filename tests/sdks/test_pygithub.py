"""PyGithub: its sessions of requests are hidden, and it makes new ones for lazy copies and for other hosts."""

from __future__ import annotations

import pytest
from github import Github
from github.Auth import Token
from github.GithubException import GithubException

from xkit_auth import ConfigurationError, NotConnected
from xkit_auth.sdk import bind, find_error

OPTIONS = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}


@pytest.fixture
def github(sandbox):
    github = Github(base_url=sandbox.github_url, **OPTIONS)
    yield github
    github.close()


def get(requester):
    return requester.requestJsonAndCheck("GET", "/user")[1]


def post(requester):
    return requester.requestJsonAndCheck("POST", "/repos/me/it/issues", input={"title": "Found"})[1]


@pytest.mark.parametrize("send", [get, post])
@pytest.mark.parametrize("is_lazy", [False, True])
def test_it_is_used_turned_down_renewed_and_sent_once_more(sandbox, xkit, github, carried, renewed, send, is_lazy):
    old = sandbox.connect("github", "user-1")
    with bind(github, "github", context="user-1", xkit=xkit):
        requester = github.requester.withLazy(is_lazy)
        assert (requester is github.requester) is not is_lazy
        send(requester)
        sandbox.expire("github", "user-1")
        send(requester)
        if is_lazy:
            requester.close()
    assert carried(sandbox.arrivals("github")) == renewed(old, sandbox.credential("github", "user-1"))
    assert len({arrival.body for arrival in sandbox.arrivals("github")}) == 1
    assert sandbox.call_count() == 2


def test_its_objects_come_and_go_as_ever(sandbox, xkit, github):
    sandbox.connect("github", "user-1")
    with bind(github, "github", context="user-1", xkit=xkit):
        assert github.get_user().login == "user-1"
        repository = github.withLazy(True).get_repo("me/it")
        assert repository.private is True
        repository.requester.close()


def test_copies_of_copies_are_bound_too(sandbox, xkit, github, carried):
    token = sandbox.connect("github", "user-1")
    with bind(github, "github", context="user-1", xkit=xkit):
        copy = github.requester.withLazy(True).withApiVersion("2022-11-28")
        get(copy)
        copy.close()
    assert carried(sandbox.arrivals("github")) == [(f"Bearer {token}", 200)]


@pytest.mark.parametrize("auth", [None, Token("its-own")])
def test_after_release_it_is_what_it_was(sandbox, xkit, carried, look, auth):
    token = sandbox.connect("github", "user-1")
    own = None if auth is None else "token its-own"
    github = Github(base_url=sandbox.github_url, auth=auth, **OPTIONS)
    with pytest.raises(GithubException):
        get(github.requester)  # makes its connection
    before = look(github, github.requester, github.requester._Requester__connection.session)
    binding = bind(github, "github", context="user-1", xkit=xkit)
    get(github.requester)
    binding.release()
    assert look(github, github.requester, github.requester._Requester__connection.session) == before
    with pytest.raises(GithubException):
        get(github.requester)
    github.close()
    assert carried(sandbox.arrivals("github")) == [(own, 401), (f"Bearer {token}", 200), (own, 401)]


def test_a_binding_that_was_not_used_leaves_no_trace(sandbox, xkit, github, look):
    before = look(github, github.requester)
    bind(github, "github", context="user-1", xkit=xkit).release()
    assert look(github, github.requester) == before


@pytest.mark.parametrize("auth", [None, Token("its-own")])
def test_after_release_lazy_copies_are_what_they_would_have_been(sandbox, xkit, carried, auth):
    token = sandbox.connect("github", "user-1")
    own = None if auth is None else "token its-own"
    github = Github(base_url=sandbox.github_url, auth=auth, **OPTIONS)
    with bind(github, "github", context="user-1", xkit=xkit):
        copy = github.requester.withLazy(True)
        get(copy)
    for requester in (copy, copy.withLazy(False)):
        with pytest.raises(GithubException):
            get(requester)
        requester.close()
    github.close()
    assert carried(sandbox.arrivals("github")) == [(f"Bearer {token}", 200), (own, 401), (own, 401)]


def test_a_redirect_within_the_host_takes_it_along(sandbox, xkit, github, carried):
    token = sandbox.connect("github", "user-1")
    with bind(github, "github", context="user-1", xkit=xkit):
        parameters = {"to": f"{sandbox.github_url}/user", "status": 301}
        assert github.requester.requestJsonAndCheck("GET", "/redirect", parameters)[1]["login"] == "user-1"
    assert carried(sandbox.arrivals("github")) == [(f"Bearer {token}", 301), (f"Bearer {token}", 200)]


def test_a_redirect_to_another_host_is_refused_by_itself(sandbox, xkit, github):
    sandbox.connect("github", "user-1")
    with bind(github, "github", context="user-1", xkit=xkit):
        parameters = {"to": f"{sandbox.elsewhere_url}/file", "status": 302}
        with pytest.raises(AssertionError):
            github.requester.requestJsonAndCheck("GET", "/redirect", parameters, follow_302_redirect=True)
    assert sandbox.arrivals("elsewhere") == []


def test_its_log_shows_nothing(sandbox, xkit, github, caplog):
    token = sandbox.connect("github", "user-1")
    caplog.set_level("DEBUG", "github.Requester")
    with bind(github, "github", context="user-1", xkit=xkit):
        get(github.requester)
    assert "/user" in caplog.text
    assert token not in caplog.text


def test_its_auth_object_says_what_it_is(sandbox, xkit, github):
    with bind(github, "github", context="user-1", xkit=xkit):
        assert (github.requester.auth.token_type, github.requester.auth.token) == ("Bearer", "")


def test_not_connected_is_found_in_what_it_raises(sandbox, xkit, github):
    with bind(github, "github", context="nobody", xkit=xkit), pytest.raises(NotConnected) as caught:
        get(github.requester)
    assert find_error(caught.value) is caught.value
    assert sandbox.arrivals("github") == []
    assert sandbox.call_count() == 1


def test_what_the_plugin_does_not_know_is_refused(xkit):
    with pytest.raises(ConfigurationError, match="Nobody knows"):
        bind(object(), "github", context="user-1", xkit=xkit)
