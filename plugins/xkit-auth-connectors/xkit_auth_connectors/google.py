"""Google Drive, Google Calendar, Gmail and YouTube.

A token that is no good is answered with 401 and ``UNAUTHENTICATED``; a missing scope, or a file that is out of bounds,
with 403 and a reason. Each connector has its own hosts and not all of ``googleapis.com``, where customers have
content, too. A 403 may also be a limit, or an API that the application's project has not switched on. Source: Google's
guide for the Drive API, "Handle errors", other integrations, and code and tests of other clients. Unverified, and left
out: the API key of YouTube, its 401 for an account without a channel (so it is taken for a refusal), and further hosts
of Gmail and YouTube.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

_READS_403 = {403: "application/json"}
_REFUSALS = [
    Failure(
        Verdict.RATE_LIMITED,
        status=403,
        json={
            "error.errors.*.reason": (
                *("rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded"),
                "sharingRateLimitExceeded",
            )
        },
    ),
    Failure(
        Verdict.DENIED,
        status=403,
        json={"error.errors.*.reason": ("insufficientPermissions", "accessNotConfigured", "domainPolicy")},
    ),
    Failure(Verdict.DENIED, status=403, json={"error.details.*.reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}),
]

google_drive = Connector(
    "google-drive",
    hosts=["www.googleapis.com"],
    paths=["/drive/", "/upload/drive/"],
    inspect=_READS_403,
    failures=[
        *_REFUSALS,
        Failure(
            Verdict.DENIED,
            status=403,
            json={"error.errors.*.reason": ("insufficientFilePermissions", "appNotAuthorizedToFile")},
        ),
    ],
)

google_calendar = Connector(
    "google-calendar",
    hosts=["www.googleapis.com"],
    paths=["/calendar/"],
    inspect=_READS_403,
    failures=_REFUSALS,
)

gmail = Connector("gmail", hosts=["gmail.googleapis.com"], inspect=_READS_403, failures=_REFUSALS)

youtube = Connector(
    "youtube",
    hosts=["www.googleapis.com"],
    paths=["/youtube/"],
    inspect=_READS_403,
    failures=_REFUSALS,
)

connectors = [google_drive, google_calendar, gmail, youtube]
