"""Zoho CRM.

The token has a scheme of its own, ``Zoho-oauthtoken``. Each data centre has its host, and a token is good for one of
them only: call the ``api_domain`` that came with the token. A token that is no good is answered with 401 and
``INVALID_TOKEN``; a 401 with ``OAUTH_SCOPE_MISMATCH`` or ``AUTHENTICATION_FAILURE`` is not cured by a new one, nor is
a 403 with ``NO_PERMISSION``, which comes from the user's profile. Source: Zoho's developer documentation on
refreshing a token, for ``api_domain``; code and tests of other clients, and other integrations, for the rest.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

zoho_crm = Connector(
    "zoho-crm",
    hosts=[
        "www.zohoapis.com",
        "www.zohoapis.eu",
        "www.zohoapis.in",
        "www.zohoapis.com.au",
        "www.zohoapis.com.cn",
        "www.zohoapis.jp",
    ],
    header={"Authorization": "Zoho-oauthtoken {token}"},
    inspect={401: "application/json", 403: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"code": ["OAUTH_SCOPE_MISMATCH", "AUTHENTICATION_FAILURE"]}),
        Failure(Verdict.DENIED, status=403, json={"code": "NO_PERMISSION"}),
    ],
)

connectors = [zoho_crm]
