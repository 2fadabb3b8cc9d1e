"""Identity and operations: what their connectors send where, and what the providers' answers mean."""

from __future__ import annotations

from xkit_auth_connectors.auth0 import auth0
from xkit_auth_connectors.okta import okta
from xkit_auth_connectors.pagerduty import pagerduty

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestOkta(ConnectorContract):
    connector = okta
    params = {"host": "acme.okta.com"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_token": {"Authorization": "SSWS TOKEN"},
    }
    hosts = {"oauth2": ["acme.okta.com"], "api_token": ["acme.okta.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"errorCode": "E0000011", "errorSummary": "Invalid token provided"}),
        Answer(Verdict.REFETCH, status=401, json={"errorCode": "E0000004", "errorSummary": "Not authenticated"}),
        Answer(Verdict.DENIED, status=401, json={"errorCode": "E0000015", "errorSummary": "Feature not enabled"}),
        Answer(Verdict.DENIED, status=403, json={"errorCode": "E0000006", "errorSummary": "No permission"}),
        Answer(Verdict.ACCEPTED, status=403, json={"errorCode": "E0000005", "errorSummary": "Invalid session"}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"errorCode": "E0000047", "errorSummary": "Too many"}),
    ]


class TestOktaPreview(TestOkta):
    params = {"host": "acme.oktapreview.com"}
    hosts = {"oauth2": ["acme.oktapreview.com"], "api_token": ["acme.oktapreview.com"]}


class TestAuth0(ConnectorContract):
    connector = auth0
    params = {"host": "acme.eu.auth0.com"}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["acme.eu.auth0.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"statusCode": 401, "error": "Unauthorized", "message": "Expired token received"},
        ),
        Answer(Verdict.ACCEPTED, status=403, json={"statusCode": 403, "error": "Forbidden"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestPagerDuty(ConnectorContract):
    connector = pagerduty
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN", "Accept": "application/vnd.pagerduty+json;version=2"},
        "api_key": {"Authorization": "Token token=TOKEN", "Accept": "application/vnd.pagerduty+json;version=2"},
    }
    hosts = {"oauth2": ["api.pagerduty.com"], "api_key": ["api.pagerduty.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"ratelimit-reset": "30"}),
    ]
