"""Square.

A personal access token is sent like an OAuth token. Refusals have the category ``AUTHENTICATION_ERROR``, and the code
tells which of them another token may cure. Source: Square's OpenAPI specification. Unverified: the statuses, so that
a 401 means another token unless the code says otherwise.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

square = Connector(
    "square",
    hosts=["connect.squareup.com", "connect.squareupsandbox.com"],
    inspect={401: "application/json", 403: "application/json"},
    failures=[
        Failure(
            Verdict.DENIED,
            status=(401, 403),
            json={
                "errors.*.code": (
                    "FORBIDDEN",
                    "INSUFFICIENT_SCOPES",
                    "APPLICATION_DISABLED",
                    "CLIENT_DISABLED",
                    "V1_ACCESS_TOKEN",
                ),
            },
        ),
    ],
)

connectors = [square]
