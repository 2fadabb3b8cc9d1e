"""Auth0 Management API.

The param ``host`` is the whole host of the tenant, such as ``acme.eu.auth0.com``; for a domain of your own, give
``hosts=``. It has one label before ``auth0.com`` or before that of a region: elsewhere below ``auth0.com``, at
``webtask.it.auth0.com`` for one, anybody could run code. A token that has expired is answered with 401 and a message,
without a code. Source: Auth0's documentation, "Auth0 Public Cloud Service Endpoints", for the regions; code and tests
of other clients, and other integrations. Unverified: the message for a token that is invalid in another way, and how a
missing scope looks, so there is no rule for a 403.
"""

from __future__ import annotations

from xkit_auth import Connector

_REGIONS = ("au", "ca", "eu", "jp", "uk", "us")

auth0 = Connector(
    "auth0",
    hosts=["{param.host}"],
    # Tenants of the United States that are older than the regions have none in their host.
    params={"host": ["*.auth0.com", *(f"*.{region}.auth0.com" for region in _REGIONS)]},
)

connectors = [auth0]
