"""GitHub as its connector has it: where the token goes, and what a 401, a 403 and a 404 mean."""

from __future__ import annotations

from xkit_auth_github import github

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestGithub(ConnectorContract):
    connector = github
    sends = {"oauth2": {"Authorization": "Bearer TOKEN", "X-GitHub-Api-Version": "2022-11-28"}}
    hosts = {"oauth2": ["api.github.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"message": "Bad credentials"}),
        Answer(Verdict.RATE_LIMITED, status=403, headers={"X-RateLimit-Remaining": "0"}),
        Answer(Verdict.RATE_LIMITED, status=403, headers={"Retry-After": "60"}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"X-RateLimit-Remaining": "0"}),
        Answer(Verdict.DENIED, status=403, headers={"X-GitHub-SSO": "required"}),
        Answer(Verdict.ACCEPTED, status=403, headers={"X-RateLimit-Remaining": "4999"}),
        Answer(Verdict.ACCEPTED, status=404, json={"message": "Not Found"}),
    ]
