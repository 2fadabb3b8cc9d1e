"""monday.com.

A token that is no good is answered with 401 and ``{"errors": ["Not Authenticated"]}``. What the user may not do comes
with 200 and the code ``UserUnauthorizedException``, in ``error_code`` or, in newer versions, in ``extensions``. Source:
monday.com's API reference, "Errors"; other integrations (Bearer). Unverified: sending the token without a scheme, which
is left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

from ._graphql import errors

monday = Connector(
    "monday",
    hosts=["api.monday.com"],
    inspect={200: "application/json"},
    failures=[
        *errors(Verdict.DENIED, "UserUnauthorizedException"),
        Failure(Verdict.DENIED, status=200, json={"error_code": "UserUnauthorizedException"}),
    ],
)

connectors = [monday]
