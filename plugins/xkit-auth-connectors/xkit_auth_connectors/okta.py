"""Okta.

The param ``host`` is the whole host of the org, such as ``acme.okta.com``; for a domain of your own, give ``hosts=``.
It has one label before Okta's domain: below ``workflows.okta.com`` customers run flows of their own. An API token has
a scheme of its own, ``SSWS``. A token that is no good is answered with 401 and ``E0000011`` or ``E0000004``;
``E0000015`` is a feature that the org does not have, and 403 with ``E0000006`` a permission that is missing. Source:
Okta's documentation, its list of error codes and "Create an API token"; other integrations. Unverified: how a missing
scope looks. Tokens that are bound by DPoP need a proof for each request, which takes code, so they are left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

okta = Connector(
    "okta",
    hosts=["{param.host}"],
    params={"host": ["*.okta.com", "*.oktapreview.com"]},
    kinds={
        "oauth2": Placement(),
        "api_token": Placement(header={"Authorization": "SSWS {token}"}),
    },
    inspect={401: "application/json", 403: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"errorCode": "E0000015"}),
        Failure(Verdict.DENIED, status=403, json={"errorCode": "E0000006"}),
    ],
)

connectors = [okta]
