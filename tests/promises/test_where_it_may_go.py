"""Hard cases A and B: no credential reaches another host, by whatever way the request goes there.

The numbers in the names are those of the project's list of hard cases.
"""

from __future__ import annotations

import pickle
import warnings

import pytest

from xkit_auth import ConflictWarning, Connector, HostNotAllowed, NotConnected, PlatformProtocolError

HEADERS = {"authorization": None, "x-api-key": {"X-Api-Key": "{token}"}}


@pytest.fixture(params=HEADERS)
def acme(request, sandbox, driver, xkit):
    """A connected user of a connector, with a Bearer token and with a header of its own."""
    sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], header=HEADERS[request.param]))

    class Acme:
        header = request.param
        url = sandbox.provider_url("acme")
        token = sandbox.connect("acme", "user-1")
        auth = driver.auth("acme", context="user-1", xkit=xkit)

        @classmethod
        def redirect(cls, to, status=302):
            from urllib.parse import quote

            return f"{cls.url}/redirect?to={quote(to, safe='')}&status={status}"

        @classmethod
        def arrived(cls):
            """The credentials at the provider, in order, without what the connector puts around them."""
            return [each.headers.get(cls.header, "").removeprefix("Bearer ") for each in sandbox.arrivals("acme")]

    return Acme


def nothing_leaked(sandbox, token):
    return all(token not in str(arrival.raw_headers) + arrival.query for arrival in sandbox.arrivals("elsewhere"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a4_no_redirect_carries_the_credential_to_another_origin(sandbox, driver, acme, status):
    reply = driver.send("GET", acme.redirect(sandbox.elsewhere_url, status), auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.history) == (200, [status])
    assert len(sandbox.arrivals("elsewhere")) == 1
    assert nothing_leaked(sandbox, acme.token)
    assert acme.arrived() == [acme.token]
    assert acme.token not in str(dict(reply.raw.request.headers))


def test_a1_a2_a_refusal_from_another_origin_is_the_callers_and_triggers_nothing(sandbox, driver, acme):
    target = f"{sandbox.elsewhere_url}/status/401"
    reply = driver.send("GET", acme.redirect(target), auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.history) == (401, [302])
    assert sandbox.call_count() == 1
    assert len(sandbox.arrivals("elsewhere")) == len(sandbox.arrivals("acme")) == 1
    assert nothing_leaked(sandbox, acme.token)


def test_a4_the_next_request_that_a_caller_could_follow_has_no_credential(sandbox, driver, acme):
    reply = driver.send("GET", acme.redirect(sandbox.elsewhere_url), auth=acme.auth)
    following = reply.raw.next if driver.library == "requests" else reply.raw.next_request
    assert str(following.url).rstrip("/") == sandbox.elsewhere_url
    assert acme.token not in str(dict(following.headers))


def test_a_redirect_within_the_origin_keeps_the_credential(sandbox, driver, acme):
    reply = driver.send("GET", acme.redirect("/things"), auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.history) == (200, [302])
    assert acme.arrived() == [acme.token] * 2
    assert sandbox.call_count() == 1


def test_a10_off_the_origin_and_back_the_credential_stays_off(sandbox, driver, acme):
    from urllib.parse import quote

    back = f"{sandbox.elsewhere_url}/redirect?to={quote(acme.url, safe='')}"
    reply = driver.send("GET", acme.redirect(back), auth=acme.auth, follow_redirects=True)
    assert (reply.status, reply.history) == (401, [302, 302])
    assert acme.arrived() == [acme.token, ""]
    assert sandbox.call_count() == 1
    assert nothing_leaked(sandbox, acme.token)


def test_a5_another_host_is_refused_before_anything_is_asked(sandbox, driver, acme):
    with pytest.raises(HostNotAllowed):
        driver.send("GET", sandbox.elsewhere_url, auth=acme.auth)
    assert sandbox.calls == []
    assert sandbox.arrivals("elsewhere") == []


def test_a5_a_known_origin_is_not_taken_for_one_that_looks_like_it(sandbox, driver, acme):
    assert driver.send("GET", acme.url, auth=acme.auth).status == 200
    host = acme.url.removeprefix("http://")
    name, _, port = host.partition(":")
    for other in (f"http://user@{host}", f"http://{name}:{int(port) - 1}", f"http://localhost:{port}"):
        with pytest.raises(HostNotAllowed):
            driver.send("GET", f"{other}/", auth=acme.auth)
    assert sandbox.call_count() == 1
    assert len(sandbox.arrivals("acme")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://api.acme.example/",
        "https://api.acme.example:8443/",
        "https://user@api.acme.example/",
        "https://user:password@api.acme.example/",
        "https://api.acme.example./",
        "https://evilapi.acme.example/",
        "https://api.acme.example.evil/",
        "https://sub.api.acme.example/",
        "http://127.0.0.1/",
        "http://localhost:1/",
        "https://xn--ap-xka.acme.example/",
        "https://\u0430pi.acme.example/",
    ],
)
def test_a5_a6_a7_a9_a_url_that_is_not_the_connectors_is_refused(sandbox, driver, xkit, url):
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"])
    with pytest.raises(HostNotAllowed):
        driver.send("GET", url, auth=auth)
    assert sandbox.calls == []


@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("rest", ["\\@evil.example/", "\\.evil.example/"])
def test_a9_a_backslash_in_the_authority_is_refused(sandbox, driver, xkit, rest):
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"])
    with pytest.raises((HostNotAllowed, driver.lib.InvalidURL)):
        driver.send("GET", f"https://api.acme.example{rest}", auth=auth)
    assert sandbox.calls == []


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("rest", ["\\@evil.example/", "\\.evil.example/"])
def test_a9_requests_reads_a_backslash_as_the_end_of_the_host_before_we_are_asked(sandbox, driver, xkit, rest):
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=["api.acme.example"])
    prepared = driver.lib.Request("GET", f"https://api.acme.example{rest}", auth=auth).prepare()
    assert prepared.url.startswith("https://api.acme.example/%5C")


@pytest.mark.parametrize(
    "host", ["*.acme.example", "API.ACME.EXAMPLE", "api.acme.example:443", "xn--bcher-kva.example"]
)
def test_a9_the_host_is_compared_as_the_client_will_connect_to_it(sandbox, driver, xkit, host):
    urls = {
        "*.acme.example": "https://api.acme.example/",
        "API.ACME.EXAMPLE": "https://api.Acme.example:443/",
        "api.acme.example:443": "HTTPS://api.acme.example/",
        "xn--bcher-kva.example": "https://bücher.example/",
    }
    sandbox.answer_with('{"error": "not_found"}', status=404)
    auth = driver.auth("acme", context="user-1", xkit=xkit, hosts=[host])
    with pytest.raises(NotConnected):
        driver.send("GET", urls[host], auth=auth)
    # It was found good, so Xkit was asked; and Xkit said no, so nothing was sent.
    assert sandbox.call_count() == 1


def test_a11_all_copies_of_a_callers_own_header_give_way(sandbox, driver, acme):
    headers = [(acme.header.upper(), "mine"), (acme.header, "mine-too")]
    headers = dict(headers[:1]) if driver.library == "requests" else headers
    assert driver.send("GET", acme.url, auth=acme.auth, headers=headers).status == 200
    (arrival,) = sandbox.arrivals("acme")
    assert [name for name, _ in arrival.raw_headers].count(acme.header) == 1
    assert "mine" not in str(arrival.raw_headers)


def test_a13_an_answer_of_a_proxy_is_not_ours(sandbox, driver, acme):
    assert driver.send("GET", f"{acme.url}/status/407", auth=acme.auth).status == 407
    assert sandbox.call_count() == 1


def test_a14_a_redirect_of_xkit_is_not_followed(sandbox, driver, acme):
    sandbox.answer_with("", status=302, headers={"location": sandbox.elsewhere_url})
    with pytest.raises(PlatformProtocolError, match="HTTP 302"):
        driver.send("GET", acme.url, auth=acme.auth)
    assert sandbox.arrivals("elsewhere") == []


@pytest.mark.drivers(httpx=True)
def test_a4_event_hooks_see_no_hidden_credential_at_another_host(sandbox, driver, acme):
    seen = []

    def note(request):
        seen.append((str(request.url), dict(request.headers)))

    async def anote(request):
        note(request)

    hooks = {"request": [anote if driver.loop else note]}
    with driver.session(auth=acme.auth, follow_redirects=True, event_hooks=hooks) as send:
        send("GET", acme.redirect(sandbox.elsewhere_url))
    assert len(seen) == 2
    assert acme.token not in str(seen[1])


@pytest.mark.drivers(httpx=True)
def test_a4_the_callers_own_trace_still_hears_everything_and_stays_in_place(sandbox, driver, acme):
    heard = []

    def trace(name, _info):
        heard.append(name)

    async def atrace(name, _info):
        heard.append(name)

    request = driver.lib.Request("GET", acme.url, extensions={"trace": atrace if driver.loop else trace})
    with driver.session(auth=acme.auth) as send:
        if driver.loop is None:
            send.__closure__[0].cell_contents.send(request)
        else:
            assert send("GET", acme.url, extensions={"trace": atrace}).status_code == 200
    assert any(name.endswith("send_request_headers.started") for name in heard)
    assert any(name.endswith("receive_response_headers.complete") for name in heard)
    assert request.extensions["trace"] in (trace, atrace)


@pytest.mark.drivers(requests=True)
def test_b1_an_entry_in_netrc_does_not_replace_the_credential(sandbox, driver, acme, netrc):
    netrc("127.0.0.1")
    with driver.session(auth=acme.auth, trust_env=True) as send:
        assert send("GET", acme.url).status_code == 200
    assert acme.arrived() == [acme.token]


@pytest.mark.drivers(requests=True)
def test_b2_what_netrc_replaces_on_a_redirect_is_sent_again_with_the_credential_and_said_once(
    sandbox, driver, acme, netrc
):
    netrc("127.0.0.1")
    with driver.session(auth=acme.auth, trust_env=True, follow_redirects=True) as send, warnings.catch_warnings():
        warnings.simplefilter("always")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            response = send("GET", acme.redirect("/things"))
    assert response.status_code == 200
    assert sandbox.call_count() == 1
    if acme.header == "authorization":
        assert [type(each.message) for each in said] == [ConflictWarning]
        assert "trust_env=False" in str(said[0].message)
        assert [each.status for each in sandbox.arrivals("acme")] == [302, 401, 200]
        assert acme.arrived()[-1] == acme.token
    else:
        assert acme.arrived() == [acme.token] * 2


@pytest.mark.drivers(requests=True)
def test_b4_no_auth_switches_a_sessions_auth_off_for_one_call(sandbox, driver, acme):
    with driver.session(auth=acme.auth) as send:
        assert send("GET", acme.url, auth=driver.module.NoAuth()).status_code == 401
        assert send("GET", acme.url).status_code == 200
    assert acme.arrived() == ["", acme.token]


@pytest.mark.drivers(requests=True)
def test_g3_a_response_pickles_and_its_hook_still_keeps_the_header_from_other_hosts(sandbox, driver, acme):
    with driver.session(auth=acme.auth) as send:
        response = pickle.loads(pickle.dumps(send("GET", acme.url)))
    response.request.url = acme.redirect(sandbox.elsewhere_url)
    with driver.lib.Session() as plain:
        plain.trust_env = False
        plain.send(response.request)
    assert acme.arrived() == [acme.token] * 2
    assert len(sandbox.arrivals("elsewhere")) == 1
    assert nothing_leaked(sandbox, acme.token)
