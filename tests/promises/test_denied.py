"""More rights than a credential has: the answer is the caller's at once, and Xkit is asked in the background."""

from __future__ import annotations

import pytest

from xkit_auth import Connector, Failure, NotConnected, Verdict


@pytest.fixture
def moment(sandbox):
    """The clock of what is held, which a test moves."""
    return [0.0]


@pytest.fixture
def xkit(sandbox, moment):
    # One call at a time: whoever is answered knows that all earlier calls are over, those in the background, too.
    xkit = sandbox.xkit(timeout=30, max_calls=1)
    cache = xkit.broker.cache
    begin, today = float(int(cache.monotonic())), float(int(cache.wall()))  # whole seconds, whose differences are exact
    cache.monotonic, cache.wall = lambda: begin + moment[0], lambda: today + moment[0]
    return xkit


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A provider that wants more rights with 403."""
    sandbox.add_connector(Connector("acme", hosts=["acme.example"], failures=[Failure(Verdict.DENIED, status=403)]))

    class Acme:
        def __init__(self, send, url):
            self._send, self._url = send, url

        def get(self, path=""):
            return self._send("GET", self._url + path).status_code

        @staticmethod
        def calls():
            """How often Xkit was asked, by now and for what has been asked by now."""
            with pytest.raises(NotConnected):
                xkit.get_connection("acme", context="nobody")
            return sandbox.call_count("acme", "user-1")

        @staticmethod
        def sent():
            return [arrival.headers["authorization"].removeprefix("Bearer ") for arrival in sandbox.arrivals("acme")]

    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        yield Acme(send, sandbox.provider_url("acme"))


def test_who_is_denied_something_gets_the_answer_and_the_next_request_has_the_new_rights(sandbox, acme):
    old = sandbox.connect("acme", "user-1")
    assert acme.get() == 200
    new = sandbox.connect("acme", "user-1", credential="token-with-more-scopes")
    sandbox.connect("acme", "before", credential=old)  # which is still good
    with sandbox.hold():
        assert acme.get("/status/403") == 403
    assert acme.calls() == 2
    assert acme.get() == 200
    assert acme.sent() == [old, old, new]


def test_xkit_is_asked_at_most_once_in_half_a_minute_for_each_user(sandbox, acme, moment, driver, xkit):
    sandbox.connect("acme", "user-1")
    for moment[0], calls in ((0.0, 2), (29.0, 2), (30.0, 3), (59.0, 3), (60.0, 4)):
        for _ in range(3):
            assert acme.get("/status/403") == 403
        assert acme.calls() == calls
    sandbox.connect("acme", "user-2")
    other = driver.auth("acme", context="user-2", xkit=xkit)
    assert driver.send("GET", sandbox.provider_url("acme") + "/status/403", auth=other).status == 403
    sandbox.wait_for_calls(sandbox.call_count("acme", "user-1") + sandbox.call_count("acme", "nobody") + 2)


def test_a_forgotten_user_is_asked_about_again_when_denied_again(sandbox, acme, xkit):
    sandbox.connect("acme", "user-1")
    assert acme.get("/status/403") == 403
    assert acme.calls() == 2
    xkit.forget("acme", context="user-1")
    assert acme.get("/status/403") == 403
    assert acme.calls() == 4


def test_a_failure_in_the_background_is_nobodys(sandbox, acme):
    sandbox.connect("acme", "user-1")
    assert acme.get() == 200
    sandbox.answer_with("nonsense", connector="acme", context="user-1")
    assert acme.get("/status/403") == 403
    assert acme.calls() == 2
    assert acme.get() == 200
