"""Gong.

An OAuth token is good only at the customer's own host, which comes with the token as ``api_base_url_for_customer``:
give it with ``hosts=``. An access key and its secret are the two halves of HTTP Basic, and go to ``api.gong.io``.
Source: other integrations, and descriptions of this API by others. Unverified: how a refusal looks; a 401 is taken
for one, and it has no code that a rule could read. The 403 for a key that is used from an address outside its list is
left alone.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

gong = Connector(
    "gong",
    hosts=[],
    kinds={
        "oauth2": Placement(),
        "access_key": Placement(basic=("{field.access_key}", "{field.secret}"), hosts=["api.gong.io"]),
    },
)

connectors = [gong]
