"""Shopify's Admin API.

Every kind of token goes into ``X-Shopify-Access-Token``. One that is no good is answered with 401 and a text in
``errors``, from GraphQL, too. A 403 asks for the merchant's approval of a scope; 402 and 423 speak of the shop. GraphQL
says with 200 and ``ACCESS_DENIED`` that a scope is missing, and with ``THROTTLED`` that there were too many queries.
Source: Shopify's documentation, "API response status codes" and "GraphQL Admin API"; code and tests of other clients.
The Partner API has another host, and is left out. Below
``/apps/``, ``/a/``, ``/community/`` and ``/tools/`` a shop passes requests on to the servers of apps that its owner has
installed: keep to ``/admin/``.
"""

from __future__ import annotations

from xkit_auth import Connector, Verdict

from ._graphql import errors

shopify = Connector(
    "shopify",
    hosts=["{param.shop}.myshopify.com"],
    params={"shop": "label"},
    header={"X-Shopify-Access-Token": "{token}"},
    inspect={200: "application/json"},
    failures=[*errors(Verdict.DENIED, "ACCESS_DENIED"), *errors(Verdict.RATE_LIMITED, "THROTTLED")],
)

connectors = [shopify]
