"""Sales and shared inboxes: what their connectors send where, and what the providers' answers mean."""

from __future__ import annotations

from xkit_auth_connectors.copper import copper
from xkit_auth_connectors.front import front
from xkit_auth_connectors.gong import gong
from xkit_auth_connectors.outreach import outreach
from xkit_auth_connectors.pipedrive import pipedrive
from xkit_auth_connectors.salesloft import salesloft
from xkit_auth_connectors.zoho_crm import zoho_crm

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestPipedrive(ConnectorContract):
    connector = pipedrive
    params = {"company": "acme"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_token": {"x-api-token": "TOKEN"},
    }
    hosts = {
        "oauth2": ["acme.pipedrive.com", "api.pipedrive.com"],
        "api_token": ["acme.pipedrive.com", "api.pipedrive.com"],
    }
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403, json={"success": False, "error": "Scope and URL mismatch"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestCopper(ConnectorContract):
    connector = copper
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_key": {
            "X-PW-AccessToken": "API_KEY",
            "X-PW-UserEmail": "EMAIL",
            "X-PW-Application": "developer_api",
        },
    }
    hosts = {"oauth2": ["api.copper.com"], "api_key": ["api.copper.com"]}
    refusal_is_unknown = True
    answers = [Answer(Verdict.ACCEPTED, status=403)]


class TestZohoCrm(ConnectorContract):
    connector = zoho_crm
    sends = {"oauth2": {"Authorization": "Zoho-oauthtoken TOKEN"}}
    hosts = {
        "oauth2": [
            "www.zohoapis.com",
            "www.zohoapis.eu",
            "www.zohoapis.in",
            "www.zohoapis.com.au",
            "www.zohoapis.com.cn",
            "www.zohoapis.jp",
        ]
    }
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"},
        ),
        Answer(Verdict.DENIED, status=401, json={"code": "OAUTH_SCOPE_MISMATCH", "message": "Unauthorized"}),
        Answer(Verdict.DENIED, status=401, json={"code": "AUTHENTICATION_FAILURE", "status": "error"}),
        Answer(Verdict.DENIED, status=403, json={"code": "NO_PERMISSION", "status": "error"}),
        Answer(Verdict.ACCEPTED, status=403, json={"status": "error"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestOutreach(ConnectorContract):
    connector = outreach
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.outreach.io"]}
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403, json={"errors": [{"id": "unauthorizedOauthScope"}]}),
        Answer(Verdict.ACCEPTED, status=403, json={"errors": [{"id": "unauthorizedRequest"}]}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestSalesloft(ConnectorContract):
    connector = salesloft
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.salesloft.com"]}
    refusal_is_unknown = True
    answers = [Answer(Verdict.ACCEPTED, status=403)]


class TestGong(ConnectorContract):
    connector = gong
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "access_key": {"Authorization": "Basic ACCESS_KEY:SECRET"},
    }
    hosts = {"oauth2": ["self-hosted.example"], "access_key": ["api.gong.io"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"requestId": "4al018gzaztcr8nbukw", "errors": ["A bad token"]}),
        Answer(Verdict.ACCEPTED, status=403, json={"requestId": "4al018gzaztcr8nbukx", "errors": ["A bad address"]}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "1"}),
    ]


class TestFront(ConnectorContract):
    connector = front
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api2.frontapp.com"]}
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "1"}),
    ]
