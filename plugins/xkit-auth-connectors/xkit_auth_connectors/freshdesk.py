"""Freshdesk.

The API key is the user name of HTTP Basic, and the password is anything, usually ``X``. A key that is no good is
answered with 401 and the code ``invalid_credentials``. Source: tests of other clients of this API. Unverified: the
body of a 403, so there is no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

freshdesk = Connector(
    "freshdesk",
    hosts=["{param.subdomain}.freshdesk.com"],
    params={"subdomain": "label"},
    kinds={
        "api_key": Placement(basic=("{token}", "X")),
        "password": Placement(basic=("{field.email}", "{field.password}")),
    },
)

connectors = [freshdesk]
