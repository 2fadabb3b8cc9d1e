"""Lever.

An API key is the user name of HTTP Basic, with an empty password. Source: other integrations. Unverified: how a
refusal looks; a 401 is taken for one.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

lever = Connector(
    "lever",
    hosts=["api.lever.co", "api.sandbox.lever.co"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(basic=("{token}", "")),
    },
)

connectors = [lever]
