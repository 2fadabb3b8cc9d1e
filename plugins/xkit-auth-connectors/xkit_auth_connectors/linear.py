"""Linear.

An OAuth token is sent as Bearer, a personal API key without any scheme. This is a GraphQL API, and its refusals come
with 200, 400 or 401, so the body decides: ``AUTHENTICATION_ERROR`` is worth another token. Too many requests are
answered with 400. Source: Linear's SDK and its documentation, "Rate limiting"; code of other clients. Unverified: the
status with which something is forbidden.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

linear = Connector(
    "linear",
    hosts=["api.linear.app"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(header={"Authorization": "{token}"}),
    },
    inspect={200: "application/json", 400: "application/json", 401: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=(200, 400), json={"errors.*.extensions.code": "AUTHENTICATION_ERROR"}),
        # It is the code that is in capitals, and the type that is not; either will do.
        Failure(Verdict.RATE_LIMITED, status=400, json={"errors.*.extensions.*": ("RATELIMITED", "ratelimited")}),
        Failure(
            Verdict.DENIED,
            status=(200, 400, 401),
            json={"errors.*.extensions.type": ("forbidden", "feature not accessible")},
        ),
    ],
)

connectors = [linear]
