"""Salesforce.

The param ``host`` is the host of the ``instance_url`` that came with the token; a session id goes like a token. A
token that is no good is answered with 401 and ``INVALID_SESSION_ID`` in a JSON array, and so is a wrong instance or an
IP address that is not allowed, which cannot be told from expiry. The Bulk API in its first version, below
``/services/async/``, takes the token in ``X-SFDC-Session`` and answers 400 with ``InvalidSessionId``, as JSON or XML:
the kind ``bulk`` sends the token in both headers, so that one client can use all of the APIs. Source: Salesforce's
Connect REST API Developer Guide, its Bulk API Developer Guide and its guide to the SOAP API's errors, other
integrations, code of other clients (simple-salesforce, salesforce-bulk), and articles by others. Left out: sites below
``my.site.com``, where an organization's code answers anybody; the application may name one with ``hosts=``.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Placement, Verdict

salesforce = Connector(
    "salesforce",
    hosts=["{param.host}"],
    params={"host": ".my.salesforce.com"},
    kinds={
        "oauth2": Placement(),
        "bulk": Placement(header={"Authorization": "Bearer {token}", "X-SFDC-Session": "{token}"}),
    },
    inspect={400: ("application/json", "application/xml", "text/xml"), 403: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=400, json={"exceptionCode": "InvalidSessionId"}),
        Failure(Verdict.REFETCH, status=400, text=Contains("<exceptionCode>InvalidSessionId</exceptionCode>")),
        Failure(Verdict.RATE_LIMITED, status=403, json={"*.errorCode": "REQUEST_LIMIT_EXCEEDED"}),
        Failure(Verdict.DENIED, status=403, json={"*.errorCode": ("INSUFFICIENT_ACCESS", "API_DISABLED_FOR_ORG")}),
    ],
)

connectors = [salesforce]
