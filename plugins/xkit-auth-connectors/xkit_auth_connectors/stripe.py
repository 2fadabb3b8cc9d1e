"""Stripe.

Secret and restricted keys are sent as Bearer, like tokens of Connect and of Stripe Apps. One that is expired or
unknown is answered with 401; a 403 means that a restricted key may not do this. To act for a connected account, the
application sets ``Stripe-Account`` itself. Source: Stripe's own Python library; code and tests of other clients.
Unverified: the code of a 403 after an account has left the platform, so there is no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

stripe = Connector(
    "stripe",
    hosts=["api.stripe.com", "files.stripe.com", "meter-events.stripe.com"],
    kinds={"oauth2": Placement(), "api_key": Placement()},
)

connectors = [stripe]
