"""Analytics: keys as HTTP Basic, for one provider together with the project in the query."""

from __future__ import annotations

from xkit_auth_connectors.amplitude import amplitude
from xkit_auth_connectors.mixpanel import mixpanel
from xkit_auth_connectors.segment import segment

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

SEGMENT_TRACKING = ["api.segment.io", "events.eu1.segmentapis.com"]


class TestSegment(ConnectorContract):
    connector = segment
    sends = {
        "api_token": {"Authorization": "Bearer TOKEN"},
        "write_key": {"Authorization": "Basic TOKEN:"},
        "oauth2": {"Authorization": "Bearer TOKEN"},
    }
    hosts = {
        "api_token": ["api.segmentapis.com"],
        "write_key": SEGMENT_TRACKING,
        "oauth2": SEGMENT_TRACKING,
    }
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestAmplitude(ConnectorContract):
    connector = amplitude
    sends = {"api_key": {"Authorization": "Basic API_KEY:SECRET_KEY"}}
    hosts = {"api_key": ["amplitude.com", "analytics.eu.amplitude.com"]}
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestMixpanel(ConnectorContract):
    connector = mixpanel
    params = {"project_id": "12345"}
    sends = {"service_account": {"Authorization": "Basic USERNAME:SECRET", "?project_id": "12345"}}
    hosts = {
        "service_account": [
            "mixpanel.com",
            "eu.mixpanel.com",
            "in.mixpanel.com",
            "data.mixpanel.com",
            "data-eu.mixpanel.com",
            "data-in.mixpanel.com",
            "api.mixpanel.com",
            "api-eu.mixpanel.com",
            "api-in.mixpanel.com",
        ]
    }
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"status": "error", "error": "Invalid service account"}),
        Answer(Verdict.ACCEPTED, status=403, json={"status": "error", "error": "No access to this project"}),
        Answer(Verdict.ACCEPTED, status=402),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
