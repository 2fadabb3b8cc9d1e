"""Boards and lists: what their connectors send where, and what the providers' answers mean."""

from __future__ import annotations

from xkit_auth_connectors.figma import figma
from xkit_auth_connectors.miro import miro
from xkit_auth_connectors.todoist import todoist

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestFigma(ConnectorContract):
    connector = figma
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "personal_token": {"X-Figma-Token": "TOKEN"},
    }
    hosts = {"oauth2": ["api.figma.com"], "personal_token": ["api.figma.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=403, json={"status": 403, "err": "Token expired"}),
        Answer(Verdict.REFETCH, status=403, json={"status": 403, "err": "Invalid token"}),
        Answer(Verdict.REFETCH, status=401, json={"error": True, "status": 401, "message": "Unauthorized"}),
        Answer(Verdict.ACCEPTED, status=403, json={"status": 403, "err": "Not allowed"}),
        Answer(Verdict.ACCEPTED, status=404, json={"status": 404, "err": "Not found"}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "60"}),
    ]


class TestMiro(ConnectorContract):
    connector = miro
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.miro.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"status": 401, "code": "tokenNotProvided", "message": "No token", "type": "error"},
        ),
        Answer(Verdict.ACCEPTED, status=403, json={"status": 403, "type": "error"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestTodoist(ConnectorContract):
    connector = todoist
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.todoist.com"]}
    refusal_is_unknown = True
    answers = [Answer(Verdict.ACCEPTED, status=403)]
