"""GitHub as its connector has it: where the token goes, and what a 401, a 403 and a 404 mean."""

from __future__ import annotations

from xkit_auth_github import github

from xkit_auth import Verdict
from xkit_auth._connectors.known import PACKAGES
from xkit_auth.testing import Answer, ConnectorContract


class TestGithub(ConnectorContract):
    connector = github
    sends = {"oauth2": {"Authorization": "Bearer TOKEN", "X-GitHub-Api-Version": "2022-11-28"}}
    hosts = {"oauth2": ["api.github.com", "uploads.github.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"message": "Bad credentials"}),
        Answer(Verdict.RATE_LIMITED, status=403, headers={"X-RateLimit-Remaining": "0"}),
        Answer(Verdict.RATE_LIMITED, status=403, headers={"Retry-After": "60"}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"X-RateLimit-Remaining": "0"}),
        Answer(Verdict.DENIED, status=403, headers={"X-GitHub-SSO": "required"}),
        Answer(
            Verdict.DENIED,
            status=403,
            json={
                "message": "Although you appear to have the correct authorization credentials, the `acme` organization"
                " has an IP allow list enabled, and your IP address is not permitted to access this resource."
            },
        ),
        Answer(Verdict.DENIED, status=403, json={"message": "Resource not accessible by integration"}),
        Answer(Verdict.DENIED, status=403, json={"message": "Resource not accessible by personal access token"}),
        Answer(
            Verdict.DENIED,
            status=403,
            json={
                "message": "Resource protected by organization SAML enforcement. You must grant your OAuth token"
                " access to this organization."
            },
        ),
        Answer(
            Verdict.RATE_LIMITED, status=403, json={"message": "You have exceeded a secondary rate limit. Please wait."}
        ),
        Answer(Verdict.ACCEPTED, status=403, json={"message": "Must have admin rights to Repository."}),
        Answer(Verdict.ACCEPTED, status=403, headers={"X-RateLimit-Remaining": "4999"}),
        Answer(Verdict.ACCEPTED, status=404, json={"message": "Not Found"}),
    ]


def test_the_core_knows_which_connectors_this_package_brings():
    assert PACKAGES["xkit-auth-github"].split() == [github.slug, *github.aliases]
