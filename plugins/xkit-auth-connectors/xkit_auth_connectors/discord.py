"""Discord.

A user's token is sent as Bearer, a bot's with the scheme ``Bot``. A token that is no good is answered with 401, and
from one endpoint with 403 and code 50025. Other codes of a 403 are about permissions. Discord wants a ``User-Agent``
of the form ``DiscordBot (url, version)``, which the client sets, and blocks addresses that are refused too often.
Source: Discord's documentation, "API reference" and "Opcodes and status codes".
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

discord = Connector(
    "discord",
    hosts=["discord.com"],
    kinds={
        "oauth2": Placement(),
        "bot_token": Placement(header={"Authorization": "Bot {token}"}),
    },
    inspect={403: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=403, json={"code": 50025}),
        Failure(Verdict.DENIED, status=403, json={"code": (50001, 50013)}),
    ],
)

connectors = [discord]
