"""Hard case X2: niquests takes an auth object that was made for requests, and its sessions are like those of requests.

Only its async sessions are not, and they must not find that out half-way.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

import niquests
from xkit_auth import ConfigurationError, Connector
from xkit_auth.requests import XkitAuth

HEADERS = {"authorization": None, "x-api-key": {"X-Api-Key": "{token}"}}


@pytest.fixture(params=HEADERS)
def acme(request, sandbox, xkit):
    """A connected user of a connector, with a Bearer token and with a header of its own."""
    sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], header=HEADERS[request.param]))

    class Acme:
        header = request.param
        url = sandbox.provider_url("acme")
        token = sandbox.connect("acme", "user-1")
        auth = XkitAuth("acme", context="user-1", xkit=xkit)

        @classmethod
        def redirect(cls, to):
            return f"{cls.url}/redirect?to={quote(to, safe='')}"

        @classmethod
        def arrived(cls):
            """The credentials at the provider, in order, without what the connector puts around them."""
            return [each.headers.get(cls.header, "").removeprefix("Bearer ") for each in sandbox.arrivals("acme")]

    return Acme


@pytest.fixture
def session():
    with niquests.Session() as session:
        session.trust_env = False
        yield session


def test_x2_the_credential_is_fetched_when_it_is_needed_and_then_held(sandbox, acme, session):
    for _ in range(2):
        assert session.get(acme.url, auth=acme.auth).status_code == 200
    assert acme.arrived() == [acme.token] * 2
    assert sandbox.call_count() == 1


def test_x2_a_refused_request_is_fetched_for_and_sent_again(sandbox, acme, session):
    assert session.get(acme.url, auth=acme.auth).status_code == 200
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    response = session.post(acme.url, auth=acme.auth, json={"a": 1})
    assert (response.status_code, [each.status_code for each in response.history]) == (200, [401])
    assert acme.arrived() == [acme.token, sandbox.credential("acme", "user-1")]
    refused, again = sandbox.arrivals("acme")
    assert refused.body == again.body != b""
    assert sandbox.call_count() == 1


def test_x2_no_redirect_carries_the_credential_to_another_origin(sandbox, acme, session):
    response = session.get(acme.redirect(sandbox.elsewhere_url), auth=acme.auth)
    assert (response.status_code, [each.status_code for each in response.history]) == (200, [302])
    assert acme.arrived() == [acme.token]
    (arrival,) = sandbox.arrivals("elsewhere")
    assert not {acme.header, "authorization"} & {*arrival.headers}
    assert acme.token not in str(arrival.raw_headers)


def test_x2_a_redirect_after_a_resend_carries_the_new_credential_within_the_origin_only(sandbox, acme, session):
    assert session.get(acme.url, auth=acme.auth).status_code == 200
    sandbox.expire("acme", "user-1")
    sandbox.clear()
    away = acme.redirect(sandbox.elsewhere_url).removeprefix(acme.url)
    response = session.get(acme.redirect(away), auth=acme.auth)
    assert response.status_code == 200
    new = sandbox.credential("acme", "user-1")
    assert acme.arrived() == [acme.token, new, new]
    (arrival,) = sandbox.arrivals("elsewhere")
    assert not any(token in str(arrival.raw_headers) for token in (acme.token, new))


def test_x2_a_streamed_answer_after_a_resend_is_unread(sandbox, acme, session):
    assert session.get(acme.url, auth=acme.auth).status_code == 200
    sandbox.expire("acme", "user-1")
    with session.get(f"{acme.url}/stream?chunks=3", auth=acme.auth, stream=True) as response:
        assert (response.status_code, [each.status_code for each in response.history]) == (200, [401])
        assert not response._content_consumed
        assert len(b"".join(response.iter_content(100))) > 0


@pytest.mark.parametrize("by_hand", [False, True])
def test_x2_an_async_session_is_refused_with_a_word_on_what_to_use_before_anything_is_sent(sandbox, acme, by_hand):
    async def get():
        async with niquests.AsyncSession() as session:
            session.trust_env = False
            if not by_hand:
                await session.get(acme.url, auth=acme.auth)
            await session.send(session.prepare_request(niquests.Request("GET", acme.url, auth=acme.auth)))

    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(get())
    assert "httpx.AsyncClient" in caught.value.hint
    assert sandbox.arrivals("acme") == []


def test_x2_a_multiplexed_session_is_refused_before_anything_is_sent(sandbox, acme):
    with niquests.Session(multiplexed=True) as session:
        session.trust_env = False
        with pytest.raises(ConfigurationError) as caught:
            session.get(acme.url, auth=acme.auth)
    assert "without multiplexed=True" in caught.value.hint
    assert sandbox.arrivals("acme") == []


def test_x2_an_ordinary_session_works_in_a_task_too(sandbox, acme, session):
    async def get():
        return session.get(acme.url, auth=acme.auth)

    assert asyncio.run(get()).status_code == 200
