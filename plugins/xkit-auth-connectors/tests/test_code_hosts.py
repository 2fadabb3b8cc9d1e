"""Where code is kept: GitLab and Bitbucket."""

from __future__ import annotations

from xkit_auth_connectors.bitbucket import bitbucket
from xkit_auth_connectors.gitlab import gitlab

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestGitLab(ConnectorContract):
    connector = gitlab
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "job_token": {"JOB-TOKEN": "TOKEN"},
    }
    hosts = {"oauth2": ["gitlab.com"], "job_token": ["gitlab.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"error": "invalid_token", "error_description": "Token is expired. You can get another one."},
        ),
        Answer(Verdict.REFETCH, status=401, json={"error": "invalid_token", "error_description": "Token was revoked."}),
        Answer(Verdict.REFETCH, status=401, json={"message": "401 Unauthorized"}),
        Answer(Verdict.DENIED, status=401, json={"error": "dpop_error", "error_description": "A proof is missing."}),
        Answer(Verdict.DENIED, status=401, json={"error": "restricted_language_server_client_error"}),
        Answer(Verdict.DENIED, status=403, json={"error": "insufficient_scope", "scope": "api"}),
        Answer(Verdict.ACCEPTED, status=403, json={"message": "403 Forbidden - It is not yours."}),
    ]


class TestBitbucket(ConnectorContract):
    connector = bitbucket
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.bitbucket.org"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"type": "error", "error": {"message": "Access token expired."}}),
        Answer(
            Verdict.DENIED,
            status=401,
            json={"type": "error", "error": {"message": "Token is invalid or not supported for this endpoint."}},
        ),
        Answer(Verdict.ACCEPTED, status=403, json={"type": "error", "error": {"message": "It is not yours."}}),
    ]
