"""The style of these tests: what a connector sends where, and what the provider's answers mean."""

from __future__ import annotations

from xkit_auth_connectors.freshdesk import freshdesk
from xkit_auth_connectors.helpscout import helpscout
from xkit_auth_connectors.servicenow import servicenow
from xkit_auth_connectors.zendesk import zendesk

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestZendesk(ConnectorContract):
    connector = zendesk
    params = {"subdomain": "acme"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_token": {"Authorization": "Basic EMAIL/token:API_TOKEN"},
    }
    hosts = {"oauth2": ["acme.zendesk.com"], "api_token": ["acme.zendesk.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": "invalid_token", "error_description": "It is expired."}),
        Answer(Verdict.ACCEPTED, status=403, json={"error": "Forbidden"}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "30"}),
    ]


class TestFreshdesk(ConnectorContract):
    connector = freshdesk
    params = {"subdomain": "acme"}
    sends = {
        "api_key": {"Authorization": "Basic TOKEN:X"},
        "password": {"Authorization": "Basic EMAIL:PASSWORD"},
    }
    hosts = {"api_key": ["acme.freshdesk.com"], "password": ["acme.freshdesk.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"code": "invalid_credentials", "message": "You have to log in."}),
        Answer(Verdict.ACCEPTED, status=403, json={"code": "access_denied"}),
    ]


class TestHelpScout(ConnectorContract):
    connector = helpscout
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_key": {"Authorization": "Basic TOKEN:X"},
    }
    hosts = {"oauth2": ["api.helpscout.net"], "api_key": ["docsapi.helpscout.net"]}
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"X-RateLimit-Retry-After": "10"}),
    ]


class TestServiceNow(ConnectorContract):
    connector = servicenow
    params = {"instance": "acme"}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["acme.service-now.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"error": {"message": "User Not Authenticated", "detail": "No Auth information"}, "status": "failure"},
        ),
        Answer(Verdict.ACCEPTED, status=403, json={"error": {"message": "Not permitted"}, "status": "failure"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
