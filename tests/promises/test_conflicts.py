"""Settings of a client that would switch part of us off in silence: they are said once, with the way out."""

from __future__ import annotations

import logging
import warnings
from urllib.parse import quote

import pytest

from xkit_auth import ConflictWarning, Connector, hookimpl


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A connected user of a plain Bearer connector."""

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


# What is put in the place of the credential after it was put on


def with_something_later(driver, name, value):
    """What makes a session set a header on each request, after auth: an adapter on requests, else an event hook."""
    if driver.library == "requests":
        from requests.adapters import HTTPAdapter

        class Adapter(HTTPAdapter):
            def add_headers(self, request, **_how):
                request.headers[name] = value

        return {"adapters": {"http://": Adapter()}}

    def hook(request):
        request.headers[name] = value

    async def ahook(request):
        request.headers[name] = value

    return {"event_hooks": {"request": [ahook if driver.loop else hook]}}


@pytest.mark.parametrize("status", [200, 401])
def test_something_that_replaces_the_credential_later_is_named_once(sandbox, driver, acme, status):
    with driver.session(auth=acme.auth, **with_something_later(driver, "authorization", "Bearer stale")) as send:
        with pytest.warns(ConflictWarning, match="replaced the credential in the header [Aa]uthorization") as caught:
            send("GET", f"{acme.url}/status/{status}")
        assert len(caught) == 1
        assert "stale" not in str(caught[0].message)
        send("GET", f"{acme.url}/status/{status}")  # a second warning would be an error here
    assert {each.headers["authorization"] for each in sandbox.arrivals("acme")} == {"Bearer stale"}


def test_a_later_header_of_another_name_is_no_conflict(sandbox, driver, acme):
    with driver.session(auth=acme.auth, **with_something_later(driver, "x-trace", "1")) as send:
        assert send("GET", acme.url).status_code == 200
        sandbox.expire("acme", "user-1")
        assert send("GET", acme.url).status_code == 200


@pytest.mark.drivers(httpx=True)
def test_a_credential_in_a_header_of_its_own_wins_over_an_event_hook(sandbox, driver, acme):
    sandbox.add_connector(Connector("keyed", hosts=["x.example"], header={"X-Api-Key": "{token}"}))
    token = sandbox.connect("keyed", "user-1")
    auth = driver.auth("keyed", context="user-1", xkit=sandbox.xkit())
    with driver.session(auth=auth, **with_something_later(driver, "x-api-key", "stale")) as send:
        assert send("GET", sandbox.provider_url("keyed")).status_code == 200
    assert [each.headers["x-api-key"] for each in sandbox.arrivals("keyed")] == [token]


# A redirect to a host that may have the credential, and does not get it


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("is_theirs", [True, False])
def test_a_redirect_to_another_host_of_the_connector_is_told_and_logged(
    sandbox, driver, acme, follow, is_theirs, caplog
):
    told = []

    class Listener:
        @hookimpl
        def xkit_auth_event(self, event):
            if event.kind == "redirected":
                told.append((event.connector, event.context, event.detail))

    xkit = sandbox.xkit(plugins=[Listener()])
    elsewhere = sandbox.elsewhere_url.removeprefix("http://").partition("/")[0]
    hosts = [acme.url.removeprefix("http://"), *([elsewhere] if is_theirs else [])]
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=hosts)
    url = f"{acme.url}/redirect?to={quote(sandbox.elsewhere_url, safe='')}"
    with caplog.at_level(logging.INFO, logger="xkit_auth"):
        driver.send("GET", url, auth=auth, follow_redirects=follow)
    lines = [record.getMessage() for record in caplog.records if record.name == "xkit_auth.answers"]
    if is_theirs:
        assert told == [("acme", "user-1", f"http://{elsewhere}")]
        (line,) = lines
        assert "connector 'acme', context 'user-1'" in line
        assert f"hosts: http://{elsewhere}. " in line
        assert acme.token not in line
    else:
        assert (told, lines) == ([], [])
    assert all("authorization" not in each.headers for each in sandbox.arrivals("elsewhere"))


def test_a_redirect_at_home_is_not_told(sandbox, driver, acme, caplog):
    with caplog.at_level(logging.INFO, logger="xkit_auth"):
        driver.send("GET", f"{acme.url}/redirect?to=/things", auth=acme.auth, follow_redirects=True)
    assert not [record for record in caplog.records if record.name.startswith("xkit_auth")]
