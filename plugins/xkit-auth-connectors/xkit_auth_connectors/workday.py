"""Workday.

Every tenant has a host of its own, which the application gives with ``hosts=``. REST takes a Bearer token; SOAP and
reports take an integration user's name and password with HTTP Basic. Source: other integrations. Unverified: how a
refusal looks (a 401 is taken for one), and the form ``user@tenant`` of the name, which is therefore sent as it is
stored.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

workday = Connector(
    "workday",
    hosts=[],
    kinds={
        "oauth2": Placement(),
        "password": Placement(basic=("{field.username}", "{field.password}")),
    },
)

connectors = [workday]
