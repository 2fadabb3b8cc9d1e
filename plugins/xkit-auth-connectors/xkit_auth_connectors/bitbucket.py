"""Bitbucket Cloud.

A 401 usually means that the token has expired. One that says that the token is not supported for this endpoint is
about the kind of token, so that a new one of the same kind does not help. Source: other integrations, and code and
tests of other clients. Unverified, and left out: access tokens of a workspace or repository, the e-mail address with
an API token, and what a missing scope looks like.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Verdict

bitbucket = Connector(
    "bitbucket",
    hosts=["api.bitbucket.org"],
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"error.message": Contains("not supported for this endpoint")}),
    ],
)

connectors = [bitbucket]
