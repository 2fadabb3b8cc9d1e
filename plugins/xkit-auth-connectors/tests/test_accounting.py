"""Accounting: QuickBooks Online, Xero, FreshBooks."""

from __future__ import annotations

from xkit_auth_connectors.freshbooks import freshbooks
from xkit_auth_connectors.quickbooks import quickbooks
from xkit_auth_connectors.xero import xero

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

INVALID_TOKEN = {"WWW-Authenticate": 'Bearer realm="Intuit", error="invalid_token"'}


def quickbooks_says(message, fault="fault"):
    error = {"message": f"message={message}; errorCode=003200; statusCode=401", "code": "3200"}
    return {fault: {"error": [error], "type": "AUTHENTICATION"}}


class TestQuickBooks(ConnectorContract):
    connector = quickbooks
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["quickbooks.api.intuit.com", "sandbox-quickbooks.api.intuit.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, headers=INVALID_TOKEN, json=quickbooks_says("AuthenticationFailed")),
        Answer(Verdict.DENIED, status=401, json=quickbooks_says("ApplicationAuthenticationFailed")),
        Answer(Verdict.DENIED, status=401, json=quickbooks_says("ApplicationAuthenticationFailed", "Fault")),
        Answer(Verdict.DENIED, status=403, json=quickbooks_says("ApplicationAuthorizationFailed")),
        Answer(
            Verdict.DENIED,
            status=401,
            headers={"Content-Type": "application/xml"},
            text='<IntuitResponse xmlns="http://schema.intuit.com/finance/v3"><Fault type="AUTHENTICATION">'
            '<Error code="3200"><Message>message=ApplicationAuthenticationFailed; errorCode=003200; statusCode=401'
            "</Message></Error></Fault></IntuitResponse>",
        ),
        Answer(
            Verdict.REFETCH,
            status=401,
            headers={"Content-Type": "application/xml"},
            text='<IntuitResponse><Fault type="AUTHENTICATION"><Error code="3200"><Message>'
            "message=AuthenticationFailed; errorCode=003200; statusCode=401"
            "</Message></Error></Fault></IntuitResponse>",
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestXero(ConnectorContract):
    connector = xero
    params = {"tenant_id": "1b2c-3d"}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN", "xero-tenant-id": "1b2c-3d"}}
    hosts = {"oauth2": ["api.xero.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            headers={"WWW-Authenticate": "Bearer error=invalid_token"},
            json={"Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired: token expired at noon"},
        ),
        Answer(Verdict.REFETCH, status=401, json={"title": "Unauthorized", "detail": "AuthenticationUnsuccessful"}),
        Answer(Verdict.DENIED, status=403, json={"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}),
        Answer(Verdict.DENIED, status=403, json={"title": "Forbidden", "detail": "AuthenticationUnsuccessful"}),
        Answer(Verdict.ACCEPTED, status=403, json={"Title": "Forbidden", "Detail": "Something else"}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestXeroWithoutTenant(TestXero):
    params = {}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}


class TestFreshBooks(ConnectorContract):
    connector = freshbooks
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.freshbooks.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": "unauthenticated", "error_description": "Log in first."}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
