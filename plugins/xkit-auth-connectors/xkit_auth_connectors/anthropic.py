"""Anthropic.

A key goes in ``x-api-key``; an OAuth token goes as Bearer and needs a beta header: with ``anthropic-beta`` of your
own, name that beta, too. Either one is refused with 401 and ``authentication_error``. That OAuth is not supported
means that the beta header is missing. Source: Anthropic's own Python client, and code and tests of others. A revoked
OAuth token was seen once as a 403 with ``permission_error``, just like a missing permission, so that no other token
is asked for.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Default, Failure, Placement, Verdict

anthropic = Connector(
    "anthropic",
    hosts=["api.anthropic.com"],
    extra={"anthropic-version": Default("2023-06-01")},
    kinds={
        "api_key": Placement(header={"x-api-key": "{token}"}),
        "oauth2": Placement(extra={"anthropic-beta": Default("oauth-2025-04-20")}),
    },
    inspect={401: "application/json", 403: "application/json"},
    failures=[
        Failure(
            Verdict.DENIED,
            status=401,
            json={"error.message": Contains("OAuth authentication is currently not supported")},
        ),
        Failure(Verdict.DENIED, status=403, json={"error.type": "permission_error"}),
    ],
)

connectors = [anthropic]
