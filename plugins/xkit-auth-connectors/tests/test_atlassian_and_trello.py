"""Jira, Confluence and Trello."""

from __future__ import annotations

from xkit_auth_connectors.atlassian import confluence, jira
from xkit_auth_connectors.trello import trello

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

ANSWERS = [
    Answer(Verdict.REFETCH, status=401),
    Answer(Verdict.REFETCH, status=200, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, json=[]),
    Answer(Verdict.ACCEPTED, status=201, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, json={"id": "1"}),
    Answer(Verdict.DENIED, status=401, json={"code": 401, "message": "Unauthorized; scope does not match"}),
    Answer(Verdict.DENIED, status=401, headers={"X-Seraph-LoginReason": "OUT, AUTHENTICATION_DENIED"}),
    Answer(Verdict.ACCEPTED, status=403),
]


class TestJira(ConnectorContract):
    connector = jira
    params = {"site": "acme"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_token": {"Authorization": "Basic EMAIL:API_TOKEN"},
    }
    hosts = {"oauth2": ["api.atlassian.com"], "api_token": ["acme.atlassian.net"]}
    answers = ANSWERS


class TestConfluence(ConnectorContract):
    connector = confluence
    params = {"site": "acme"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_token": {"Authorization": "Basic EMAIL:API_TOKEN"},
    }
    hosts = {"oauth2": ["api.atlassian.com"], "api_token": ["acme.atlassian.net"]}
    answers = ANSWERS


class TestTrello(ConnectorContract):
    connector = trello
    params = {"api_key": "0a1b2c"}
    sends = {"api_token_in_query": {"?key": "0a1b2c", "?token": "TOKEN"}}
    hosts = {"api_token_in_query": ["api.trello.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, text="invalid token"),
        Answer(Verdict.DENIED, status=401, text="unauthorized permission requested\n"),
        Answer(Verdict.DENIED, status=401, text="invalid key"),
        Answer(Verdict.DENIED, status=401, text="invalid app key"),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
