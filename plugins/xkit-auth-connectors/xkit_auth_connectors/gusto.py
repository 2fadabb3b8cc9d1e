"""Gusto.

Company and system access tokens go as Bearer; an organization's old API token has the scheme ``Token``. An expired
token is answered with 401. Source: Gusto's documentation, "Authentication", "Company access tokens" and "System
access". Unverified: the bodies of a 401 and a 403. ``X-Gusto-API-Version`` is the caller's to send.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

gusto = Connector(
    "gusto",
    hosts=["api.gusto.com", "api.gusto-demo.com"],
    kinds={
        "oauth2": Placement(),
        "api_token": Placement(header={"Authorization": "Token {token}"}),
    },
)

connectors = [gusto]
