"""Mixpanel.

A service account and its secret are user name and password of HTTP Basic, and every call names the project in the
query, from the param ``project_id``. A refusal is a 401 with ``"status": "error"``, and a 403 has a body of the same
shape. Source: Mixpanel's documentation of service accounts and its OpenAPI descriptions. Left out: the project's
secret, which is unverified, and the project's token, which goes into the body. Unverified: the 402 of a plan that has
no API.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

mixpanel = Connector(
    "mixpanel",
    hosts=[
        "mixpanel.com",
        "eu.mixpanel.com",
        "in.mixpanel.com",
        "data.mixpanel.com",
        "data-eu.mixpanel.com",
        "data-in.mixpanel.com",
        "api.mixpanel.com",
        "api-eu.mixpanel.com",
        "api-in.mixpanel.com",
    ],
    params={"project_id": "id"},
    kinds={
        "service_account": Placement(
            basic=("{field.username}", "{field.secret}"), query={"project_id": "{param.project_id}"}
        ),
    },
)

connectors = [mixpanel]
