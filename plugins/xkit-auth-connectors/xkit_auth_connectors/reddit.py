"""Reddit.

A token that is no good is answered with 401 and ``invalid_token`` in ``WWW-Authenticate``, often without a body. If
the token lacks a scope, it is a 403 with ``insufficient_scope`` in that place. Source: code and tests of other
clients, and other integrations. Unverified: that Reddit slows down clients whose ``User-Agent`` is a common one. Give
your client one of its own.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

reddit = Connector(
    "reddit",
    hosts=["oauth.reddit.com"],
    failures=[Failure(Verdict.DENIED, status=403, challenge={"error": "insufficient_scope"})],
)

connectors = [reddit]
