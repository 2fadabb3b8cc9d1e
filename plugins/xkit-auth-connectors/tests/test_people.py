"""People: payroll, HR and recruiting, where little is known of how a credential is refused."""

from __future__ import annotations

from xkit_auth_connectors.adp import adp
from xkit_auth_connectors.bamboohr import bamboohr
from xkit_auth_connectors.greenhouse import greenhouse
from xkit_auth_connectors.gusto import gusto
from xkit_auth_connectors.lever import lever
from xkit_auth_connectors.workday import workday

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

GUSTO_HOSTS = ["api.gusto.com", "api.gusto-demo.com"]
BAMBOOHR_HOSTS = ["api.bamboohr.com", "acme.bamboohr.com"]
GREENHOUSE_HOSTS = ["harvest.greenhouse.io", "api.greenhouse.io", "boards-api.greenhouse.io"]
LEVER_HOSTS = ["api.lever.co", "api.sandbox.lever.co"]


class TestAdp(ConnectorContract):
    connector = adp
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.adp.com"]}
    refusal_is_unknown = True
    answers = [Answer(Verdict.ACCEPTED, status=403)]


class TestGusto(ConnectorContract):
    connector = gusto
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_token": {"Authorization": "Token TOKEN"},
    }
    hosts = {"oauth2": GUSTO_HOSTS, "api_token": GUSTO_HOSTS}
    answers = [
        Answer(Verdict.REFETCH, status=401),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestBamboohr(ConnectorContract):
    connector = bamboohr
    params = {"subdomain": "acme"}
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_key": {"Authorization": "Basic TOKEN:x"},
    }
    hosts = {"oauth2": BAMBOOHR_HOSTS, "api_key": BAMBOOHR_HOSTS}
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.ACCEPTED, status=503, headers={"Retry-After": "30"}),
    ]


class TestWorkday(ConnectorContract):
    connector = workday
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "password": {"Authorization": "Basic USERNAME:PASSWORD"},
    }
    hosts = {"oauth2": ["self-hosted.example"], "password": ["self-hosted.example"]}
    refusal_is_unknown = True
    answers = [Answer(Verdict.ACCEPTED, status=403)]


class TestGreenhouse(ConnectorContract):
    connector = greenhouse
    params = {"user_id": "4080"}
    sends = {
        "api_key": {"Authorization": "Basic TOKEN:", "On-Behalf-Of": "4080"},
        "oauth2": {"Authorization": "Bearer TOKEN"},
    }
    hosts = {"api_key": GREENHOUSE_HOSTS, "oauth2": GREENHOUSE_HOSTS}
    answers = [
        Answer(Verdict.REFETCH, status=401),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestLever(ConnectorContract):
    connector = lever
    sends = {
        "oauth2": {"Authorization": "Bearer TOKEN"},
        "api_key": {"Authorization": "Basic TOKEN:"},
    }
    hosts = {"oauth2": LEVER_HOSTS, "api_key": LEVER_HOSTS}
    refusal_is_unknown = True
    answers = [
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
