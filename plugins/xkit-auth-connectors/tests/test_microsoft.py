"""Microsoft Graph and what is reached through it."""

from __future__ import annotations

from xkit_auth_connectors.microsoft import microsoft_graph, microsoft_teams, onedrive, outlook, sharepoint

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

BEARER = {"Authorization": "Bearer TOKEN"}
CLAIMS = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="

ANSWERS = [
    Answer(
        Verdict.REFETCH,
        status=401,
        json={"error": {"code": "InvalidAuthenticationToken", "message": "The token is expired."}},
    ),
    Answer(
        Verdict.CHALLENGE,
        status=401,
        headers={"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{CLAIMS}"'},
        json={"error": {"code": "InvalidAuthenticationToken"}},
        detail=CLAIMS,
    ),
    Answer(
        Verdict.REFETCH,
        status=401,
        headers={"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'},
    ),
    Answer(
        Verdict.DENIED,
        status=403,
        headers={"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{CLAIMS}"'},
    ),
    Answer(Verdict.DENIED, status=403, json={"error": {"code": "Authorization_RequestDenied", "message": "No."}}),
    Answer(Verdict.DENIED, status=403, json={"error": {"code": "ErrorAccessDenied", "message": "No."}}),
    Answer(Verdict.ACCEPTED, status=403, json={"error": {"code": "SomethingElse"}}),
    Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "30"}),
]


class TestMicrosoftGraph(ConnectorContract):
    connector = microsoft_graph
    sends = {"oauth2": BEARER}
    hosts = {"oauth2": ["graph.microsoft.com"]}
    answers = ANSWERS


class TestOutlook(ConnectorContract):
    connector = outlook
    sends = {"oauth2": BEARER}
    hosts = {"oauth2": ["graph.microsoft.com"]}
    answers = ANSWERS


class TestMicrosoftTeams(ConnectorContract):
    connector = microsoft_teams
    sends = {"oauth2": BEARER, "bot_token": BEARER}
    hosts = {"oauth2": ["graph.microsoft.com"], "bot_token": ["smba.trafficmanager.net"]}
    answers = ANSWERS


class TestOneDrive(ConnectorContract):
    connector = onedrive
    sends = {"oauth2": BEARER, "personal_account": BEARER}
    hosts = {"oauth2": ["graph.microsoft.com"], "personal_account": ["api.onedrive.com"]}
    answers = ANSWERS


class TestSharePoint(ConnectorContract):
    connector = sharepoint
    params = {"tenant": "acme"}
    sends = {"oauth2": BEARER, "tenant_token": BEARER}
    hosts = {"oauth2": ["graph.microsoft.com"], "tenant_token": ["acme.sharepoint.com"]}
    answers = ANSWERS
