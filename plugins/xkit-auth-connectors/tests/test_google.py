"""Google's APIs."""

from __future__ import annotations

from xkit_auth_connectors.google import gmail, google_calendar, google_drive, youtube

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


def forbidden(then: Verdict, reason: str) -> Answer:
    """An answer with 403 and a reason in Google's older form."""
    return Answer(then, status=403, json={"error": {"code": 403, "errors": [{"domain": "global", "reason": reason}]}})


ANSWERS = [
    Answer(
        Verdict.REFETCH,
        status=401,
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
        json={"error": {"code": 401, "status": "UNAUTHENTICATED", "errors": [{"reason": "authError"}]}},
    ),
    forbidden(Verdict.DENIED, "insufficientPermissions"),
    forbidden(Verdict.DENIED, "accessNotConfigured"),
    forbidden(Verdict.RATE_LIMITED, "userRateLimitExceeded"),
    Answer(
        Verdict.DENIED,
        status=403,
        json={
            "error": {
                "code": 403,
                "status": "PERMISSION_DENIED",
                "details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "domain": "googleapis.com"}],
            }
        },
    ),
    forbidden(Verdict.ACCEPTED, "somethingElse"),
    Answer(Verdict.RATE_LIMITED, status=429),
]


class TestGoogleDrive(ConnectorContract):
    connector = google_drive
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["www.googleapis.com"]}
    answers = [
        *ANSWERS,
        forbidden(Verdict.DENIED, "insufficientFilePermissions"),
        forbidden(Verdict.DENIED, "appNotAuthorizedToFile"),
    ]


class TestGoogleCalendar(ConnectorContract):
    connector = google_calendar
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["www.googleapis.com"]}
    answers = ANSWERS


class TestGmail(ConnectorContract):
    connector = gmail
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["gmail.googleapis.com"]}
    answers = ANSWERS


class TestYouTube(ConnectorContract):
    connector = youtube
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["www.googleapis.com"]}
    answers = ANSWERS
