"""Xero.

Calls for an organization name it in ``xero-tenant-id``; give the param ``tenant_id``, or set the header yourself. A
token that is no good is answered with 401, and a tenant that is not connected with 403 and
``AuthenticationUnsuccessful``. Source: Xero's OpenAPI specification (the header); code and tests of other clients
(refusals). Unverified: what else a 429 tells.
"""

from __future__ import annotations

from xkit_auth import Connector, Default, Failure, StartsWith, Verdict

xero = Connector(
    "xero",
    hosts=["api.xero.com"],
    params={"tenant_id": "id"},
    extra={"xero-tenant-id": Default("{param.tenant_id}")},
    inspect={403: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=403, json={"Detail": StartsWith("AuthenticationUnsuccessful")}),
    ],
)

connectors = [xero]
