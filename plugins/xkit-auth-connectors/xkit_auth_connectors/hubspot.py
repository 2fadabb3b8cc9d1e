"""HubSpot.

The token of a private app goes like an OAuth token. One that is no good is answered with 401 and the category
``EXPIRED_AUTHENTICATION`` or ``INVALID_AUTHENTICATION``; a missing scope with 403 and ``MISSING_SCOPES``. Source:
HubSpot's developer documentation, "Intro to auth", its changelog on OAuth access tokens, and code and tests of other
clients.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

hubspot = Connector(
    "hubspot",
    hosts=["api.hubapi.com"],
    inspect={403: "application/json"},
    failures=[Failure(Verdict.DENIED, status=403, json={"category": "MISSING_SCOPES"})],
)

connectors = [hubspot]
