"""Networks and media: what their connectors send where, and what the providers' answers mean."""

from __future__ import annotations

from xkit_auth_connectors.linkedin import linkedin
from xkit_auth_connectors.pinterest import pinterest
from xkit_auth_connectors.reddit import reddit
from xkit_auth_connectors.spotify import spotify
from xkit_auth_connectors.twitch import twitch
from xkit_auth_connectors.twitter import twitter

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract

PROBLEMS = "https://api.twitter.com/2/problems"


class TestTwitter(ConnectorContract):
    connector = twitter
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.x.com", "api.twitter.com", "upload.x.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"title": "Unauthorized", "type": "about:blank", "status": 401}),
        Answer(Verdict.REFETCH, status=401, json={"errors": [{"code": 89, "message": "Invalid or expired token"}]}),
        Answer(Verdict.DENIED, status=403, json={"errors": [{"code": 220, "message": "No access to this."}]}),
        Answer(Verdict.DENIED, status=403, json={"type": f"{PROBLEMS}/client-forbidden", "status": 403}),
        Answer(Verdict.DENIED, status=403, json={"type": f"{PROBLEMS}/not-authorized-for-resource", "status": 403}),
        Answer(Verdict.ACCEPTED, status=403, json={"title": "Forbidden", "type": "about:blank", "status": 403}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"type": f"{PROBLEMS}/usage-capped"}),
    ]


class TestLinkedIn(ConnectorContract):
    connector = linkedin
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.linkedin.com"]}
    answers = [
        Answer(Verdict.RECONNECT, status=401, json={"status": 401, "serviceErrorCode": 65601, "message": "Revoked"}),
        Answer(Verdict.RECONNECT, status=401, json={"status": 401, "code": "REVOKED_ACCESS_TOKEN"}),
        Answer(Verdict.REFETCH, status=401, json={"status": 401, "message": "Unauthorized"}),
        Answer(Verdict.ACCEPTED, status=403, json={"status": 403, "message": "Not permitted"}),
        Answer(Verdict.RATE_LIMITED, status=429, json={"status": 429, "message": "The limit of this day"}),
    ]


class TestPinterest(ConnectorContract):
    connector = pinterest
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.pinterest.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"code": 2, "message": "Authentication failed."}),
        Answer(Verdict.DENIED, status=403, json={"code": 29, "message": "Not permitted."}),
        Answer(Verdict.ACCEPTED, status=403, json={"message": "Another reason."}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestReddit(ConnectorContract):
    connector = reddit
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["oauth.reddit.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            headers={"WWW-Authenticate": 'Bearer realm="reddit", error="invalid_token"'},
        ),
        Answer(
            Verdict.DENIED,
            status=403,
            headers={"WWW-Authenticate": 'Bearer realm="reddit", error="insufficient_scope"'},
        ),
        Answer(Verdict.ACCEPTED, status=403, json={"message": "Forbidden", "error": 403}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestSpotify(ConnectorContract):
    connector = spotify
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.spotify.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": {"status": 401, "message": "The access token expired"}}),
        Answer(Verdict.ACCEPTED, status=403, json={"error": {"status": 403, "message": "Insufficient client scope"}}),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "7"}),
    ]


class TestTwitch(ConnectorContract):
    connector = twitch
    params = {"client_id": "app-1"}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN", "Client-Id": "app-1"}}
    hosts = {"oauth2": ["api.twitch.tv"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"error": "Unauthorized", "status": 401, "message": "A bad token"}),
        Answer(
            Verdict.DENIED,
            status=401,
            json={"error": "Unauthorized", "status": 401, "message": "Client ID and OAuth token do not match"},
        ),
        Answer(Verdict.ACCEPTED, status=400, json={"status": 400, "message": 'The "Client-ID" header is invalid.'}),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
