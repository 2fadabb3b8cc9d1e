"""GitHub for xkit-auth: the REST and GraphQL APIs of github.com.

GitHub answers 401 to a token that is expired, revoked or unknown, and that alone is worth another token. A 404 hides
what the user may not see, and a 403 speaks of permissions, SSO or rate limits; after a series of bad tokens even a
good one gets it, for some time. OAuth tokens, tokens of apps and personal ones all go as Bearer. Source: GitHub's
documentation, "Troubleshooting the REST API" and "Authenticating to the REST API", and code and tests of other
clients; reports of users (IP allow lists). Assets of releases are uploaded to ``uploads.github.com``. What GraphQL
says with 200, a missing scope or a limit, no other token cures, so those answers are not looked into.
"""

from __future__ import annotations

from typing import Any

from xkit_auth import PRESENT, Connector, Contains, Default, Failure, StartsWith, Verdict, hookimpl

github = Connector(
    "github",
    aliases=["github-oauth"],
    hosts=["api.github.com", "uploads.github.com"],
    inspect={403: "application/json"},
    extra={"X-GitHub-Api-Version": Default("2022-11-28")},
    failures=[
        Failure(Verdict.RATE_LIMITED, status=403, header={"X-RateLimit-Remaining": "0"}),
        Failure(Verdict.RATE_LIMITED, status=403, header={"Retry-After": PRESENT}),
        Failure(Verdict.DENIED, status=403, header={"X-GitHub-SSO": PRESENT}),
        Failure(
            Verdict.DENIED,
            status=403,
            json={
                "message": (
                    Contains("IP allow list"),
                    StartsWith("Resource not accessible by"),
                    Contains("SAML enforcement"),
                ),
            },
        ),
        Failure(Verdict.RATE_LIMITED, status=403, json={"message": Contains("rate limit")}),
    ],
)


@hookimpl
def xkit_auth_connectors() -> list[Connector]:
    """GitHub's API."""
    return [github]


@hookimpl
def xkit_auth_bind(target: object, auth: Any) -> bool | None:
    """The objects of githubkit and PyGithub."""
    from .sdk import bound  # imported when something is bound: most applications bind nothing

    return bound(target, auth) or None
