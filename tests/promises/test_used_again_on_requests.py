"""A request of requests that is used again: sent elsewhere, prepared anew, or given to another auth object."""

from __future__ import annotations

import itertools
import pickle
import traceback
from copy import copy, deepcopy
from urllib.parse import quote

import pytest

from helpers.on_requests import TOKEN, acme, carries, kind, redirect, session, to  # noqa: F401
from xkit_auth import ANY, ConflictWarning, Connector, HostNotAllowed, hookimpl

pytestmark = pytest.mark.drivers(requests=True)


def ours_in(error):
    """The frames of xkit-auth in a traceback."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return [frame for frame in frames if frame.f_globals["__name__"].startswith("xkit_auth.")]


# Requests that are used again


def unpickled(request):
    return pickle.loads(pickle.dumps(request))


AGAIN = {
    "itself": lambda session, acme: session.send(acme.request()).request,
    "never sent": lambda session, acme: acme.request(),
    "copied": lambda session, acme: copy(session.send(acme.request()).request),
    "deepcopied": lambda session, acme: deepcopy(session.send(acme.request()).request),
    "pickled": lambda session, acme: unpickled(session.send(acme.request()).request),
    "where a redirect led": lambda session, acme: session.send(acme.request("/things")).request,
    "history": lambda session, acme: session.send(acme.request("/things")).history[0].request,
    "next": lambda session, acme: session.send(acme.request("/things"), allow_redirects=False).next,
    "healed": lambda session, acme: session.send(acme.expired(acme.request())).request,
}


@pytest.fixture
def again(acme, session):
    """Requests that went to the provider, or were to, and are used again, each for so many times."""

    def requests(times=1):
        return [way(session, acme) for way in AGAIN.values() for _ in range(times)]

    return requests


def prepared_for(request, url):
    request.prepare_url(url, None)


def test_h3_a_request_that_is_sent_elsewhere_later_leaves_its_credential_behind(sandbox, acme, session, again):
    auth = acme.auth(off_host="bare")
    ways = itertools.cycle(
        [
            lambda request: to(request, f"{sandbox.elsewhere_url}/x"),
            lambda request: prepared_for(request, f"{sandbox.elsewhere_url}/x"),
            lambda request: (prepared_for(request, f"{sandbox.elsewhere_url}/x"), request.prepare_auth(auth)),
        ]
    )
    for request in again(3):
        next(ways)(request)
        assert session.send(request).status_code == 200
        assert "tok-1" not in f"{request.headers}{request.url}{request.hooks}"
    assert acme.carried("elsewhere") == [False] * 3 * len(AGAIN)


def test_h3_a_request_that_is_prepared_anew_knows_nothing_of_before(sandbox, acme, session, again):
    for request in again():
        request.prepare("GET", f"{sandbox.elsewhere_url}/x", hooks={})
        assert session.send(request).status_code == 200
        request.prepare("GET", f"{acme.url}/things", auth=acme.auth(), hooks={})
        assert session.send(request).status_code == 200
        assert carries(sandbox.arrivals("acme")[-1])
    assert acme.carried("elsewhere") == [False] * len(AGAIN)


def test_h3_what_a_request_is_prepared_anew_of_is_without_ours(sandbox, acme, session, again):
    """``prepare`` is given what stands on the request itself, as by whoever wants to change one thing of it."""
    ways = itertools.cycle(
        [
            lambda request, url: request.prepare("GET", url, request.headers, hooks=request.hooks),
            lambda request, url: request.prepare("GET", url, headers=dict(request.headers), hooks={}),
            lambda request, url: request.prepare(
                "GET", url, headers={name.encode(): text for name, text in request.headers.items()}, hooks=None
            ),
        ]
    )
    for request in again(3):
        request.headers["X-Mine"] = "mine"
        next(ways)(request, f"{sandbox.elsewhere_url}/x")
        assert session.send(request).status_code == 200
        assert sandbox.arrivals("elsewhere")[-1].headers["x-mine"] == "mine"
    assert acme.carried("elsewhere") == [False] * 3 * len(AGAIN)


def test_h3_a_url_with_ours_in_it_from_which_a_request_is_prepared_anew_is_without(acme, session):
    """But for an unpickled one: nobody knows any more what was put there, and it stays at home."""
    for again in [way for name, way in AGAIN.items() if name != "pickled"]:
        request = again(session, acme)
        request.prepare("GET", request.url, headers=request.headers, auth=("somebody", "else"), hooks={})
        assert "tok-1" not in f"{request.headers}{request.url}"
        assert request.headers["Authorization"].startswith("Basic ")


def test_h3_what_another_auth_object_is_applied_to_is_without_ours(driver, acme, session, kind):
    """Where a redirect has just led is left out: a session applies what netrc says in the same way. So is a URL of
    which nobody knows any more what was put there.
    """
    left_out = {"next", "pickled"} if kind == "query" else {"next"}
    others = itertools.cycle([("somebody", "else"), driver.lib.auth.HTTPDigestAuth("somebody", "else"), lambda r: r])
    for name, again in AGAIN.items():
        for other in itertools.islice(others, 0 if name in left_out else 3):
            request = again(session, acme)
            request.prepare_auth(other)
            assert "tok-1" not in f"{request.headers}{request.url}{request.hooks}", name
            assert request.headers.get("Authorization", "").startswith("Basic " if isinstance(other, tuple) else "")


def test_h3_a_request_is_not_prepared_anew_for_another_origin_with_the_credential_in_the_url(sandbox, acme, session):
    request = acme.request(auth=acme.auth(kind="query"))
    for url in (f"{sandbox.elsewhere_url}/?next={quote(request.url, safe='')}", f"{sandbox.elsewhere_url}/{TOKEN}"):
        for each in (url, url.encode()):
            with pytest.raises(HostNotAllowed) as caught:
                acme.request(auth=acme.auth(kind="query")).prepare("GET", each, hooks={})
            assert not any("tok-1" in repr(frame.f_locals) for frame in ours_in(caught.value))


def test_h3_headers_put_back_by_prepare_headers_are_known(sandbox, acme, session, again):
    for request in again():
        request.prepare_headers(dict(request.headers))
        to(request, f"{sandbox.elsewhere_url}/x")
        assert session.send(request).status_code == 200
    assert acme.carried("elsewhere") == [False] * len(AGAIN)


def test_h3_a_second_provider_gets_its_own_credential_only(sandbox, driver, acme, session, again):
    shown = []

    class Other:
        @hookimpl
        def xkit_auth_format_headers(self, connector, credential, request):
            if connector.slug != "other":
                return None
            shown.append(f"{request.headers}{request.url}")
            return {"X-Other": credential.reveal()}

    sandbox.add_connector(Connector("other", hosts=["api.other.example"]))
    sandbox.connect("other", "user-1", credential="the-other-one")
    xkit = sandbox.xkit(timeout=30, plugins=[Other()], connectors={"acme": "acme", "other": "other"})
    any_of_them = driver.auth(ANY, context="user-1", xkit=xkit)
    for request in again():
        prepared_for(request, f"{sandbox.provider_url('other')}/x")
        request.prepare_auth(any_of_them)
        assert session.send(request).status_code == 200
    for arrival in sandbox.arrivals("other"):
        assert arrival.headers["x-other"] == "the-other-one"
        assert "tok-1" not in f"{arrival.raw_headers}{arrival.path}{arrival.query}"
    assert len(shown) == len(AGAIN)
    assert "tok-1" not in str(shown)


def test_h3_a_header_that_the_caller_has_put_in_its_place_is_the_callers(sandbox, acme, session, kind):
    name = "X-Api-Key" if kind == "key" else "Authorization"
    for mine in ("mine", b"mine"):
        request = acme.request()
        session.send(request)
        request.headers[name] = mine
        to(request, sandbox.elsewhere_url)
        assert request.headers[name] == mine
        session.send(request)
        assert sandbox.arrivals("elsewhere")[-1].headers[name.lower()] == "mine"


def test_h3_a_header_that_was_made_of_ours_is_ours(sandbox, acme, session):
    request = acme.request(auth=acme.auth(kind="key"))
    for made_of_it in (f"key={TOKEN}", TOKEN.encode()):
        request = acme.request(auth=acme.auth(kind="key"))
        request.headers["X-Api-Key"] = made_of_it
        to(request, sandbox.elsewhere_url)
        assert "X-Api-Key" not in request.headers


def test_h3_what_the_owner_takes_off_stays_off_on_the_way(sandbox, driver, acme, session, kind):
    if kind == "query":
        pytest.skip("a credential in a header is taken off by its name")
    auth = acme.auth(hosts=[sandbox.elsewhere_url.removeprefix("http://")])
    request = driver.lib.Request("GET", redirect(sandbox.elsewhere_url, "/things"), auth=auth).prepare()
    del request.headers["X-Api-Key" if kind == "key" else "Authorization"]
    assert session.send(request).status_code == 200
    assert acme.carried("elsewhere") == [False, False]


def test_h3_further_headers_of_the_connector_come_off_too(sandbox, driver, xkit, session):
    sandbox.add_connector(
        Connector("acme", hosts=["x.example"], extra={"X-Account": "{param.account}"}, params={"account": "id"})
    )
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit, params={"account": "a-17"}, off_host="bare")
    url = sandbox.provider_url("acme")
    for leave in (
        lambda: session.get(redirect(url, sandbox.elsewhere_url), auth=auth),
        lambda: session.send(moved(driver.lib.Request("GET", url, auth=auth).prepare(), sandbox.elsewhere_url)),
    ):
        leave()
        assert "x-account" not in sandbox.arrivals("elsewhere")[-1].headers
    assert sandbox.arrivals("acme")[0].headers["x-account"] == "a-17"


def moved(request, url):
    to(request, url)
    return request


def test_h3_a_copy_that_was_moved_by_its_owner_is_like_what_a_redirect_made(sandbox, acme, session):
    """Nobody can tell them apart, so it stays without. What was sent, or prepared anew, is its owner's for certain."""
    request = acme.request()
    there = request.copy()
    to(there, sandbox.elsewhere_url)
    with pytest.warns(ConflictWarning, match="Make a new request"):
        there.prepare_auth(acme.auth(off_host="bare"))
    session.send(there)
    for put_on in (unpickled(there), deepcopy(there), there.copy()):
        to(put_on, f"{acme.url}/things")
        put_on.prepare_auth(acme.auth())
    assert session.send(put_on).status_code == 401
    to(put_on, sandbox.elsewhere_url)  # its owner, now, since it has been sent
    to(put_on, f"{acme.url}/things")
    put_on.prepare_auth(acme.auth())
    assert session.send(put_on).status_code == 200
    assert acme.carried() == [False, True]
    assert acme.carried("elsewhere") == [False]


def test_h3_no_auth_takes_ours_off(driver, acme, session):
    request = acme.request()
    request.prepare_auth(driver.module.NoAuth())
    assert session.send(request).status_code == 401
    assert acme.carried() == [False]


def test_h3_a_url_within_the_origin_takes_it_along(acme, session):
    request = acme.request()
    to(request, f"{acme.url}/others?a=1")
    assert session.send(request).status_code == 200
    assert acme.carried() == [True]


def test_h3_a_url_of_another_origin_with_the_credential_in_it_is_refused(sandbox, acme, session):
    request = acme.request()
    with pytest.raises(HostNotAllowed, match="has the credential in it") as caught:
        to(request, f"{sandbox.elsewhere_url}/x?next={quote(quote(TOKEN, safe=''), safe='')}")
    assert "tok-1" not in str(caught.value)
    assert not [frame for frame in ours_in(caught.value) if "tok-1" in f"{frame.f_locals}"]
    assert request.url.startswith(acme.url)
    assert "tok-1" not in f"{request.headers}{request.url}"


@pytest.mark.parametrize("url", [None, b"http://x.example/", "file:///etc/passwd", "/x", "http://user@x.example/"])
def test_h3_what_is_no_url_of_home_is_somewhere_else(acme, url):
    request = acme.request()
    to(request, url)
    assert request.url == url
    assert "tok-1" not in f"{request.headers}{request.hooks}"


def test_h3_whatever_was_on_it_lately_is_known(sandbox, acme, session, kind):
    """Also if a request is sent again so often that nobody could remember it all."""
    request = acme.request()
    early = request.copy()
    for _ in range(12):
        sandbox.expire("acme", "user-1")
        assert session.send(request).status_code == 200
    to(request, sandbox.elsewhere_url)
    to(early, sandbox.elsewhere_url)
    for each in (request, early):
        session.send(each)
    assert acme.carried("elsewhere") == [False, False]


def test_step_8_the_request_that_a_redirect_led_to_has_a_budget_of_its_own_when_it_is_sent_again(
    sandbox, acme, session
):
    session.send(acme.request())
    response = session.send(acme.expired(acme.request("/things")))
    for _ in range(2):
        assert [each.status_code for each in session.send(acme.expired(response.request)).history] == [401]
    statuses = [each.status for each in sandbox.arrivals("acme")]
    assert statuses == [200, 401, 302, 200, 401, 200, 401, 200]


def test_h3_what_other_threads_put_on_while_a_copy_is_made_is_known(sandbox, acme, session):
    """One thread copies the headers, and then gets no turn while others are refused, and send the request again."""
    from requests.structures import CaseInsensitiveDict

    class Slow(CaseInsensitiveDict):
        meanwhile = [None] * 10

        def copy(self):
            copy = super().copy()
            while self.meanwhile:
                self.meanwhile.pop()
                session.send(acme.expired(request))
            return copy

    request = acme.request()
    session.send(request)
    request.headers = Slow(request.headers)
    copies = [request.copy()]
    session.send(acme.expired(request))
    headers = Slow(request.headers)
    vars(headers).update(vars(request.headers))
    request.headers = headers
    Slow.meanwhile += [None] * 10
    copies.append(request.copy())
    for each in copies:
        to(each, sandbox.elsewhere_url)
        session.send(each)
    assert acme.carried("elsewhere") == [False, False]
