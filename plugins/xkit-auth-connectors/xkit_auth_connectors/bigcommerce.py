"""BigCommerce, the REST and the GraphQL Admin API.

The token goes in a header of its own, be it an app's or a store's API account's. A missing or invalid token is a 401;
a 403 tells of scopes, limits or a wrong path. Source: BigCommerce's documentation, "Authentication" and "Status
codes". Unverified: the bodies of both. The storefront's GraphQL API is left out: it answers 401 to every error of a
query.
"""

from __future__ import annotations

from xkit_auth import Connector

bigcommerce = Connector("bigcommerce", hosts=["api.bigcommerce.com"], header={"X-Auth-Token": "{token}"})

connectors = [bigcommerce]
