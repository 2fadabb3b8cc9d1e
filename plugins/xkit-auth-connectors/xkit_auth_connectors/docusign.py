"""DocuSign eSignature.

The param ``host`` is that of the account's ``base_uri``, which DocuSign tells with the user's info. A refused token
is a 401 with an ``errorCode`` such as ``AUTHORIZATION_INVALID_TOKEN``. Codes that speak of permissions are not cured
by a new token, and the limits on calls come as 400. Source: code and tests of other clients, and other integrations.
Unverified: the names of the hosts below docusign.net, and with which status the codes about permissions come.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Verdict

docusign = Connector(
    "docusign",
    hosts=["{param.host}"],
    params={"host": ".docusign.net"},
    inspect={400: "application/json", 401: "application/json"},
    failures=[
        Failure(Verdict.RATE_LIMITED, status=400, json={"errorCode": Contains("APIINVOCATION_LIMIT_EXCEEDED")}),
        Failure(
            Verdict.DENIED,
            status=401,
            json={
                "errorCode": [
                    "ACCOUNT_LACKS_PERMISSIONS",
                    "USER_LACKS_PERMISSIONS",
                    "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT",
                ]
            },
        ),
    ],
)

connectors = [docusign]
