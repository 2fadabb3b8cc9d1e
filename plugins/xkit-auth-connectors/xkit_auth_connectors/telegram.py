"""Telegram's Bot API.

The token goes before the path, so write ``https://api.telegram.org/getMe`` and name the kind ``bot_token``; to
download files, ``bot_token_files``. One that is no good is answered with 401, and one that does not look like a token
with 404 and ``Not Found``. For a Bot API server of your own give ``hosts=``. Source: code and tests of other clients,
and other integrations. Unverified: the bodies of other refusals.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

telegram = Connector(
    "telegram",
    hosts=["api.telegram.org"],
    kinds={
        "bot_token": Placement(path="/bot{token}"),
        "bot_token_files": Placement(path="/file/bot{token}"),
    },
    inspect={404: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=404, json={"ok": False, "description": "Not Found"}),
    ],
)

connectors = [telegram]
