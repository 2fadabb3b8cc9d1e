"""An object belongs to one user at a time, on SDKs that have no slot, too."""

from __future__ import annotations

import pytest
from github import Github
from githubkit import GitHub
from slack_sdk import WebClient

from xkit_auth import ConfigurationError
from xkit_auth.sdk import bind

MAKE = {
    "slack": lambda sandbox: WebClient(base_url=f"{sandbox.slack_url}/api/"),
    "githubkit": lambda sandbox: GitHub(base_url=sandbox.github_url),
    "PyGithub": lambda sandbox: Github(base_url=sandbox.github_url, seconds_between_requests=None),
}


@pytest.mark.parametrize("sdk", MAKE)
def test_what_is_bound_already_is_refused_and_stays_with_its_user(sandbox, xkit, sdk):
    target, slug = MAKE[sdk](sandbox), "slack" if sdk == "slack" else "github"
    with bind(target, slug, context="user-1", xkit=xkit) as first:
        with pytest.raises(ConfigurationError, match="bound already"):
            bind(target, slug, context="user-2", xkit=xkit)
        assert first
    with bind(target, slug, context="user-2", xkit=xkit) as second:
        assert second
