"""Facebook and Instagram: Meta's Graph APIs.

A token that is no good is answered with 400, at times 401, and code 190 or 102. Subcodes 458, 459, 460 and 493 (the
user has not used the app for 90 days) mean that the user must act; other codes are about permissions, or too many
calls, and come with 403, too. The kind ``oauth2_in_query`` sends the token as a parameter, where logs show it. Both
connectors serve ``graph.facebook.com``, where ``ANY`` cannot tell them apart. Source: Meta's documentation, "Handling
errors" and "Debug access tokens"; reports of users (493). Unverified: that they come with 403, too; and hosts for
uploads, which are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from xkit_auth import Connector, Failure, Placement, Verdict

_KINDS = {"oauth2": Placement(), "oauth2_in_query": Placement(query={"access_token": "{token}"})}
_INSPECT: Mapping[int, str] = dict.fromkeys((400, 401, 403), "application/json")
_FAILURES = [
    Failure(
        Verdict.RECONNECT,
        status=(400, 401),
        json={"error.code": 190, "error.error_subcode": (458, 459, 460, 493)},
    ),
    Failure(Verdict.REFETCH, status=400, json={"error.code": (190, 102)}),
    Failure(Verdict.RATE_LIMITED, status=(400, 401, 403), json={"error.code": (4, 17, 341)}),
    Failure(Verdict.DENIED, status=(400, 401, 403), json={"error.code": (3, 10, 368, *range(200, 300))}),
]

facebook = Connector(
    "facebook",
    hosts=["graph.facebook.com"],
    kinds=_KINDS,
    inspect=_INSPECT,
    failures=_FAILURES,
)

instagram = Connector(
    "instagram",
    hosts=["graph.instagram.com", "graph.facebook.com"],
    kinds=_KINDS,
    inspect=_INSPECT,
    failures=_FAILURES,
)

connectors = [facebook, instagram]
