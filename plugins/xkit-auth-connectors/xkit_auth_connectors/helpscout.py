"""Help Scout.

The Inbox API takes an OAuth token. The Docs API has another host and takes an API key, which is the user name of HTTP
Basic, with ``X`` for a password. Source: other integrations and clients, and Help Scout's documentation of the first
version. Unverified: how a refusal looks. A 401 is taken for one, and there is no rule for anything else.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

helpscout = Connector(
    "helpscout",
    hosts=["api.helpscout.net"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(basic=("{token}", "X"), hosts=["docsapi.helpscout.net"]),
    },
)

connectors = [helpscout]
