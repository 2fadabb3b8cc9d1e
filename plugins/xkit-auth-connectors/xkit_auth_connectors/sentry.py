"""Sentry.

User, organization and integration tokens all go as Bearer; an old API key is the user name of HTTP Basic. The 401
says in ``detail`` what is wrong: an inactive user and a token for other endpoints or another organization are not
cured by a new token. Source: Sentry's own source code, its API authentication. Unverified, and so left out: a host
for each organization, and the body of a 403. For a Sentry of your own give ``hosts=``.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, StartsWith, Verdict

sentry = Connector(
    "sentry",
    hosts=["sentry.io", "us.sentry.io", "de.sentry.io", "eu.sentry.io"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(basic=("{token}", "")),
    },
    inspect={401: "application/json"},
    failures=[
        Failure(
            Verdict.DENIED,
            status=401,
            json={
                "detail": [
                    StartsWith("User inactive or deleted"),
                    StartsWith("UserApplication inactive or deleted"),
                    StartsWith("Unauthorized organization access"),
                    StartsWith("This token access is limited to organization endpoints"),
                ]
            },
        ),
    ],
)

connectors = [sentry]
