"""githubkit: it takes an auth object of its own kind, makes a client for each request, and has an HTTP cache."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack

import pytest
from githubkit import GitHub, TokenAuthStrategy
from githubkit.exception import RequestError, RequestFailed

from xkit_auth import NotConnected
from xkit_auth.sdk import bind, find_error


@pytest.fixture
def github(sandbox):
    github = GitHub(base_url=sandbox.github_url, trust_env=False)
    assert github.rest is not None  # made when it is first asked for, and kept
    return github


@pytest.fixture(params=["sync", "async"])
def run(request, github):
    """Runs steps: ``get``, ``post``, ``graphql``, or any function; inside ``with github`` from a step ``with`` on."""

    def call(step):
        match step:
            case "get":
                return github.rest.users.get_authenticated
            case "post":
                return lambda: github.request("POST", "/repos/me/it/issues", json={"title": "Found"})
            case "etag":
                return lambda: github.request("GET", "/status/200", params={"header": 'etag:"v1"'})
        return step

    def acall(step):
        match step:
            case "get":
                return github.rest.users.async_get_authenticated
            case "post":
                return lambda: github.arequest("POST", "/repos/me/it/issues", json={"title": "Found"})
            case "etag":
                return lambda: github.arequest("GET", "/status/200", params={"header": 'etag:"v1"'})
        return step

    def run_sync(*steps):
        with ExitStack() as stack:
            return [stack.enter_context(github) if step == "with" else call(step)() for step in steps]

    async def run_async(*steps):
        results = []
        async with AsyncExitStack() as stack:
            for step in steps:
                result = stack.enter_async_context(github) if step == "with" else acall(step)()
                results.append(await result if hasattr(result, "__await__") else result)
        return results

    return run_sync if request.param == "sync" else lambda *steps: asyncio.run(run_async(*steps))


PLACES = {
    "outside with": lambda bound: [bound],
    "bound before with": lambda bound: [bound, "with"],
    "bound inside with": lambda bound: ["with", bound],
}


@pytest.fixture(params=PLACES)
def bound_in(request):
    """The first steps: binding, and ``with`` before or after it or not at all."""
    return PLACES[request.param]


@pytest.mark.parametrize("verb", ["get", "post"])
def test_it_is_used_turned_down_renewed_and_sent_once_more(
    sandbox, xkit, github, run, bound_in, carried, renewed, verb
):
    old = sandbox.connect("github", "user-1")
    run(
        *bound_in(lambda: bind(github, "github", context="user-1", xkit=xkit)),
        verb,
        lambda: sandbox.expire("github", "user-1"),
        verb,
    )
    assert carried(sandbox.arrivals("github")) == renewed(old, sandbox.credential("github", "user-1"))
    assert len({arrival.body for arrival in sandbox.arrivals("github")}) == 1
    assert sandbox.call_count() == 2


def test_its_own_token_gives_way_and_comes_back(sandbox, xkit, github, run, bound_in, carried):
    github.auth = TokenAuthStrategy("its-own")
    token = sandbox.connect("github", "user-1")
    bindings = []
    steps = bound_in(lambda: bindings.append(bind(github, "github", context="user-1", xkit=xkit)))
    with pytest.raises(RequestFailed):
        run(*steps, "get", lambda: bindings.pop().release(), "get")
    assert carried(sandbox.arrivals("github")) == [(f"Bearer {token}", 200), ("token its-own", 401)]


def test_after_release_it_is_what_it_was(sandbox, xkit, github, run, bound_in, carried, look):
    sandbox.connect("github", "user-1")
    seen, bindings = [look(github)], []
    steps = bound_in(lambda: bindings.append(bind(github, "github", context="user-1", xkit=xkit)))
    with pytest.raises(RequestFailed):
        run(*steps, "get", lambda: bindings.pop().release(), lambda: seen.append(look(github)), "get")
    assert seen[0] == seen[1]
    assert carried(sandbox.arrivals("github"))[1:] == [(None, 401)]


def test_a_client_that_was_there_is_what_it_was(sandbox, xkit, github, look):
    sandbox.connect("github", "user-1")
    with github, github.get_sync_client() as client:
        client.get("/")
        before = look(github, client)
        with bind(github, "github", context="user-1", xkit=xkit):
            assert look(github, client) != before
            assert github.rest.users.get_authenticated().json()["login"] == "user-1"
        assert look(github, client) == before


def test_who_is_bound_next_is_who_it_is(sandbox, xkit, github, run, bound_in, carried):
    tokens = [sandbox.connect("github", context) for context in ("user-1", "user-2")]
    bindings = []

    def bind_to(context):
        return lambda: bindings.append(bind(github, "github", context=context, xkit=xkit))

    run(*bound_in(bind_to("user-1")), "get", lambda: bindings.pop().release(), bind_to("user-2"), "get")
    assert carried(sandbox.arrivals("github")) == [(f"Bearer {token}", 200) for token in tokens]


def test_the_cache_which_is_everybodys_is_not_asked(sandbox, xkit, github, run, bound_in):
    for context in ("user-1", "user-2"):
        sandbox.connect("github", context)
    user = ["user-1"]
    steps = bound_in(lambda: bind(github, "github", context=lambda: user[0], xkit=xkit))
    run(*steps, "etag", lambda: user.__setitem__(0, "user-2"), "etag")
    assert ["if-none-match" in arrival.headers for arrival in sandbox.arrivals("github")] == [False, False]


def test_without_us_it_asks_its_cache(stand_in):
    stand_in.says("/user", {}, ETag='"v1"')
    with GitHub("token", base_url=stand_in.url, trust_env=False) as github:
        for _ in range(2):
            github.request("GET", "/user")
    assert ["if-none-match" in arrival.headers for arrival in stand_in.arrivals] == [False, True]


def test_not_connected_is_found_in_what_it_raises(sandbox, xkit, github, run, bound_in):
    with pytest.raises(RequestError) as caught:
        run(*bound_in(lambda: bind(github, "github", context="nobody", xkit=xkit)), "get")
    assert isinstance(find_error(caught.value), NotConnected)
    assert sandbox.arrivals("github") == []
    assert sandbox.call_count() == 1


def test_a_redirect_to_another_host_carries_nothing(sandbox, xkit, github):
    sandbox.connect("github", "user-1")
    with bind(github, "github", context="user-1", xkit=xkit):
        github.request("GET", "/redirect", params={"to": sandbox.elsewhere_url})
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "authorization" not in arrival.headers
