"""How long a request waits for Xkit: on httpx and httpx2, no longer than its own timeout says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from xkit_auth import Credential, PlatformUnavailable, Xkit


@pytest.fixture
def waits(xkit, monkeypatch):
    """The seconds for which credentials were waited for, at the most."""
    asked = []
    asking = xkit.broker.asking

    def noting(*args, seconds=None, **kwargs):
        asked.append(seconds)
        return asking(*args, seconds=seconds, **kwargs)

    monkeypatch.setattr(xkit.broker, "asking", noting)
    return asked


TIMEOUTS = {
    "one for everything": (lambda lib: 7, 7.0),
    "one for reading": (lambda lib: lib.Timeout(60, read=7), 7.0),
    "none": (lambda lib: None, None),
    "none for reading": (lambda lib: lib.Timeout(5, read=None), None),
}


@pytest.mark.parametrize("timeout", TIMEOUTS)
@pytest.mark.drivers(httpx=True)
def test_the_requests_own_timeout_bounds_each_wait_for_xkit(driver, sandbox, xkit, waits, timeout):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    make, seconds = TIMEOUTS[timeout]
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        assert send("GET", url, timeout=make(driver.lib)).status_code == 200
        sandbox.expire("acme", "user-1")
        assert send("GET", url, timeout=make(driver.lib)).status_code == 200
    assert waits == [seconds, seconds]


@pytest.mark.drivers(httpx=True)
def test_who_waits_no_longer_is_told_whose_timeout_it_was_and_the_call_goes_on(driver, sandbox, xkit):
    url = sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    with driver.session(auth=auth) as send:
        with sandbox.hold():
            with pytest.raises(PlatformUnavailable, match="no answer within 0 seconds") as caught:
                send("GET", url, timeout=0)
            assert "the timeout of the request itself" in caught.value.hint
            assert "Xkit(timeout=…) is 30" in caught.value.hint
            sandbox.wait_for_calls(1)
        assert send("GET", url, timeout=30).status_code == 200
    assert sandbox.call_count() == 1


@pytest.mark.drivers(httpx=True)
def test_a_longer_timeout_than_the_accounts_changes_nothing(driver, sandbox):
    url = sandbox.provider_url("acme")
    xkit = sandbox.xkit(timeout=0.001)
    with sandbox.hold(), pytest.raises(PlatformUnavailable, match=r"no answer (in time|within 0\.001)") as caught:
        driver.send("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit), timeout=60)
    assert "itself" not in caught.value.hint


@pytest.mark.drivers(requests=True)
def test_on_requests_the_accounts_timeout_is_all_there_is(driver, sandbox, xkit, waits):
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    assert driver.send("GET", sandbox.provider_url("acme"), auth=auth, timeout=7).status == 200
    assert waits == [None]


@pytest.mark.parametrize("timeout", [None, "7", {}, {"read": "7"}, {"connect": 7}])
def test_a_timeout_that_is_none_bounds_nothing(timeout):
    from xkit_auth._clients.httpx.auth import patience_of

    assert patience_of(SimpleNamespace(extensions={"timeout": timeout})) is None
    assert patience_of(SimpleNamespace(extensions={})) is None
    assert patience_of(SimpleNamespace(extensions={"timeout": {"read": -1}})) == 0.0


class Keeper(Xkit):
    """An ``Xkit`` of the application's own, which has credentials from elsewhere."""

    def get_credential(self, connector, *, context, rejected=None):
        return Credential(f"{context} at {connector}")

    async def aget_credential(self, connector, *, context, rejected=None):
        return self.get_credential(connector, context=context)


def test_an_xkit_with_a_method_of_its_own_is_asked_by_that(driver, sandbox):
    url = sandbox.provider_url("acme")
    keys = {"publishable_key": "pk", "secret_key": "sk", "base_url": sandbox.base_url}
    with Keeper(**keys) as xkit:
        auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[url.removeprefix("http://")])
        driver.send("GET", url, auth=auth)
    (arrival,) = sandbox.arrivals("acme")
    assert arrival.headers["authorization"] == "Bearer user-1 at acme"
    assert sandbox.call_count() == 0
