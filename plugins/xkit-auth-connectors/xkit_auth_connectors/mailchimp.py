"""Mailchimp Marketing.

The host begins with the account's data centre, such as ``us21``, which is also the end of an API key. The key is the
password of HTTP Basic, and the user name is anything. A credential that is no good is answered with 401 and
``API Key Invalid``, and so is one that is sent to the wrong data centre. Source: code and tests of other clients, and
other integrations. Unverified: the titles of a 403, so there is no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

mailchimp = Connector(
    "mailchimp",
    hosts=["{param.dc}.api.mailchimp.com"],
    params={"dc": "label"},
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(basic=("any", "{token}")),
    },
)

connectors = [mailchimp]
