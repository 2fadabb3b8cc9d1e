"""Forms, signatures and tickets: codes in the body tell what a new token would cure."""

from __future__ import annotations

from xkit_auth_connectors.docusign import docusign
from xkit_auth_connectors.dropbox_sign import dropbox_sign
from xkit_auth_connectors.eventbrite import eventbrite
from xkit_auth_connectors.surveymonkey import surveymonkey
from xkit_auth_connectors.typeform import typeform

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestDocusign(ConnectorContract):
    connector = docusign
    params = {"host": "demo.docusign.net"}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["demo.docusign.net"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"errorCode": "AUTHORIZATION_INVALID_TOKEN", "message": "Expired."}),
        Answer(Verdict.REFETCH, status=401, json={"errorCode": "USER_AUTHENTICATION_FAILED"}),
        Answer(Verdict.REFETCH, status=401, json={"errorCode": "PARTNER_AUTHENTICATION_FAILED"}),
        Answer(Verdict.DENIED, status=401, json={"errorCode": "ACCOUNT_LACKS_PERMISSIONS"}),
        Answer(Verdict.DENIED, status=401, json={"errorCode": "USER_LACKS_PERMISSIONS"}),
        Answer(Verdict.DENIED, status=401, json={"errorCode": "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"}),
        Answer(Verdict.RATE_LIMITED, status=400, json={"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"}),
        Answer(Verdict.ACCEPTED, status=400, json={"message": "The request is wrong."}),
    ]


class TestDropboxSign(ConnectorContract):
    connector = dropbox_sign
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_key": {"Authorization": "Basic TOKEN:"},
    }
    hosts = {"oauth2": ["api.hellosign.com"], "api_key": ["api.hellosign.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": {"error_name": "unauthorized", "error_msg": "Log in."}}),
        Answer(Verdict.ACCEPTED, status=402, json={"error": {"error_name": "payment_required"}}),
        Answer(Verdict.DENIED, status=403, json={"error": {"error_name": "forbidden"}}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"error": {"error_name": "exceeded_rate"}}),
    ]


class TestTypeform(ConnectorContract):
    connector = typeform
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.typeform.com", "api.eu.typeform.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"code": "AUTHENTICATION_FAILED", "description": "Not found."}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestSurveymonkey(ConnectorContract):
    connector = surveymonkey
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.surveymonkey.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": {"id": "1011", "message": "It is invalid."}}),
        Answer(Verdict.REFETCH, status=401, json={"error": {"id": "1012", "message": "It is expired."}}),
        Answer(Verdict.RECONNECT, status=401, json={"error": {"id": "1013", "message": "It was revoked."}}),
        Answer(Verdict.RECONNECT, status=401, json={"error": {"id": 1013}}),
        Answer(Verdict.DENIED, status=403, json={"error": {"id": "1014", "message": "A permission is missing."}}),
        Answer(Verdict.DENIED, status=403, json={"error": {"id": 1018}}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.ACCEPTED, status=410, json={"error": {"id": "1053"}}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"error": {"id": "1040"}}),
    ]


class TestEventbrite(ConnectorContract):
    connector = eventbrite
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["www.eventbriteapi.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"status_code": 401, "error": "INVALID_AUTH", "error_description": "The token is invalid."},
        ),
        Answer(Verdict.REFETCH, status=401, json={"status_code": 401, "error": "NOT_AUTH"}),
        Answer(Verdict.ACCEPTED, status=403, json={"status_code": 403, "error": "NOT_AUTHORIZED"}),
    ]
