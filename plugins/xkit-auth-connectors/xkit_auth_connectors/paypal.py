"""PayPal.

A token that is no good is answered with 401 and ``invalid_token``. Source: code and tests of other clients; other
integrations (hosts). Unverified: the names in a 403, and the header that partners add to act for a merchant; there is
nothing for either.
"""

from __future__ import annotations

from xkit_auth import Connector

paypal = Connector("paypal", hosts=["api-m.paypal.com", "api-m.sandbox.paypal.com", "api.paypal.com"])

connectors = [paypal]
