"""Acme: what is sent, where it may go, and what its answers mean."""

from __future__ import annotations

import hmac

import httpx
import pytest
import xkit_auth_acme

from xkit_auth import ReauthorizationRequired, Verdict
from xkit_auth.httpx import XkitAuth
from xkit_auth.testing import Answer, ConnectorContract, Sandbox


class TestContract(ConnectorContract):
    connector = xkit_auth_acme.acme
    sends = {"oauth2": {"X-Acme-Token": "TOKEN", "X-Acme-Version": "2"}}
    hosts = {"oauth2": ["api.acme.example"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=400,
            json={"error": {"code": "token_expired"}},
        ),
        Answer(Verdict.REFETCH, status=401),
        Answer(
            Verdict.RECONNECT,
            status=400,
            json={"error": {"code": "grant_revoked"}},
        ),
        Answer(
            Verdict.DENIED,
            status=401,
            headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
        ),
        Answer(
            Verdict.ACCEPTED,
            status=400,
            json={"error": {"code": "no_such_order"}},
        ),
    ]


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        running.connect("acme", "user-1")
        yield running


@pytest.fixture
def client(sandbox):
    auth = XkitAuth(
        "acme", context="user-1", xkit=sandbox.xkit(plugins=[xkit_auth_acme])
    )
    with httpx.Client(
        auth=auth, base_url=sandbox.provider_url("acme"), trust_env=False
    ) as client:
        yield client


def refusal(code):
    return f'/status/400?body={{"error":{{"code":"{code}"}}}}'


def test_a_request_is_signed(sandbox, client):
    assert client.post("/orders", content=b"two apples").status_code == 200
    (arrival,) = sandbox.arrivals("acme")
    token = sandbox.credential("acme", "user-1")
    assert arrival.headers["x-acme-token"] == token
    assert (
        arrival.headers["x-acme-signature"]
        == hmac.new(token.encode(), b"two apples", "sha256").hexdigest()
    )


def test_a_stream_goes_without_a_signature(sandbox, client):
    assert (
        client.post("/orders", content=iter([b"two ", b"apples"])).status_code
        == 200
    )
    (arrival,) = sandbox.arrivals("acme")
    assert "x-acme-signature" not in arrival.headers


def test_an_expired_token_is_asked_for_again(sandbox, client):
    assert client.get(refusal("token_expired")).status_code == 400
    assert sandbox.call_count() == 2


def test_a_revoked_grant_needs_the_user(client):
    with pytest.raises(ReauthorizationRequired):
        client.get(refusal("grant_revoked"))


def test_another_mistake_is_the_callers(sandbox, client):
    assert client.get(refusal("no_such_order")).status_code == 400
    assert sandbox.call_count() == 1
