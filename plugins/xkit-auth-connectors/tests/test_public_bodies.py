"""Error bodies that users of some thirty providers have quoted in public, and what each of them means."""

from __future__ import annotations

import json
from typing import Any

import pytest
import xkit_auth_connectors

from xkit_auth import RequestView, Verdict
from xkit_auth._connectors.connector import judged_by_rules
from xkit_auth._connectors.policy import answer_view, wants_body

CONNECTORS = {connector.slug: connector for connector in xkit_auth_connectors.xkit_auth_connectors()}

REFETCH, RECONNECT, DENIED = Verdict.REFETCH, Verdict.RECONNECT, Verdict.DENIED
LIMITED, ACCEPTED = Verdict.RATE_LIMITED, Verdict.ACCEPTED


def google(status: int, reason: str, state: str) -> Any:
    errors = [{"domain": "global", "reason": reason, "message": "No."}]
    return {"error": {"code": status, "message": "No.", "errors": errors, "status": state}}


BODIES: list[tuple[str, int, Any, Verdict]] = [
    ("google-drive", 401, google(401, "authError", "UNAUTHENTICATED"), REFETCH),
    ("google-drive", 403, google(403, "insufficientPermissions", "PERMISSION_DENIED"), DENIED),
    ("google-drive", 403, google(403, "rateLimitExceeded", "PERMISSION_DENIED"), LIMITED),
    ("google-drive", 403, google(403, "userRateLimitExceeded", "PERMISSION_DENIED"), LIMITED),
    ("google-drive", 403, google(403, "accessNotConfigured", "PERMISSION_DENIED"), DENIED),
    ("google-calendar", 403, google(403, "quotaExceeded", "PERMISSION_DENIED"), LIMITED),
    ("google-calendar", 403, google(403, "domainPolicy", "PERMISSION_DENIED"), DENIED),
    ("gmail", 401, google(401, "authError", "UNAUTHENTICATED"), REFETCH),
    ("gmail", 403, google(403, "dailyLimitExceeded", "PERMISSION_DENIED"), LIMITED),
    ("gmail", 403, google(403, "forbidden", "PERMISSION_DENIED"), ACCEPTED),
    ("youtube", 403, google(403, "quotaExceeded", "PERMISSION_DENIED"), LIMITED),
    (
        "microsoft-graph",
        401,
        {"error": {"code": "InvalidAuthenticationToken", "message": "Access token has expired."}},
        REFETCH,
    ),
    (
        "microsoft-graph",
        403,
        {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}},
        DENIED,
    ),
    ("outlook", 403, {"error": {"code": "ErrorAccessDenied", "message": "Access is denied."}}, DENIED),
    ("onedrive", 403, {"error": {"code": "accessDenied", "message": "Access denied"}}, ACCEPTED),
    ("salesforce", 401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], REFETCH),
    ("salesforce", 403, [{"message": "The REST API is not enabled", "errorCode": "API_DISABLED_FOR_ORG"}], DENIED),
    ("salesforce", 403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], LIMITED),
    (
        "hubspot",
        401,
        {"status": "error", "message": "The OAuth token expired", "category": "EXPIRED_AUTHENTICATION"},
        REFETCH,
    ),
    (
        "hubspot",
        403,
        {"status": "error", "message": "This app hasn't been granted", "category": "MISSING_SCOPES"},
        DENIED,
    ),
    ("zendesk", 401, {"error": "invalid_token", "error_description": "The access token provided is expired"}, REFETCH),
    ("zendesk", 401, {"error": "Couldn't authenticate you"}, REFETCH),
    (
        "intercom",
        401,
        {"type": "error.list", "errors": [{"code": "unauthorized", "message": "Access Token Invalid"}]},
        REFETCH,
    ),
    ("intercom", 403, {"type": "error.list", "errors": [{"code": "api_plan_restricted", "message": "No."}]}, DENIED),
    ("jira", 401, {"code": 401, "message": "Unauthorized"}, REFETCH),
    ("jira", 401, {"code": 401, "message": "Unauthorized; scope does not match"}, DENIED),
    ("asana", 401, {"errors": [{"message": "The bearer token has expired."}]}, REFETCH),
    ("asana", 403, {"errors": [{"message": "Forbidden"}]}, ACCEPTED),
    ("trello", 401, "invalid token", REFETCH),
    (
        "notion",
        401,
        {"object": "error", "status": 401, "code": "unauthorized", "message": "API token is invalid."},
        REFETCH,
    ),
    ("notion", 403, {"object": "error", "status": 403, "code": "restricted_resource", "message": "No."}, DENIED),
    ("airtable", 401, {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}}, REFETCH),
    ("airtable", 403, {"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "No."}}, ACCEPTED),
    ("dropbox", 401, {"error_summary": "expired_access_token/..", "error": {".tag": "expired_access_token"}}, REFETCH),
    (
        "dropbox",
        401,
        {"error_summary": "missing_scope/.", "error": {".tag": "missing_scope", "required_scope": "x"}},
        DENIED,
    ),
    ("zoom", 401, {"code": 124, "message": "Access token is expired."}, REFETCH),
    (
        "zoom",
        400,
        {"code": 4711, "message": "Invalid access token, does not contain scopes:[user:read:admin]."},
        DENIED,
    ),
    ("zoom", 401, {"code": 4700, "message": "Invalid access token, does not contain scopes."}, DENIED),
    (
        "shopify",
        401,
        {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
        REFETCH,
    ),
    (
        "stripe",
        401,
        {"error": {"message": "Invalid API Key provided: sk_test_***", "type": "invalid_request_error"}},
        REFETCH,
    ),
    ("stripe", 401, {"error": {"code": "api_key_expired", "message": "Expired API Key provided"}}, REFETCH),
    (
        "quickbooks",
        401,
        {
            "fault": {
                "error": [
                    {
                        "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                        "detail": "Malformed bearer token: too short or too long",
                        "code": "3200",
                    }
                ],
                "type": "AUTHENTICATION",
            }
        },
        REFETCH,
    ),
    (
        "quickbooks",
        403,
        {
            "fault": {
                "error": [
                    {
                        "message": "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
                        "detail": None,
                        "code": "3100",
                    }
                ],
                "type": "SERVICE",
            }
        },
        DENIED,
    ),
    (
        "xero",
        401,
        {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired: token expired at 01/01"},
        REFETCH,
    ),
    ("xero", 403, {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}, DENIED),
    ("mailchimp", 401, {"title": "API Key Invalid", "status": 401, "detail": "Your API key may be invalid"}, REFETCH),
    ("discord", 401, {"message": "401: Unauthorized", "code": 0}, REFETCH),
    ("discord", 403, {"message": "Missing Permissions", "code": 50013}, DENIED),
    (
        "facebook",
        400,
        {"error": {"message": "Session has expired", "type": "OAuthException", "code": 190, "error_subcode": 463}},
        REFETCH,
    ),
    (
        "facebook",
        400,
        {
            "error": {
                "message": "The access token is invalid since the user hasn't engaged the app in longer than 90 days.",
                "type": "OAuthException",
                "code": 190,
                "error_subcode": 493,
            }
        },
        RECONNECT,
    ),
    (
        "facebook",
        400,
        {
            "error": {
                "message": "The session has been invalidated because the user changed their password",
                "type": "OAuthException",
                "code": 190,
                "error_subcode": 460,
            }
        },
        RECONNECT,
    ),
    (
        "facebook",
        403,
        {"error": {"message": "(#200) Permissions error", "type": "OAuthException", "code": 200}},
        DENIED,
    ),
    (
        "facebook",
        403,
        {"error": {"message": "(#4) Application request limit reached", "type": "OAuthException", "code": 4}},
        LIMITED,
    ),
    (
        "linkedin",
        401,
        {"message": "The token used in the request has expired", "serviceErrorCode": 65602, "status": 401},
        REFETCH,
    ),
    (
        "linkedin",
        401,
        {
            "message": "The token used in the request has been revoked by the user",
            "serviceErrorCode": 65601,
            "status": 401,
            "code": "REVOKED_ACCESS_TOKEN",
        },
        RECONNECT,
    ),
    ("spotify", 401, {"error": {"status": 401, "message": "The access token expired"}}, REFETCH),
    ("figma", 403, {"status": 403, "err": "Token expired"}, REFETCH),
    ("figma", 403, {"status": 403, "err": "Invalid token"}, REFETCH),
    (
        "gitlab",
        401,
        {
            "error": "invalid_token",
            "error_description": "Token is expired. You can either do re-authorization or token refresh.",
        },
        REFETCH,
    ),
    ("gitlab", 401, {"message": "401 Unauthorized"}, REFETCH),
    ("gitlab", 403, {"error": "insufficient_scope", "scope": "api"}, DENIED),
    (
        "bitbucket",
        401,
        {
            "type": "error",
            "error": {"message": "Access token expired. Use your refresh token to obtain a new access token."},
        },
        REFETCH,
    ),
    (
        "zoho-crm",
        401,
        {"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"},
        REFETCH,
    ),
    (
        "zoho-crm",
        401,
        {"code": "OAUTH_SCOPE_MISMATCH", "message": "invalid oauth scope to access this URL", "status": "error"},
        DENIED,
    ),
    ("twitch", 401, {"error": "Unauthorized", "status": 401, "message": "Invalid OAuth token"}, REFETCH),
    (
        "openai",
        401,
        {
            "error": {
                "message": "Incorrect API key provided",
                "type": "invalid_request_error",
                "code": "invalid_api_key",
            }
        },
        REFETCH,
    ),
    (
        "openai",
        429,
        {
            "error": {
                "message": "You exceeded your current quota",
                "type": "insufficient_quota",
                "code": "insufficient_quota",
            }
        },
        LIMITED,
    ),
    (
        "anthropic",
        401,
        {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
        REFETCH,
    ),
    ("monday", 401, {"errors": ["Not Authenticated"]}, REFETCH),
    (
        "linear",
        400,
        {
            "errors": [
                {
                    "message": "Authentication required, not authenticated",
                    "extensions": {"type": "authentication error", "code": "AUTHENTICATION_ERROR"},
                }
            ]
        },
        REFETCH,
    ),
    (
        "square",
        401,
        {
            "errors": [
                {
                    "category": "AUTHENTICATION_ERROR",
                    "code": "ACCESS_TOKEN_EXPIRED",
                    "detail": "The provided access token has expired.",
                }
            ]
        },
        REFETCH,
    ),
    ("square", 401, {"errors": [{"category": "AUTHENTICATION_ERROR", "code": "ACCESS_TOKEN_REVOKED"}]}, REFETCH),
    ("paypal", 401, {"error": "invalid_token", "error_description": "Token signature verification failed"}, REFETCH),
    (
        "paypal",
        403,
        {"name": "NOT_AUTHORIZED", "message": "Authorization failed due to insufficient permissions."},
        ACCEPTED,
    ),
    (
        "sendgrid",
        401,
        {"errors": [{"message": "The provided authorization grant is invalid, expired, or revoked"}]},
        REFETCH,
    ),
    ("sendgrid", 403, {"errors": [{"message": "access forbidden"}]}, ACCEPTED),
    ("twilio", 401, {"code": 20003, "message": "Authenticate", "status": 401}, REFETCH),
]


@pytest.mark.parametrize(("slug", "status", "body", "verdict"), BODIES)
def test_a_body_that_somebody_has_quoted_means_what_it_means(
    slug: str, status: int, body: Any, verdict: Verdict
) -> None:
    connector = CONNECTORS[slug]
    is_text = isinstance(body, str)
    headers = {"content-type": "text/plain" if is_text else "application/json; charset=utf-8"}
    content = body.encode() if is_text else json.dumps(body).encode()
    read = content if wants_body(connector, status, headers) else None
    request = RequestView(method="GET", url="https://provider.example/", headers={}, body=b"")
    assert judged_by_rules(connector, answer_view(status, headers, read, request)).verdict is verdict


def test_they_are_of_thirty_providers_or_more() -> None:
    assert len({slug for slug, *_ in BODIES}) >= 30
