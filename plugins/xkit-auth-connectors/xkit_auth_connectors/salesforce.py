"""Salesforce.

The param ``host`` is the host of the ``instance_url`` that came with the token; a session id goes like a token. A
token that is no good is answered with 401 and ``INVALID_SESSION_ID`` in a JSON array, and so is a wrong instance or
an IP address that is not allowed, which cannot be told from expiry. Source: Salesforce's Connect REST API Developer
Guide and its guide to the SOAP API's errors, other integrations, and articles by others. Unverified, and left out:
the code of an organization without API access. Left out, too: sites below ``my.site.com``, where an organization's
code answers anybody; the application may name one with ``hosts=``.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

salesforce = Connector(
    "salesforce",
    hosts=["{param.host}"],
    params={"host": ".my.salesforce.com"},
    inspect={403: "application/json"},
    failures=[
        Failure(Verdict.RATE_LIMITED, status=403, json={"*.errorCode": "REQUEST_LIMIT_EXCEEDED"}),
        Failure(Verdict.DENIED, status=403, json={"*.errorCode": "INSUFFICIENT_ACCESS"}),
    ],
)

connectors = [salesforce]
