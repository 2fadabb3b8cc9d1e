"""Dropbox Sign, formerly HelloSign.

An API key is the user name of HTTP Basic, with an empty password. A refusal is a 401 with the ``error_name``
``unauthorized``; ``forbidden`` comes as 403. Source: Dropbox Sign's OpenAPI description.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

dropbox_sign = Connector(
    "dropbox-sign",
    aliases=["hellosign"],
    hosts=["api.hellosign.com"],
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(basic=("{token}", "")),
    },
    inspect={403: "application/json"},
    failures=[Failure(Verdict.DENIED, status=403, json={"error.error_name": "forbidden"})],
)

connectors = [dropbox_sign]
