"""Hard cases H1 to H5 on requests: what we put on a request is known, comes off again, and stays at home."""

from __future__ import annotations

import itertools
import pickle
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy
from urllib.parse import quote

import pytest

from xkit_auth import ANY, ConflictWarning, Connector, HostNotAllowed, NotConnected, Placement, hookimpl

pytestmark = pytest.mark.drivers(requests=True)

KINDS = {
    "bearer": Placement(),
    "key": Placement(header={"X-Api-Key": "{token}"}),
    "basic": Placement(basic=("user", "{token}")),
    "query": Placement(query={"key": "{token}"}),
    "path": Placement(path="/bot{token}"),
}
TOKEN = "tok-1:a/b c+d"


@pytest.fixture(params=["bearer", "key", "query"])
def kind(request):
    """Where the credential goes: what requests strips, what it does not, and what it shows."""
    return request.param


@pytest.fixture
def acme(sandbox, driver, xkit, kind):
    """A connected user of a connector that takes its credential in every way."""

    class Acme:
        def __init__(self):
            sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], kinds=KINDS))
            sandbox.connect("acme", "user-1", credential=TOKEN)
            self.url = sandbox.provider_url("acme")

        def auth(self, connector="acme", **arguments):
            return driver.auth(connector, context="user-1", xkit=xkit, **{"kind": kind, **arguments})

        def request(self, to=None, method="GET", status=302, **arguments):
            """A request to the provider, which redirects it if ``to`` says where."""
            url = f"{self.url}/things" if to is None else redirect(self.url, to, status)
            return driver.lib.Request(method, url, **{"auth": self.auth(), **arguments}).prepare()

        def expired(self, request):
            """The same request, whose credential is not good any more."""
            sandbox.expire("acme", "user-1")
            return request

        def carried(self, slug="acme"):
            return [carries(each) for each in sandbox.arrivals(slug)]

    return Acme()


@pytest.fixture
def session(driver):
    with driver.lib.Session() as session:
        session.trust_env = False
        yield session


def carries(arrival):
    """Whether anything of the credential arrived: its beginning, or the beginning of its base64 after ``user:``."""
    arrived = f"{arrival.raw_headers}{arrival.path}?{arrival.query}"
    return any(part in arrived for part in ("tok-1", "dXNlcjp0b2st", "sandbox-"))


def redirect(url, to, status=302):
    return f"{url}/redirect?to={quote(to, safe='')}&status={status}"


def ours_in(error):
    """The frames of xkit-auth in a traceback."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return [frame for frame in frames if frame.f_globals["__name__"].startswith("xkit_auth.")]


def in_a_thread(work):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


# Chains that have left


@pytest.mark.parametrize("status", [302, 307])
def test_h1_once_a_chain_has_left_nothing_is_put_on_again(sandbox, acme, session, status):
    home, away = acme.url, sandbox.elsewhere_url
    chains = {
        "refused by a stranger's second page": ([away, away, f"{away}/status/401"], [True]),
        "refused at home": ([away, f"{home}/things"], [True, False]),
        "refused at home, where it was to go on": ([away, home, f"{home}/things"], [True, False]),
    }
    for name, (hops, carried) in chains.items():
        target = hops.pop()
        for hop in reversed(hops):
            target = redirect(hop, target, status)
        assert session.send(acme.request(target, "POST", status=status, data=b"a body")).status_code == 401, name
        assert acme.carried() == carried, name
        assert not any(acme.carried("elsewhere"))
        sandbox.clear()


def test_h1_the_request_of_a_chain_that_has_left_is_nothing_that_a_session_can_put_it_on_again(
    sandbox, driver, acme, session
):
    """As sessions do whose ``rebuild_auth`` applies the auth object to each hop."""

    class Stubborn(driver.lib.Session):
        def rebuild_auth(self, prepared_request, response):
            prepared_request.url = f"{prepared_request.url}#put-on-again"
            prepared_request.prepare_auth(self.auth)

    back = redirect(sandbox.elsewhere_url, f"{acme.url}/things")
    with Stubborn() as stubborn:
        stubborn.trust_env = False
        stubborn.auth = acme.auth(off_host="bare")
        with warnings.catch_warnings(record=True, action="always", category=ConflictWarning) as caught:
            for _ in range(2):
                assert stubborn.get(redirect(acme.url, back)).status_code == 401
            assert stubborn.get(redirect(acme.url, "/things")).status_code == 200
    assert ["rebuild_auth" in str(each.message) for each in caught] == [True]
    assert not any(acme.carried("elsewhere"))
    assert acme.carried() == [True, False, True, False, True, True]


# Copies


class Copying:
    """Makes of a session's adapter one that sends copies of what it is given."""

    def __init__(self, how):
        self.how = how

    def mount_on(self, session):
        from requests.adapters import HTTPAdapter

        how = self.how

        class Adapter(HTTPAdapter):
            def send(self, request, **arguments):
                return super().send(how(request), **arguments)

        session.mount("http://", Adapter())


def by_hand(request):
    """A copy as somebody makes it who knows no better."""
    there = type(request)()
    vars(there).update(vars(request))
    return there


def plain(request):
    """A request that has only what any request has."""
    import requests

    there = requests.PreparedRequest()
    for name in ("method", "url", "body", "hooks", "_cookies", "_body_position"):
        setattr(there, name, getattr(request, name))
    there.headers = request.headers.copy()
    return there


def test_h2_an_adapter_may_send_copies(sandbox, acme, session):
    for how in (lambda request: request.copy(), copy, deepcopy, by_hand, plain):
        Copying(how).mount_on(session)
        adapters_copies_stay_at_home(sandbox, acme, session)


def adapters_copies_stay_at_home(sandbox, acme, session):
    session.send(acme.request(sandbox.elsewhere_url))
    session.send(acme.request(redirect(acme.url, redirect(sandbox.elsewhere_url, f"{acme.url}/things"))))
    assert not any(acme.carried("elsewhere"))
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    response = session.send(acme.request("/things"))
    assert (response.status_code, acme.carried()) == (200, [True, True, True])


WAYS = (lambda response: response, lambda response: pickle.loads(pickle.dumps(response)), deepcopy)


def test_h2_a_redirect_may_be_followed_whenever_and_wherever(sandbox, acme, session):
    back = redirect(sandbox.elsewhere_url, f"{acme.url}/things")
    for target in (sandbox.elsewhere_url, back, redirect("", back)):
        first = session.send(acme.request(target), allow_redirects=False)
        for way in (*WAYS, *WAYS):
            response = way(first)
            in_a_thread(lambda response=response: list(session.resolve_redirects(response, response.request)))
    assert not any(acme.carried("elsewhere"))
    assert len(sandbox.arrivals("elsewhere")) >= 4 * len(WAYS)
    assert not any(carries(each) for each in sandbox.arrivals("acme") if each.path.endswith("/things"))


def test_h2_the_request_that_was_redirected_is_as_it_was(sandbox, acme, session):
    request = acme.request(sandbox.elsewhere_url)
    before = dict(request.headers), request.url, dict(request.hooks)
    session.send(request)
    session.send(request, allow_redirects=False)
    assert (dict(request.headers), request.url, dict(request.hooks)) == before
    assert acme.carried() == [True, True]


def test_h2_a_hook_of_the_sessions_may_send_whatever_it_likes_in_between(sandbox, acme, session):
    in_between = [
        lambda response: session.get(acme.url, auth=acme.auth()),
        lambda response: session.send(response.request, allow_redirects=False),
        lambda response: session.send(response.request.copy(), allow_redirects=False),
        lambda response: list(session.resolve_redirects(response, response.request)),
        lambda response: in_a_thread(lambda: list(session.resolve_redirects(response, response.request.copy()))),
    ]
    for sends in in_between:
        left = [sends, sends]

        def hook(response, left=left, **_how):
            if left:
                left.pop()(response)

        session.hooks["response"] = [hook]
        assert session.send(acme.request(sandbox.elsewhere_url, hooks={"response": hook})).status_code == 200
        assert left == []
    assert len(sandbox.arrivals("elsewhere")) >= len(in_between)
    assert not any(acme.carried("elsewhere"))


def test_h2_next_carries_at_home_and_nowhere_else(sandbox, acme, session):
    away = redirect(sandbox.elsewhere_url, f"{acme.url}/things")
    response = session.send(acme.request(redirect(acme.url, away)), allow_redirects=False)
    for _ in range(3):
        response = session.send(response.next, allow_redirects=False)
    assert response.status_code == 401
    assert acme.carried() == [True, True, False]
    assert acme.carried("elsewhere") == [False]


def test_h2_an_auth_object_around_ours_may_hand_on_another_request(sandbox, driver, acme, session):
    class Around(driver.lib.auth.AuthBase):
        def __init__(self, before, after):
            self.before, self.after = before, after

        def __call__(self, request):
            return self.after(acme.auth()(self.before(request)))

    as_it_is, copied = (lambda request: request), (lambda request: request.copy())
    for before, after in ((copy, as_it_is), (copied, as_it_is), (as_it_is, copied)):
        around = Around(before, after)
        for target in (sandbox.elsewhere_url, redirect(acme.url, sandbox.elsewhere_url)):
            assert session.send(acme.request(target, auth=around)).status_code == 200
    assert len(sandbox.arrivals("elsewhere")) == 6
    assert not any(acme.carried("elsewhere"))
    assert all(acme.carried())


def test_h2_a_request_that_an_adapter_has_put_in_its_place_is_led_to_its_own_origin_only(sandbox, acme, session):
    """Nobody can tell then what requests will make of it."""
    Copying(plain).mount_on(session)
    assert session.send(acme.request("/things")).status_code == 200
    response = session.send(acme.request(sandbox.elsewhere_url))
    assert (response.status_code, response.is_redirect, response.next) == (302, False, None)
    response = session.send(acme.request("//[broken"))
    assert (response.status_code, response.is_redirect) == (302, False)
    assert sandbox.arrivals("elsewhere") == []


def test_h2_an_answer_to_a_request_elsewhere_is_not_judged_whoever_has_sent_that(sandbox, driver, acme, session):
    """As an adapter does that follows redirects by itself."""
    from requests.adapters import HTTPAdapter

    class Following(HTTPAdapter):
        def send(self, request, **arguments):
            response = super().send(request, **arguments)
            with driver.lib.Session() as another:
                return another.get(response.headers["location"], headers=request.headers)

    session.mount("http://", Following())
    assert session.send(acme.request(f"{sandbox.elsewhere_url}/status/401")).status_code == 401
    assert acme.carried() == [True]
    assert len(sandbox.arrivals("elsewhere")) == 1
    assert sandbox.call_count() == 1


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


def to(request, url):
    request.url = url


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


# A credential that is said back


ECHOES = {
    "in another parameter": lambda said: f"/login?next={quote(said, safe='')}",
    "encoded twice": lambda said: f"/login?next={quote(quote(said, safe=''), safe='')}",
    "in other hexadecimal digits": lambda said: f"/login?next={quote(said, safe='').lower()}",
    "behind a semicolon": lambda said: f"/x?a=1;key={quote(said, safe='')}",
    "in the path": lambda said: f"/x/{quote(said, safe='')}.html",
    "in the fragment": lambda said: f"/x#key={quote(said, safe='')}",
}


def test_h4_a_redirect_that_says_the_credential_back_is_not_followed(sandbox, acme, session):
    for origin in (sandbox.elsewhere_url, acme.url, ""):
        for follow, (name, echo) in zip(itertools.cycle([True, False]), ECHOES.items(), strict=False):
            response = session.send(acme.request(f"{origin}{echo(TOKEN)}"), allow_redirects=follow)
            assert (response.status_code, response.is_redirect, response.next) == (302, False, None), name
            assert "location" not in response.headers
    assert len(acme.carried()) == 3 * len(ECHOES)
    assert sandbox.arrivals("elsewhere") == []


@pytest.mark.parametrize("kind", ["bearer", "key", "basic"], indirect=True)
def test_h4_nor_is_one_of_a_chain_that_goes_on_from_an_unpickled_answer(sandbox, acme, session):
    says_it = redirect(acme.url, f"{sandbox.elsewhere_url}/x?was={quote(TOKEN, safe='')}")
    first = session.send(acme.request("/things"), allow_redirects=False)
    first = pickle.loads(pickle.dumps(first))
    first.headers["location"] = says_it  # as a provider says that remembers what it was asked

    last = [*session.resolve_redirects(first, first.request)][-1]

    assert (last.status_code, last.is_redirect) == (302, False)
    assert acme.carried() == [True, True]
    assert sandbox.arrivals("elsewhere") == []


def test_h4_nor_is_one_that_says_it_in_other_bytes(driver, sandbox, xkit, session):
    from requests.adapters import BaseAdapter

    token = "schlüssel-zur-tür"

    class Redirects(BaseAdapter):
        def __init__(self, said):
            self.said = said
            self.sent = []

        def send(self, request, **_how):
            self.sent.append(request)
            response = driver.lib.Response()
            response.status_code = 302
            response.request, response.url, response.connection = request, request.url, self
            response.headers["Location"] = f"https://evil.example/{self.said}".encode().decode("latin-1")
            return response

        def close(self):
            pass

    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-Api-Key": "{token}"}))
    sandbox.connect("acme", "user-1", credential=token)
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    for said in (token, quote(token), quote(token, encoding="latin-1"), quote(quote(token, encoding="latin-1"))):
        adapter = Redirects(said)
        session.mount("http://", adapter)
        assert session.get(sandbox.provider_url("acme"), auth=auth).is_redirect is False
        assert len(adapter.sent) == 1


def test_h4_what_is_exactly_ours_is_taken_out_and_the_rest_followed(sandbox, acme, session, kind):
    if kind != "query":
        pytest.skip("it is in the URL only there")
    said = {
        "query": f"/things?key={quote(TOKEN, safe='')}&a=1",
        "path": f"/bot{quote(TOKEN, safe=':')}/things?a=1",
    }
    for where, target in said.items():
        response = session.send(acme.request(f"{sandbox.elsewhere_url}{target}", auth=acme.auth(kind=where)))
        assert response.status_code == 200
    assert [(each.path, each.query) for each in sandbox.arrivals("elsewhere")] == [("/things", "a=1")] * 2


def test_h4_within_the_origin_the_url_of_the_next_hop_has_it_at_once(sandbox, acme, session):
    response = session.send(acme.request("/others?a=1"))
    assert ([each.status_code for each in response.history], response.status_code) == ([302], 200)
    assert acme.carried() == [True, True]
    assert response.url == f"{acme.url}/others?a=1"


# One kind at a time, one host at a time


def test_h5_the_headers_of_the_other_kinds_come_off(sandbox, acme, session, kind):
    mine = {"Authorization": "Bearer placeholder", "X-Api-Key": "placeholder"}
    sandbox.expire("acme", "user-1")
    assert session.send(acme.request(headers=mine)).status_code == 200
    for arrival in sandbox.arrivals("acme"):
        assert "placeholder" not in str(arrival.raw_headers)
        assert carries(arrival)


def test_a_host_header_that_names_another_host_gets_no_credential(sandbox, driver, acme, session):
    host = acme.url.removeprefix("http://")
    wrong = ["evil.example", host.partition(":")[0], f"{host}.", f"user@{host}", "", f"{host} ", f"{host},evil.example"]
    for name in (*wrong, b"evil.example"):
        with pytest.raises(HostNotAllowed, match="The Host header names another host"):
            acme.request(headers={"hOsT": name})
        request = acme.request(headers={"hOsT": name}, auth=acme.auth(off_host="bare"))
        assert "tok-1" not in f"{request.headers}{request.url}"
    assert sandbox.call_count() == 0
    request = driver.lib.Request("GET", acme.url).prepare()
    request.headers = {"hOST": "evil.example"}  # of a class that takes names by their letters
    with pytest.raises(HostNotAllowed):
        request.prepare_auth(acme.auth())
    for name in (host, host.encode(), host.upper()):
        assert session.send(acme.request(headers={"Host": name})).status_code == 200


# What an error leads to


def test_h7_an_error_leads_to_no_credential(sandbox, acme, session):
    session.send(acme.request())
    sandbox.expire("acme", "user-1")
    sandbox.disable("acme", "user-1")
    for request in (acme.request("/things"), acme.request(f"/x?said={quote(TOKEN, safe='')}")):
        with pytest.raises(NotConnected) as caught:
            session.send(request)
        response = caught.value.response
        for each in (response, *response.history):
            assert "tok-1" not in f"{vars(each.request)}"
            assert each.request.url.startswith(acme.url)


def test_an_object_that_is_made_anew_of_the_class_of_a_request_is_an_ordinary_request(acme, session):
    made = type(acme.request())()
    made.prepare("GET", f"{acme.url}/things")

    assert made.copy().url == f"{acme.url}/things"
    assert session.send(made).status_code == 401
    assert acme.carried() == [False]


def test_a_further_header_that_the_caller_has_replaced_is_the_caller_s(sandbox, driver, xkit):
    sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], extra={"X-Acme-Version": "2"}))
    sandbox.connect("acme", "user-1")
    url = f"{sandbox.provider_url('acme')}/things"
    request = driver.lib.Request("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit)).prepare()
    request.headers["X-Acme-Version"] = "3"
    driver.auth("acme", context="user-1", xkit=xkit, hosts=["127.0.0.1:1"], off_host="bare")(request)

    assert request.headers["X-Acme-Version"] == "3"
    assert "Authorization" not in request.headers
