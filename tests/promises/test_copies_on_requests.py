"""Copies of a request on requests, and chains of redirects: once away, never again."""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy

import pytest

from helpers.on_requests import acme, carries, kind, redirect, session  # noqa: F401
from xkit_auth import ConflictWarning

pytestmark = pytest.mark.drivers(requests=True)


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
