"""Asana, Notion and Airtable."""

from __future__ import annotations

from xkit_auth_connectors.airtable import airtable
from xkit_auth_connectors.asana import asana
from xkit_auth_connectors.notion import notion

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestAsana(ConnectorContract):
    connector = asana
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["app.asana.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"errors": [{"message": "The bearer token has expired."}]}),
        Answer(Verdict.ACCEPTED, status=402, json={"errors": [{"message": "This is not in your plan."}]}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "30"}),
    ]


class TestNotion(ConnectorContract):
    connector = notion
    sends = {"oauth2": {"Authorization": "Bearer TOKEN", "Notion-Version": "2025-09-03"}}
    hosts = {"oauth2": ["api.notion.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"object": "error", "status": 401, "code": "unauthorized", "message": "API token is invalid."},
        ),
        Answer(Verdict.DENIED, status=403, json={"object": "error", "status": 403, "code": "restricted_resource"}),
        Answer(Verdict.ACCEPTED, status=404, json={"object": "error", "status": 404, "code": "object_not_found"}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"object": "error", "status": 429, "code": "rate_limited"}),
    ]


class TestAirtable(ConnectorContract):
    connector = airtable
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.airtable.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": {"type": "AUTHENTICATION_REQUIRED"}}),
        Answer(Verdict.REFETCH, status=401, json={"error": {"type": "UNAUTHORIZED", "message": "It is not known."}}),
        Answer(Verdict.DENIED, status=403, json={"error": {"type": "INVALID_PERMISSIONS"}}),
        Answer(Verdict.ACCEPTED, status=403, json={"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
