"""ClickUp.

An OAuth token is sent as Bearer, a personal token (``pk_…``) without any scheme. A 401 has an ``ECODE``: most of them
mean that the token is unknown or revoked, but some say that the user has not opened this workspace to it, and then
only the user can help. Source: ClickUp's documentation, "Common errors" and "Authentication".
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

_WORKSPACE_NOT_AUTHORIZED = [f"OAUTH_{number:03}" for number in (23, 26, 27, *range(29, 46))]

clickup = Connector(
    "clickup",
    hosts=["api.clickup.com"],
    kinds={
        "oauth2": Placement(),
        "personal_token": Placement(header={"Authorization": "{token}"}),
    },
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"ECODE": _WORKSPACE_NOT_AUTHORIZED}),
    ],
)

connectors = [clickup]
