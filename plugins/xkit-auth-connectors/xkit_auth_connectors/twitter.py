"""X, formerly Twitter.

A token that is no good is answered with a plain 401: version 2 gives no reason, version 1.1 has the code 89. A 403
with the code 220, or with a problem type such as ``client-forbidden``, is about what the app or the user may do. An
app-only token is sent like a user's, so it needs no kind of its own. Version 1.1 with the keys of a user is left out:
OAuth 1.0a signs each request, and that takes code. Source: X's developer documentation, "Response codes and errors"
and "OAuth 2.0"; code and tests of other clients. Unverified: the older host for uploads, ``upload.twitter.com``, so
it is not among the hosts.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Verdict

twitter = Connector(
    "twitter",
    aliases=["x"],
    hosts=["api.x.com", "api.twitter.com", "upload.x.com"],
    inspect={403: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=403, json={"errors.*.code": 220}),
        Failure(
            Verdict.DENIED,
            status=403,
            json={"type": [Contains("client-forbidden"), Contains("not-authorized-for-resource")]},
        ),
    ],
)

connectors = [twitter]
