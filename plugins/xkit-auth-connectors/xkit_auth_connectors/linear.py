"""Linear.

An OAuth token is sent as Bearer, a personal API key without any scheme. This is a GraphQL API, and its refusals come
with 200, 400 or 401, so the body decides: ``AUTHENTICATION_ERROR`` is worth another token. Too many requests are
answered with 400. A batch of queries is answered with an array. Source: Linear's SDK and its documentation, "Rate
limiting"; code of other clients. Unverified: the status with which something is forbidden.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement, Verdict

from ._graphql import errors

linear = Connector(
    "linear",
    hosts=["api.linear.app"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(header={"Authorization": "{token}"}),
    },
    inspect={200: "application/json", 400: "application/json", 401: "application/json"},
    failures=[
        *errors(Verdict.REFETCH, "AUTHENTICATION_ERROR", status=(200, 400)),
        # It is the code that is in capitals, and the type that is not; either will do.
        *errors(Verdict.RATE_LIMITED, "RATELIMITED", status=400, at="extensions.*"),
        *errors(Verdict.DENIED, "forbidden", "feature not accessible", status=(200, 400, 401), at="extensions.type"),
    ],
)

connectors = [linear]
