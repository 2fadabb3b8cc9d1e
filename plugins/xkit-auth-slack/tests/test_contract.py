"""Slack as its connector has it: where the token goes, and what each error means."""

from __future__ import annotations

from xkit_auth_slack import slack

from xkit_auth import Verdict
from xkit_auth._connectors.known import PACKAGES
from xkit_auth.testing import Answer, ConnectorContract


class TestSlack(ConnectorContract):
    connector = slack
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["slack.com", "www.slack.com", "files.slack.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=200, json={"ok": False, "error": "token_expired"}),
        Answer(Verdict.REFETCH, status=200, json={"ok": False, "error": "invalid_auth"}),
        Answer(Verdict.REFETCH, status=200, json={"ok": False, "error": "not_authed"}),
        Answer(Verdict.RECONNECT, status=200, json={"ok": False, "error": "token_revoked"}),
        Answer(Verdict.RECONNECT, status=200, json={"ok": False, "error": "account_inactive"}),
        Answer(
            Verdict.DENIED,
            status=200,
            json={"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "identify"},
        ),
        Answer(Verdict.DENIED, status=200, json={"ok": False, "error": "not_allowed_token_type"}),
        Answer(Verdict.DENIED, status=200, json={"ok": False, "error": "no_permission"}),
        Answer(Verdict.DENIED, status=200, json={"ok": False, "error": "access_denied"}),
        Answer(Verdict.DENIED, status=200, json={"ok": False, "error": "ekm_access_denied"}),
        Answer(Verdict.DENIED, status=200, json={"ok": False, "error": "enterprise_is_restricted"}),
        Answer(Verdict.ACCEPTED, status=200, json={"ok": True, "error": "token_expired"}),
        Answer(Verdict.ACCEPTED, status=200, text='{"ok":false,"error":"token_expired"}'),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "30"}),
    ]


def test_the_core_knows_which_connectors_this_package_brings():
    assert PACKAGES["xkit-auth-slack"].split() == [slack.slug, *slack.aliases]
