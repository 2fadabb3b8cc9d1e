"""Zendesk Support.

An API token is used as a password: the user name is the agent's e-mail address with ``/token`` behind it. An OAuth
token that is no good is answered with 401 and ``invalid_token``. Source: Zendesk's developer documentation on
authentication. Unverified: the refusal of an API token (a 401 is taken for one), and what a missing scope looks like.
Left out: the password of a user, for want of a source that shows how it is sent. Zendesk Sell has a host and a token
of its own, and is another connector.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

zendesk = Connector(
    "zendesk",
    hosts=["{param.subdomain}.zendesk.com"],
    params={"subdomain": "label"},
    kinds={
        "oauth2": Placement(),
        "api_token": Placement(basic=("{field.email}/token", "{field.api_token}")),
    },
)

connectors = [zendesk]
