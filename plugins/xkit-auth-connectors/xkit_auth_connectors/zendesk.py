"""Zendesk Support.

An API token is used as a password: the user name is the agent's e-mail address with ``/token`` behind it. Zendesk
describes it under "Security and authentication", and the refusal of an OAuth token in the same place. What it says to a
wrong API token is not documented: any other 401 asks Xkit again. Zendesk Sell has a host and a token of its own.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

zendesk = Connector(
    "zendesk",
    hosts=["{param.subdomain}.zendesk.com"],
    params={"subdomain": "label"},
    kinds={
        "oauth2": Placement(),
        "api_token": Placement(basic=("{field.email}/token", "{field.api_token}")),
    },
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=401, json={"error": "invalid_token"}),
    ],
)

connectors = [zendesk]
