"""BambooHR.

An API key is the user name of HTTP Basic, with ``x`` for a password. The param ``subdomain`` is the company's.
Source: BambooHR's documentation, "Getting started", and other integrations. Unverified: how a refusal looks (a 401 is
taken for one), and a 503 that means too many requests, for which there is no rule.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

bamboohr = Connector(
    "bamboohr",
    hosts=["api.bamboohr.com", "{param.subdomain}.bamboohr.com"],
    params={"subdomain": "label"},
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(basic=("{token}", "x")),
    },
)

connectors = [bamboohr]
