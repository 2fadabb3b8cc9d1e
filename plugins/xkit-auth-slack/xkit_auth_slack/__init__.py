"""Slack for xkit-auth.

Slack says that a token is dead with HTTP 200 and ``{"ok": false, "error": …}``, so the body of such answers is looked
at: JSON only, small only, never a stream or a download. Bot, user and rotated tokens all go as Bearer. Source: Slack's
published Web API specification, ``auth.test``, and code and tests of other clients. Private files come from
``files.slack.com``; slack_sdk before 3.31 calls ``www.slack.com``, which serves the same API.
"""

from __future__ import annotations

from typing import Any

from xkit_auth import Connector, Failure, Verdict, hookimpl

slack = Connector(
    "slack",
    hosts=["slack.com", "www.slack.com", "files.slack.com"],
    inspect={200: "application/json"},
    failures=[
        Failure(
            Verdict.REFETCH,
            status=200,
            json={"ok": False, "error": ("token_expired", "invalid_auth", "not_authed")},
        ),
        Failure(
            Verdict.RECONNECT,
            status=200,
            json={"ok": False, "error": ("token_revoked", "account_inactive")},
        ),
        Failure(
            Verdict.DENIED,
            status=200,
            json={
                "ok": False,
                "error": (
                    "missing_scope",
                    "not_allowed_token_type",
                    "no_permission",
                    "access_denied",
                    "ekm_access_denied",
                    "enterprise_is_restricted",
                ),
            },
        ),
    ],
)


@hookimpl
def xkit_auth_connectors() -> list[Connector]:
    """Slack's Web API."""
    return [slack]


@hookimpl
def xkit_auth_bind(target: object, auth: Any) -> bool | None:
    """The objects of slack_sdk."""
    from .sdk import bound  # imported when something is bound: most applications bind nothing

    return bound(target, auth) or None
