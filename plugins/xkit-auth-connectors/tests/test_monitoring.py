"""Monitoring: Datadog, whose 403 may mean a bad key, and Sentry, whose 401 does not always mean a bad token."""

from __future__ import annotations

from xkit_auth_connectors.datadog import datadog
from xkit_auth_connectors.sentry import sentry

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

DATADOG_HOSTS = [
    "api.datadoghq.com",
    "api.us3.datadoghq.com",
    "api.us5.datadoghq.com",
    "api.datadoghq.eu",
    "api.ap1.datadoghq.com",
    "api.ddog-gov.com",
]
SENTRY_HOSTS = ["sentry.io", "us.sentry.io", "de.sentry.io", "eu.sentry.io"]


class TestDatadog(ConnectorContract):
    connector = datadog
    sends = {
        "api_key": {"DD-API-KEY": "API_KEY", "DD-APPLICATION-KEY": "APP_KEY"},
        "oauth2": {"Authorization": "Bearer TOKEN"},
    }
    hosts = {"api_key": DATADOG_HOSTS, "oauth2": DATADOG_HOSTS}
    answers = [
        Answer(Verdict.REFETCH, status=403, json={"errors": ["Forbidden"]}),
        Answer(Verdict.ACCEPTED, status=403, json={"errors": ["Something else"]}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"X-RateLimit-Reset": "12"}),
    ]


class TestSentry(ConnectorContract):
    connector = sentry
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_key": {"Authorization": "Basic TOKEN:"},
    }
    hosts = {"oauth2": SENTRY_HOSTS, "api_key": SENTRY_HOSTS}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"detail": "Invalid token"}),
        Answer(Verdict.REFETCH, status=401, json={"detail": "Token expired"}),
        Answer(Verdict.REFETCH, status=401, json={"detail": "Invalid org token"}),
        Answer(Verdict.DENIED, status=401, json={"detail": "User inactive or deleted"}),
        Answer(Verdict.DENIED, status=401, json={"detail": "UserApplication inactive or deleted"}),
        Answer(Verdict.DENIED, status=401, json={"detail": "Unauthorized organization access."}),
        Answer(
            Verdict.DENIED,
            status=401,
            json={"detail": "This token access is limited to organization endpoints."},
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
