"""Copper.

An API key takes three headers: the key, the e-mail address of its user, and a constant that names the application.
Source: other integrations, and code of other clients. Unverified: how a refusal looks; a 401 is taken for one. The
older host, ``api.prosperworks.com``, is left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

copper = Connector(
    "copper",
    hosts=["api.copper.com"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(
            header={"X-PW-AccessToken": "{field.api_key}", "X-PW-UserEmail": "{field.email}"},
            extra={"X-PW-Application": "developer_api"},
        ),
    },
)

connectors = [copper]
