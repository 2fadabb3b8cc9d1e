"""Salesforce, HubSpot and Intercom."""

from __future__ import annotations

from xkit_auth_connectors.hubspot import hubspot
from xkit_auth_connectors.intercom import intercom
from xkit_auth_connectors.salesforce import salesforce

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestSalesforce(ConnectorContract):
    connector = salesforce
    params = {"host": "acme--dev.sandbox.my.salesforce.com"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "bulk": {"Authorization": "Bearer TOKEN", "X-SFDC-Session": "TOKEN"},
    }
    hosts = dict.fromkeys(sends, ("acme--dev.sandbox.my.salesforce.com",))
    answers = [
        Answer(
            Verdict.REFETCH,
            status=400,
            json={"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"},
        ),
        Answer(
            Verdict.REFETCH,
            status=400,
            headers={"Content-Type": "application/xml"},
            text='<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload">'
            "<exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage>"
            "</error>",
        ),
        Answer(Verdict.ACCEPTED, status=400, json={"exceptionCode": "InvalidBatch", "exceptionMessage": "No."}),
        Answer(Verdict.REFETCH, status=401, json=[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}]),
        Answer(Verdict.RATE_LIMITED, status=403, json=[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "Enough."}]),
        Answer(Verdict.DENIED, status=403, json=[{"errorCode": "INSUFFICIENT_ACCESS", "message": "It is not yours."}]),
        Answer(Verdict.ACCEPTED, status=403, json=[{"errorCode": "SOMETHING_ELSE"}]),
    ]


class TestHubSpot(ConnectorContract):
    connector = hubspot
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.hubapi.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": "It expired 42 second(s) ago."},
        ),
        Answer(Verdict.REFETCH, status=401, json={"status": "error", "category": "INVALID_AUTHENTICATION"}),
        Answer(Verdict.DENIED, status=403, json={"status": "error", "category": "MISSING_SCOPES"}),
        Answer(Verdict.ACCEPTED, status=403, json={"status": "error", "category": "SOMETHING_ELSE"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestIntercom(ConnectorContract):
    connector = intercom
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.intercom.io", "api.eu.intercom.io", "api.au.intercom.io"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"type": "error.list", "errors": [{"code": "unauthorized", "message": "Access Token Invalid"}]},
        ),
        Answer(Verdict.DENIED, status=403, json={"type": "error.list", "errors": [{"code": "forbidden"}]}),
        Answer(Verdict.DENIED, status=403, json={"type": "error.list", "errors": [{"code": "api_plan_restricted"}]}),
        Answer(Verdict.ACCEPTED, status=403, json={"type": "error.list", "errors": [{"code": "something_else"}]}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"X-RateLimit-Reset": "1700000000"}),
    ]
