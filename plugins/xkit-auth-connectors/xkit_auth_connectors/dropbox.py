"""Dropbox.

A token that is expired or unknown is answered with 401 and ``expired_access_token`` or ``invalid_access_token``.
Other tags of a 401 speak of scopes, a suspended user or a wrong ``Dropbox-API-Select-…`` header, which another token
does not cure. With a team's token the application sets that header itself. Source: Dropbox's API specification.
Unverified: the codes of a 403, so there is no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

dropbox = Connector(
    "dropbox",
    hosts=["api.dropboxapi.com", "content.dropboxapi.com", "notify.dropboxapi.com"],
    inspect={401: "application/json"},
    failures=[
        Failure(
            Verdict.DENIED,
            status=401,
            json={
                "error..tag": (
                    "missing_scope",
                    "user_suspended",
                    "invalid_select_user",
                    "invalid_select_admin",
                    "route_access_denied",
                ),
            },
        ),
    ],
)

connectors = [dropbox]
