"""Twitch Helix.

Beside the token Twitch wants the ``Client-Id`` of the app for which the token was made: give it as the param
``client_id``, or set the header yourself. If the two do not match, the answer is a 401 that no new token cures.
Source: Twitch's documentation, "Validating tokens"; issues of other clients. Unverified: the message for a token that
is no good (any other 401 is taken for one), and the one for a missing scope. ``id.twitch.tv``, which makes and
validates tokens, is left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Default, Failure, Verdict

twitch = Connector(
    "twitch",
    hosts=["api.twitch.tv"],
    params={"client_id": "id"},
    extra={"Client-Id": Default("{param.client_id}")},
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"message": Contains("Client ID and OAuth token do not match")}),
    ],
)

connectors = [twitch]
