"""Zoom.

Tokens of users and server-to-server tokens go the same way. One that is expired or wrong is answered with 401 and
code 124; if the message complains of scopes instead, another token does not help. Source: Zoom's documentation,
"Errors" and "OAuth error messages"; reports of users (missing scopes with 400). Unverified, and left out: the hosts of
regions.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Verdict

zoom = Connector(
    "zoom",
    hosts=["api.zoom.us"],
    inspect={400: "application/json", 401: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=(400, 401), json={"message": Contains("does not contain scopes")}),
    ],
)

connectors = [zoom]
