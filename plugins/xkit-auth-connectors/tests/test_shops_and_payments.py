"""Shops and payments: Shopify, Stripe, Square, PayPal."""

from __future__ import annotations

from xkit_auth_connectors.paypal import paypal
from xkit_auth_connectors.shopify import shopify
from xkit_auth_connectors.square import square
from xkit_auth_connectors.stripe import stripe

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestShopify(ConnectorContract):
    connector = shopify
    params = {"shop": "acme"}
    sends = {"oauth2": {"X-Shopify-Access-Token": "TOKEN"}}
    hosts = {"oauth2": ["acme.myshopify.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"errors": "[API] Invalid API key or access token"}),
        Answer(Verdict.ACCEPTED, status=403, json={"errors": "[API] The merchant must approve read_orders."}),
        Answer(Verdict.ACCEPTED, status=402),
        Answer(Verdict.ACCEPTED, status=423),
        *(
            Answer(then, status=200, json=json)
            for then, code in ((Verdict.DENIED, "ACCESS_DENIED"), (Verdict.RATE_LIMITED, "THROTTLED"))
            for error in [{"errors": [{"message": "No.", "extensions": {"code": code}}]}]
            for json in (error, [error])
        ),
        Answer(Verdict.ACCEPTED, status=200, json={"data": {"shop": {"name": "Acme"}}}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestStripe(ConnectorContract):
    connector = stripe
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}, "api_key": {"Authorization": "Bearer TOKEN"}}
    hosts = dict.fromkeys(sends, ("api.stripe.com", "files.stripe.com", "meter-events.stripe.com"))
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"error": {"type": "invalid_request_error", "code": "api_key_expired", "message": "Expired API Key"}},
        ),
        Answer(
            Verdict.REFETCH,
            status=401,
            json={"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}},
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


def square_says(code):
    return {"errors": [{"category": "AUTHENTICATION_ERROR", "code": code}]}


class TestSquare(ConnectorContract):
    connector = square
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["connect.squareup.com", "connect.squareupsandbox.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json=square_says("ACCESS_TOKEN_EXPIRED")),
        Answer(Verdict.REFETCH, status=401, json=square_says("ACCESS_TOKEN_REVOKED")),
        Answer(Verdict.REFETCH, status=401, json=square_says("UNAUTHORIZED")),
        Answer(Verdict.DENIED, status=401, json=square_says("CLIENT_DISABLED")),
        Answer(Verdict.DENIED, status=401, json=square_says("APPLICATION_DISABLED")),
        Answer(Verdict.DENIED, status=401, json=square_says("V1_ACCESS_TOKEN")),
        Answer(Verdict.DENIED, status=403, json=square_says("FORBIDDEN")),
        Answer(Verdict.DENIED, status=403, json=square_says("INSUFFICIENT_SCOPES")),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, json={"errors": [{"code": "RATE_LIMITED"}]}),
    ]


class TestPayPal(ConnectorContract):
    connector = paypal
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api-m.paypal.com", "api-m.sandbox.paypal.com", "api.paypal.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": "invalid_token", "error_description": "Not found"}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
