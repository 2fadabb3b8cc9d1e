"""Datadog.

An API key goes together with an application key, each in a header of its own. Keys that are no good are answered with
403 and ``Forbidden``, and so are good ones that lack a permission: another pair is asked for once, and if Xkit has
none, the answer is yours. With OAuth a missing scope is a 401 that looks like any other, so that it asks Xkit once,
too. Source: Datadog's documentation on OAuth apps, and other integrations. Unverified: how an expired OAuth token is
refused.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

datadog = Connector(
    "datadog",
    hosts=[
        "api.datadoghq.com",
        "api.us3.datadoghq.com",
        "api.us5.datadoghq.com",
        "api.datadoghq.eu",
        "api.ap1.datadoghq.com",
        "api.ddog-gov.com",
    ],
    kinds={
        "api_key": Placement(header={"DD-API-KEY": "{field.api_key}", "DD-APPLICATION-KEY": "{field.app_key}"}),
        "oauth2": Placement(),
    },
    inspect={403: "application/json"},
    failures=[Failure(Verdict.REFETCH, status=403, json={"errors.*": "Forbidden"})],
)

connectors = [datadog]
