"""Models: keys and tokens, and the refusals that neither a new key nor a new token cures."""

from __future__ import annotations

from xkit_auth_connectors.anthropic import anthropic
from xkit_auth_connectors.openai import openai

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestOpenai(ConnectorContract):
    connector = openai
    sends = {"api_key": {"Authorization": "Bearer TOKEN"}}
    hosts = {"api_key": ["api.openai.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": {"code": "invalid_api_key", "message": "It is incorrect."}}),
        Answer(Verdict.ACCEPTED, status=403, json={"error": {"message": "This region is not supported."}}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"error": {"code": "insufficient_quota"}}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"error": {"code": "rate_limit_exceeded"}}),
    ]


class TestAnthropic(ConnectorContract):
    connector = anthropic
    sends = {
        "api_key": {"x-api-key": "TOKEN", "anthropic-version": "2023-06-01"},
        "oauth2": {
            "Authorization": "Bearer TOKEN",
            "anthropic-version": "2023-06-01",
            "anthropic-beta": "oauth-2025-04-20",
        },
    }
    hosts = {"api_key": ["api.anthropic.com"], "oauth2": ["api.anthropic.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
        ),
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"type": "error", "error": {"type": "authentication_error", "message": "The token has expired."}},
        ),
        Answer(
            Verdict.DENIED,
            status=401,
            json={
                "type": "error",
                "error": {
                    "type": "authentication_error",
                    "message": "OAuth authentication is currently not supported.",
                },
            },
        ),
        Answer(Verdict.DENIED, status=403, json={"type": "error", "error": {"type": "permission_error"}}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
