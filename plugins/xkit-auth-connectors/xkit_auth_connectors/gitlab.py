"""GitLab.

Personal, project and group access tokens go as Bearer, too, like an OAuth token; a CI job token has a header of its
own. A token that is no good is answered with 401, and a missing scope with 403 and ``insufficient_scope``. A 401 that
asks for proof of possession (DPoP), or that is about the language server, is not cured by another token. A
self-managed GitLab is for the application to name with ``hosts=``. Left out: tokens in the query, and the making of
DPoP proofs, which needs code. Source: GitLab's documentation, "REST API authentication", and its source,
``lib/api/api_guard.rb``.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

gitlab = Connector(
    "gitlab",
    hosts=["gitlab.com"],
    kinds={
        "oauth2": Placement(),
        "job_token": Placement(header={"JOB-TOKEN": "{token}"}),
    },
    inspect={401: "application/json", 403: "application/json"},
    failures=[
        Failure(Verdict.DENIED, status=401, json={"error": ("dpop_error", "restricted_language_server_client_error")}),
        Failure(Verdict.DENIED, status=403, json={"error": "insufficient_scope"}),
    ],
)

connectors = [gitlab]
