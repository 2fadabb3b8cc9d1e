"""LinkedIn.

A token that is no good is answered with 401 and a ``serviceErrorCode``; for one that was revoked, that is 65601, or
the body has the code ``REVOKED_ACCESS_TOKEN``. Then the member has to connect again. Source: LinkedIn's
documentation, "Error handling"; code and tests of other clients. Unverified: the codes of an invalid and of an
expired token (any other 401 is taken for one), and the headers ``LinkedIn-Version`` and ``X-Restli-Protocol-Version``
of the versioned API: set them yourself.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

linkedin = Connector(
    "linkedin",
    hosts=["api.linkedin.com"],
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.RECONNECT, status=401, json={"serviceErrorCode": 65601}),
        Failure(Verdict.RECONNECT, status=401, json={"code": "REVOKED_ACCESS_TOKEN"}),
    ],
)

connectors = [linkedin]
