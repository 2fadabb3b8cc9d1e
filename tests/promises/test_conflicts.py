"""Settings of a client that would switch part of us off in silence: they are said once, with the way out."""

from __future__ import annotations

import warnings

import pytest

from xkit_auth import ConflictWarning


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A connected user whose credential is held, and has just expired at the provider."""

    class Acme:
        url = sandbox.provider_url("acme")
        token = sandbox.connect("acme", "user-1")
        auth = driver.auth("acme", context="user-1", xkit=xkit)

    return Acme


@pytest.mark.drivers(httpx=True, sync=True)
def test_c19_a_hook_that_raises_for_401_is_named(sandbox, driver, acme):
    # An async client does not let its auth see why it is left: there this can only be documented.
    sandbox.expire("acme", "user-1", renews=False)
    hooks = {"response": [lambda response: response.raise_for_status()]}
    with driver.session(auth=acme.auth, event_hooks=hooks) as send:
        with pytest.warns(ConflictWarning, match="event hook"), pytest.raises(driver.lib.HTTPStatusError):
            send("GET", acme.url)
        with pytest.raises(driver.lib.HTTPStatusError):
            send("GET", acme.url)  # a second warning would be an error here


@pytest.mark.drivers(httpx=True)
def test_c19_a_hook_that_raises_for_something_else_is_the_callers_business(sandbox, driver, acme):
    def hook(response):
        response.raise_for_status()

    async def ahook(response):
        response.raise_for_status()

    with (
        driver.session(auth=acme.auth, event_hooks={"response": [ahook if driver.loop else hook]}) as send,
        pytest.raises(driver.lib.HTTPStatusError),
    ):
        send("GET", f"{acme.url}/status/500")


@pytest.mark.drivers(requests=True)
def test_c18_a_retry_for_401_is_named_with_the_first_answer(sandbox, driver, acme):
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    with driver.lib.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[401, 503])))
        with pytest.warns(ConflictWarning, match="status_forcelist"):
            assert session.get(acme.url, auth=acme.auth, timeout=10).status_code == 200
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert session.get(acme.url, auth=acme.auth, timeout=10).status_code == 200


@pytest.mark.drivers(requests=True)
def test_a_retry_for_other_statuses_is_no_conflict(sandbox, driver, acme):
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    with driver.lib.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[503])))
        assert session.get(acme.url, auth=acme.auth, timeout=10).status_code == 200


@pytest.mark.drivers(requests=True)
def test_h14_a_cache_is_named_once_where_it_can_be_seen(sandbox, driver, acme):
    """As CacheControl and requests-cache show themselves; they are tried for real in tests/doubles."""
    from requests.adapters import HTTPAdapter

    class Controlled(HTTPAdapter):
        controller = "of a cache"

    class Kept(HTTPAdapter):
        def send(self, request, **how):
            response = super().send(request, **how)
            response.from_cache = True
            del response.connection
            return response

    for adapter in (Controlled(), Kept()):
        another = driver.auth("acme", context="user-1", xkit=sandbox.xkit(timeout=30))
        with driver.lib.Session() as session:
            session.trust_env = False
            session.mount("http://", adapter)
            with pytest.warns(ConflictWarning, match="Shared caches"):
                assert session.get(acme.url, auth=another).status_code == 200
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert session.get(acme.url, auth=another).status_code == 200


@pytest.mark.drivers(requests=True)
def test_h13_a_refusal_out_of_a_cache_says_nothing_about_the_credential(sandbox, driver, acme):
    from requests.adapters import HTTPAdapter

    class Kept(HTTPAdapter):
        is_kept = True

        def send(self, request, **how):
            response = super().send(request, **how)
            response.from_cache = self.is_kept
            self.is_kept = True
            return response

    with driver.lib.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConflictWarning)
        session.trust_env = False
        session.mount("http://", Kept())
        assert session.get(f"{acme.url}/status/401", auth=acme.auth).history == []
        assert sandbox.call_count() == 1
        session.adapters["http://"].is_kept = False  # but the answer to the resend is
        sandbox.expire("acme", "user-1")
        assert session.get(acme.url, auth=acme.auth).status_code == 200
