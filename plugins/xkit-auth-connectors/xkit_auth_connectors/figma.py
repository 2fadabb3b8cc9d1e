"""Figma.

A personal access token has a header of its own, ``X-Figma-Token``. The older endpoints answer a token that is no good
with 403 and say so in ``err``, where they also say that a file is not for this user; the newer ones answer with 401.
Source: Figma's OpenAPI specification; code and tests of other clients. Images come from other hosts, by URLs that are
signed already, and get no credential.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, StartsWith, Verdict

figma = Connector(
    "figma",
    hosts=["api.figma.com"],
    kinds={
        "oauth2": Placement(),
        "personal_token": Placement(header={"X-Figma-Token": "{token}"}),
    },
    inspect={403: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=403, json={"err": [StartsWith("Token expired"), StartsWith("Invalid token")]}),
    ],
)

connectors = [figma]
