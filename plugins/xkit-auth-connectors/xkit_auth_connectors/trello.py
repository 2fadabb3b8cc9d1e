"""Trello.

The user's token and the application's API key, which is the same for all users, go into the query; the param
``api_key`` is that key. A 401 is plain text: ``invalid token`` is worth asking again, a permission that is missing or
a wrong key is not. Source: other integrations, and code and tests of other clients. Unverified, and left out: the
same two in a header. Left out, too: OAuth 1.0a, whose signatures need code.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Placement, Verdict

trello = Connector(
    "trello",
    hosts=["api.trello.com"],
    params={"api_key": "id"},
    kinds={"api_token_in_query": Placement(query={"key": "{param.api_key}", "token": "{token}"})},
    inspect={401: "text/plain"},
    failures=[
        Failure(Verdict.DENIED, status=401, text=Contains("unauthorized permission requested")),
        Failure(Verdict.DENIED, status=401, text=(Contains("invalid key"), Contains("invalid app key"))),
    ],
)

connectors = [trello]
