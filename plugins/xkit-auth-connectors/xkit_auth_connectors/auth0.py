"""Auth0 Management API.

The param ``host`` is the whole host of the tenant, such as ``acme.eu.auth0.com``; for a domain of your own, give
``hosts=``. A token that has expired is answered with 401 and a message, without a code. Source: code and tests of
other clients, and other integrations. Unverified: the message for a token that is invalid in another way, and how a
missing scope looks, so there is no rule for a 403.
"""

from __future__ import annotations

from xkit_auth import Connector

auth0 = Connector("auth0", hosts=["{param.host}"], params={"host": ".auth0.com"})

connectors = [auth0]
