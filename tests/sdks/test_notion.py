"""notion-client: it has a client of httpx, whose slot is free, but ``with`` puts another one in its place."""

from __future__ import annotations

import pytest
from notion_client import AsyncClient, Client
from notion_client.errors import HTTPResponseError

from xkit_auth import NotConnected
from xkit_auth.sdk import bind, find_error


@pytest.fixture(params=[Client, AsyncClient])
def make(request, sandbox, call):
    """Makes a client, which is closed when the test is over."""
    made = []

    def make(**options):
        made.append(request.param(options={"base_url": sandbox.provider_url("notion"), **options}))
        return made[-1]

    yield make
    for notion in made:
        call(notion.close if isinstance(notion, Client) else notion.aclose)


@pytest.fixture
def notion(make):
    return make()


@pytest.mark.parametrize("verb", ["get", "post", "multipart"])
def test_it_is_used_turned_down_renewed_and_sent_once_more(sandbox, xkit, notion, call, carried, renewed, verb):
    send = {
        "get": lambda: notion.users.me(),
        "post": lambda: notion.search(query="plans"),
        "multipart": lambda: notion.file_uploads.send("upload-1", file=("plan.txt", b"the plan", "text/plain")),
    }[verb]
    old = sandbox.connect("notion", "user-1")
    with bind(notion, "notion", context="user-1", xkit=xkit):
        call(send)
        sandbox.expire("notion", "user-1")
        call(send)
    assert carried(sandbox.arrivals("notion")) == renewed(old, sandbox.credential("notion", "user-1"))
    assert len({len(arrival.body) for arrival in sandbox.arrivals("notion")}) == 1
    assert sandbox.call_count() == 2


@pytest.mark.parametrize("own", [None, "its-own"])
def test_after_release_it_is_what_it_was(sandbox, xkit, make, call, carried, look, own):
    notion = make(auth=own)
    token = sandbox.connect("notion", "user-1")
    header = own and f"Bearer {own}"
    with pytest.raises(HTTPResponseError):
        call(notion.users.me)
    before = look(notion, notion.client)
    binding = bind(notion, "notion", context="user-1", xkit=xkit)
    call(notion.users.me)
    binding.release()
    assert look(notion, notion.client) == before
    with pytest.raises(HTTPResponseError):
        call(notion.users.me)
    assert carried(sandbox.arrivals("notion")) == [(header, 401), (f"Bearer {token}", 200), (header, 401)]


def test_the_version_that_it_names_stays(sandbox, xkit, make, call):
    notion = make(notion_version="2022-06-28")
    sandbox.connect("notion", "user-1")
    with bind(notion, "notion", context="user-1", xkit=xkit):
        call(notion.users.me)
    assert sandbox.arrivals("notion")[0].headers["notion-version"] == "2022-06-28"


def test_bound_inside_with_it_is_bound(sandbox, xkit, call, carried):
    token = sandbox.connect("notion", "user-1")
    with Client(base_url=sandbox.provider_url("notion")) as notion:
        with bind(notion, "notion", context="user-1", xkit=xkit):
            notion.users.me()
        with pytest.raises(HTTPResponseError):
            notion.users.me()
        notion._clients[0].close()
    assert carried(sandbox.arrivals("notion")) == [(f"Bearer {token}", 200), (None, 401)]


def test_with_takes_another_client_which_nobody_has_bound(sandbox, xkit, call, carried):
    sandbox.connect("notion", "user-1")
    notion = Client(base_url=sandbox.provider_url("notion"))
    with bind(notion, "notion", context="user-1", xkit=xkit):
        with notion, pytest.raises(HTTPResponseError):
            notion.users.me()
        notion.users.me()
    notion.close()
    assert [header is None for header, _ in carried(sandbox.arrivals("notion"))] == [True, False]


def test_not_connected_is_found_in_what_it_raises(sandbox, xkit, notion, call):
    with bind(notion, "notion", context="nobody", xkit=xkit), pytest.raises(NotConnected) as caught:
        call(notion.users.me)
    assert find_error(caught.value) is caught.value
    assert sandbox.arrivals("notion") == []
    assert sandbox.call_count() == 1
