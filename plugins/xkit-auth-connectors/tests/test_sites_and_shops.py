"""Sites and shops: tokens in the usual header or one of their own, and shops that only the application can know."""

from __future__ import annotations

from xkit_auth_connectors.bigcommerce import bigcommerce
from xkit_auth_connectors.webflow import webflow
from xkit_auth_connectors.woocommerce import woocommerce
from xkit_auth_connectors.wordpress import wordpress

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestWordpress(ConnectorContract):
    connector = wordpress
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["public-api.wordpress.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": "invalid_token", "message": "It is invalid."}),
        Answer(Verdict.ACCEPTED, status=403),
    ]


class TestWebflow(ConnectorContract):
    connector = webflow
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.webflow.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"code": "not_authorized", "message": "Not authorized", "externalReference": None},
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestBigcommerce(ConnectorContract):
    connector = bigcommerce
    sends = {"oauth2": {"X-Auth-Token": "TOKEN"}}
    hosts = {"oauth2": ["api.bigcommerce.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestWoocommerce(ConnectorContract):
    connector = woocommerce
    sends = {
        "api_key": {"Authorization": "Basic CONSUMER_KEY:CONSUMER_SECRET"},
        "api_key_in_query": {"?consumer_key": "CONSUMER_KEY", "?consumer_secret": "CONSUMER_SECRET"},
    }
    hosts = {"api_key": ["self-hosted.example"], "api_key_in_query": ["self-hosted.example"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"code": "woocommerce_rest_cannot_view", "message": "You cannot list resources."},
        ),
        Answer(Verdict.DENIED, status=401, json={"message": "Consumer key is missing."}),
        Answer(Verdict.ACCEPTED, status=403),
    ]
