"""Credentials that go into the URL: they arrive, they are renewed, and as little as possible shows them."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, quote

import pytest

from xkit_auth import ConfigurationError, Connector, Placement, PlatformProtocolError, ReauthorizationRequired, hookimpl

QUERY = Placement(query={"access_token": "{token}"})
PATH = Placement(path="/bot{token}")


@pytest.fixture(params=["query", "path"])
def kind(request):
    return request.param


@pytest.fixture
def auth(sandbox, driver, xkit, kind):
    sandbox.add_connector(
        Connector("acme", hosts=["api.acme.example"], kinds={"oauth2": Placement(), "query": QUERY, "path": PATH})
    )
    sandbox.connect("acme", "user-1", credential="tok-1:a/b c")
    return driver.auth("acme", context="user-1", xkit=xkit, kind=kind)


def token_of(arrival, kind):
    """The credential that arrived, as the provider reads it."""
    if kind == "query":
        return dict(parse_qsl(arrival.query, keep_blank_values=True)).get("access_token")
    return arrival.path.removeprefix("/bot").removesuffix("/things") if arrival.path.startswith("/bot") else None


def test_it_arrives_there_and_nowhere_else(sandbox, driver, auth, kind):
    reply = driver.send("POST", f"{sandbox.provider_url('acme')}/things?a=1&b=%20x", auth=auth, content=b"body")
    assert reply.status == 200
    (arrival,) = sandbox.arrivals("acme")
    assert token_of(arrival, kind) == "tok-1:a/b c"
    assert arrival.query.startswith("a=1&b=%20x")
    assert arrival.path.endswith("/things")
    assert arrival.body == b"body"
    assert "authorization" not in arrival.headers


def test_a_parameter_of_the_same_name_gives_way(sandbox, driver, auth, kind):
    driver.send("GET", f"{sandbox.provider_url('acme')}/things?access_token=mine&a=1", auth=auth)
    (arrival,) = sandbox.arrivals("acme")
    assert arrival.query.count("access_token") == 1
    assert token_of(arrival, kind) == "tok-1:a/b c"


def test_it_is_renewed_and_the_refused_one_is_gone(sandbox, driver, auth, kind):
    url = f"{sandbox.provider_url('acme')}/things?a=1"
    driver.send("GET", url, auth=auth)
    sandbox.expire("acme", "user-1")
    reply = driver.send("GET", url, auth=auth)
    assert (reply.status, reply.history) == (200, [401])
    new = sandbox.credential("acme", "user-1")
    assert [token_of(each, kind) for each in sandbox.arrivals("acme")] == ["tok-1:a/b c", "tok-1:a/b c", new]
    assert sandbox.arrivals("acme")[-1].query.count("access_token") == (1 if kind == "query" else 0)


def test_an_answer_and_its_history_do_not_show_it(sandbox, driver, auth):
    url = f"{sandbox.provider_url('acme')}/things?a=1"
    driver.send("GET", url, auth=auth)
    sandbox.expire("acme", "user-1")
    raw = driver.send("GET", url, auth=auth).raw
    assert [str(each.url) for each in (*raw.history, raw)] == [url, url]


def test_a_refusal_that_is_raised_does_not_show_it(sandbox, driver, auth):
    url = f"{sandbox.provider_url('acme')}/things?a=1"
    driver.send("GET", url, auth=auth)
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        driver.send("GET", url, auth=auth)
    assert str(caught.value.response.url) == url
    assert str(caught.value.response.request.url) == url


@pytest.mark.drivers(httpx=True)
def test_the_log_of_httpx_does_not_show_it(sandbox, driver, auth, caplog):
    caplog.set_level(logging.DEBUG)
    url = f"{sandbox.provider_url('acme')}/things?a=1"
    raw = driver.send("GET", url, auth=auth).raw
    assert "/things?a=1" in caplog.text
    assert "tok-1" not in caplog.text
    assert str(raw.request.url) == url


@pytest.mark.drivers(httpx=True)
def test_a_connection_that_fails_leaves_the_request_without_it(sandbox, driver, auth, closed_port):
    url = f"http://127.0.0.1:{closed_port}/things"
    there = driver.auth("acme", context="user-1", xkit=auth._xkit, kind=auth._kind, hosts=[url[7:-7]])
    with pytest.raises(driver.lib.ConnectError) as caught:
        driver.send("GET", url, auth=there)
    assert str(caught.value.request.url) == url
    assert "tok-1" not in str(caught.value)


@pytest.mark.drivers(httpx=True, sync=True)
def test_a_transport_without_sockets_gets_it_too(sandbox, driver, auth, kind):
    seen = []

    def handle(request):
        seen.append(str(request.url))
        return driver.lib.Response(200, json={})

    url = f"{sandbox.provider_url('acme')}/things?a=1"
    raw = driver.lib.Client(transport=driver.lib.MockTransport(handle)).get(url, auth=auth)
    assert len(seen) == 1
    assert "tok-1" in seen[0]
    assert str(raw.url) == url


@pytest.mark.drivers(sync=True)
def test_a_request_that_is_sent_again_later_takes_the_current_one(sandbox, driver, auth, kind):
    url = f"{sandbox.provider_url('acme')}/things"
    if driver.library == "requests":
        with driver.lib.Session() as session:
            session.trust_env = False
            prepared = session.prepare_request(driver.lib.Request("GET", url, auth=auth))
            session.send(prepared)
            sandbox.expire("acme", "user-1")
            assert session.send(prepared).status_code == 200
            assert session.send(prepared).history == []
    else:
        with driver.lib.Client(auth=auth, timeout=30, trust_env=False) as client:
            request = client.build_request("GET", url)
            client.send(request)
            sandbox.expire("acme", "user-1")
            assert client.send(request).status_code == 200
            assert client.send(request).history == []
    new = sandbox.credential("acme", "user-1")
    assert [token_of(each, kind) for each in sandbox.arrivals("acme")][-2:] == [new, new]


@pytest.mark.parametrize("is_said_back", [False, True])
def test_a_redirect_elsewhere_does_not_take_it_along_even_if_the_provider_says_it(
    sandbox, driver, auth, kind, is_said_back
):
    said_back = {"query": "?access_token=tok-1%3Aa%2Fb%20c&a=1", "path": "/bottok-1:a%2Fb%20c/x"}[kind]
    home, elsewhere = sandbox.provider_url("acme"), f"{sandbox.elsewhere_url}/things{said_back if is_said_back else ''}"
    raw = driver.send("GET", f"{home}/redirect?to={quote(elsewhere)}", auth=auth, follow_redirects=True).raw
    (arrival,) = sandbox.arrivals("elsewhere")
    assert arrival.path.startswith("/things")
    if "query" in auth._kind:
        assert "access_token" not in arrival.query
    else:
        assert "/bot" not in arrival.path
    assert [str(each.url) for each in raw.history] == [f"{home}/redirect?to={quote(elsewhere)}"]


SAID_BACK = {"query": "/things?a=1&access_token=tok-1%3Aa%2Fb%20c", "path": "/bottok-1:a%2Fb%20c/things?a=1"}


@pytest.mark.parametrize("to", ["bare", "absolute", "said back"])
def test_a_redirect_within_the_origin_takes_it_along_and_shows_it_no_more_than_before(sandbox, driver, auth, kind, to):
    home = sandbox.provider_url("acme")
    target = {"bare": "/things?a=1", "absolute": f"{home}/things?a=1", "said back": SAID_BACK[kind]}[to]
    reply = driver.send("GET", f"{home}/redirect?to={quote(target)}", auth=auth, follow_redirects=True)
    assert reply.status == 200
    assert token_of(sandbox.arrivals("acme")[-1], kind) == "tok-1:a/b c"
    assert sandbox.call_count() == 1
    assert str(reply.raw.url) == f"{home}/things?a=1"
    if driver.library != "requests":  # which finds out by a 401 that it has to go along
        assert reply.history == [302]
        assert "tok-1" not in str([dict(each.headers) for each in (*reply.raw.history, reply.raw)])


@pytest.mark.drivers(httpx=True)
def test_an_event_hook_that_sends_the_request_elsewhere_does_not_take_it_along(sandbox, driver, auth):
    other = sandbox.elsewhere_url.rpartition(":")[2]

    def elsewhere(request):
        request.url = request.url.copy_with(port=int(other))

    async def aelsewhere(request):
        elsewhere(request)

    hooks = {"request": [aelsewhere if driver.loop else elsewhere]}
    with driver.session(auth=auth, event_hooks=hooks) as send:
        send("GET", f"{sandbox.provider_url('acme')}/things?a=1")
    (arrival,) = sandbox.arrivals("elsewhere")
    assert (arrival.path, arrival.query) == ("/things", "a=1")


@pytest.mark.drivers(httpx=True, sync=True)
def test_a_transport_that_sends_twice_sends_it_twice(sandbox, driver, auth, kind):
    inner = driver.lib.HTTPTransport()

    class Again(driver.lib.BaseTransport):
        def handle_request(self, request):
            inner.handle_request(request).close()
            return inner.handle_request(request)

        def close(self):
            inner.close()

    with driver.lib.Client(transport=Again(), auth=auth) as client:
        assert client.get(f"{sandbox.provider_url('acme')}/things").status_code == 200
    assert [token_of(each, kind) for each in sandbox.arrivals("acme")] == ["tok-1:a/b c"] * 2


@pytest.mark.drivers(requests=True)
def test_auth_that_is_applied_again_replaces_it(sandbox, driver, auth, kind):
    url = f"{sandbox.provider_url('acme')}/things"
    prepared = driver.lib.Request("GET", url, auth=auth).prepare()
    sandbox.expire("acme", "user-1")
    auth._xkit.forget("acme")
    prepared = auth(prepared)
    with driver.lib.Session() as session:
        session.trust_env = False
        assert session.send(prepared).status_code == 200
    (arrival,) = sandbox.arrivals("acme")
    assert token_of(arrival, kind) == sandbox.credential("acme", "user-1")
    assert "tok-1" not in arrival.path + arrival.query


@pytest.mark.parametrize("placement", [QUERY, PATH])
def test_it_is_done_only_if_the_application_names_the_kind(sandbox, driver, xkit, placement):
    sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], kinds={"key": placement}))
    sandbox.connect("acme", "user-1")
    with pytest.raises(ConfigurationError, match="logs show it") as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert 'kind="key"' in caught.value.hint
    assert sandbox.call_count() == 0


def test_data_of_the_connection_may_go_into_the_query_beside_a_header(sandbox, driver, xkit):
    placement = Placement(basic=("{field.user}", "{field.secret}"), query={"project_id": "{param.project}"})
    sandbox.add_connector(
        Connector("acme", hosts=["api.acme.example"], params={"project": "id"}, kinds={"service": placement})
    )
    sandbox.connect("acme", "user-1", credential={"user": "ann", "secret": "s1"})
    auth = driver.auth("acme", context="user-1", xkit=xkit, params={"project": "42"})
    assert driver.send("GET", f"{sandbox.provider_url('acme')}/things", auth=auth).status == 200
    (arrival,) = sandbox.arrivals("acme")
    assert arrival.query == "project_id=42"
    assert arrival.headers["authorization"].startswith("Basic ")


class Proof:
    """A plugin that computes a parameter of the credential."""

    @hookimpl
    def xkit_auth_connectors(self):
        return [Connector("acme", hosts=["api.acme.example"])]

    @hookimpl
    def xkit_auth_format_query(self, credential, request):
        self.seen = request.url
        return {"proof": credential.reveal()[::-1]}


class Endless:
    """A plugin whose parameter no client can send."""

    @hookimpl
    def xkit_auth_connectors(self):
        return [Connector("acme", hosts=["api.acme.example"])]

    @hookimpl
    def xkit_auth_format_query(self, credential):
        return {"proof": credential.reveal() * 10_000}


@pytest.mark.drivers(httpx=True)
def test_a_url_that_gets_too_long_is_an_error_of_ours_without_its_text(sandbox, driver):
    auth = driver.auth("acme", context="user-1", xkit=sandbox.xkit(plugins=[Endless()], timeout=30))
    token = sandbox.connect("acme", "user-1")
    with pytest.raises(PlatformProtocolError, match="too long") as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=auth)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert token not in str(caught.value)


def test_a_plugin_computes_a_parameter_anew_for_each_credential(sandbox, driver):
    plugin = Proof()
    auth = driver.auth("acme", context="user-1", xkit=sandbox.xkit(plugins=[plugin], timeout=30))
    sandbox.connect("acme", "user-1")
    url = f"{sandbox.provider_url('acme')}/things?a=1"
    driver.send("GET", url, auth=auth)
    sandbox.expire("acme", "user-1")
    assert driver.send("GET", url, auth=auth).status == 200
    for arrival in sandbox.arrivals("acme"):
        token = arrival.headers["authorization"].removeprefix("Bearer ")
        assert arrival.query == f"a=1&proof={token[::-1]}"
    assert plugin.seen == url
