"""Twilio SendGrid.

The API key is sent as Bearer. One that is no good is answered with 401; but so is a missing scope by the API for IP
addresses, with a message that says so. To act for a subuser, the application sets ``on-behalf-of`` itself. Source:
SendGrid's OpenAPI specification; tests of other clients. Unverified: the European host, which is left out, and the
text of a 403.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, StartsWith, Verdict

sendgrid = Connector(
    "sendgrid",
    hosts=["api.sendgrid.com"],
    kinds={"api_key": Placement()},
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"errors.*.message": StartsWith("missing required scope")}),
    ],
)

connectors = [sendgrid]
