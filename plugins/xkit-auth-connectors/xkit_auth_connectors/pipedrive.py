"""Pipedrive.

The param ``company`` is the first part of the company's host, as the token's ``api_domain`` has it: ``acme`` of
``acme.pipedrive.com``. An API token has a header of its own, ``x-api-token``. Source: other integrations, code of
other clients, and descriptions of this API by others. Unverified: how a refusal looks (a 401 is taken for one), and
an API token in the query, which is left out. A 403 with ``Scope and URL mismatch`` is about a scope, and is yours to
handle.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

pipedrive = Connector(
    "pipedrive",
    hosts=["{param.company}.pipedrive.com", "api.pipedrive.com"],
    params={"company": "label"},
    kinds={
        "oauth2": Placement(),
        "api_token": Placement(header={"x-api-token": "{token}"}),
    },
)

connectors = [pipedrive]
