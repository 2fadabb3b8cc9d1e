"""Twilio.

The account's SID and its auth token are user name and password of HTTP Basic. A pair that is no good is answered with
401 and code 20003. Source: code and tests of other clients, and other integrations. Unverified: API keys in the place
of the pair, and the hosts of single products, edges and regions; these are left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

twilio = Connector(
    "twilio",
    hosts=["api.twilio.com"],
    kinds={"basic": Placement(basic=("{field.account_sid}", "{field.auth_token}"))},
)

connectors = [twilio]
