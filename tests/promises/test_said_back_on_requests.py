"""Redirects that say the credential back, other kinds, and errors, on requests."""

from __future__ import annotations

import itertools
import pickle
from urllib.parse import quote

import pytest

from helpers.on_requests import TOKEN, acme, carries, kind, redirect, session  # noqa: F401
from xkit_auth import Connector, HostNotAllowed, NotConnected

pytestmark = pytest.mark.drivers(requests=True)


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
