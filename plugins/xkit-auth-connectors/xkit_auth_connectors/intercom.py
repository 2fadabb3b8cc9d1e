"""Intercom.

A token that is no good is answered with 401 and the code ``unauthorized``; what the plan or a permission forbids with
403 and a code. All three regions are allowed: US, Europe and Australia. Source: Intercom's OpenAPI description, and
the documentation of other integrations. Unverified, and left out: the code ``token_unauthorized``.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

intercom = Connector(
    "intercom",
    hosts=["api.intercom.io", "api.eu.intercom.io", "api.au.intercom.io"],
    inspect={403: "application/json"},
    failures=[Failure(Verdict.DENIED, status=403, json={"errors.*.code": ("forbidden", "api_plan_restricted")})],
)

connectors = [intercom]
