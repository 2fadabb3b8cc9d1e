"""Files and meetings: Dropbox, Box, Zoom, Calendly."""

from __future__ import annotations

from xkit_auth_connectors.box import box
from xkit_auth_connectors.calendly import calendly
from xkit_auth_connectors.dropbox import dropbox
from xkit_auth_connectors.zoom import zoom

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


def dropbox_says(tag, **more):
    return {"error_summary": f"{tag}/..", "error": {".tag": tag, **more}}


class TestDropbox(ConnectorContract):
    connector = dropbox
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.dropboxapi.com", "content.dropboxapi.com", "notify.dropboxapi.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json=dropbox_says("expired_access_token")),
        Answer(Verdict.REFETCH, status=401, json=dropbox_says("invalid_access_token")),
        Answer(Verdict.DENIED, status=401, json=dropbox_says("missing_scope", required_scope="files.content.read")),
        Answer(Verdict.DENIED, status=401, json=dropbox_says("user_suspended")),
        Answer(Verdict.DENIED, status=401, json=dropbox_says("invalid_select_user")),
        Answer(Verdict.DENIED, status=401, json=dropbox_says("invalid_select_admin")),
        Answer(Verdict.DENIED, status=401, json=dropbox_says("route_access_denied")),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestBox(ConnectorContract):
    connector = box
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.box.com", "upload.box.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            headers={
                "WWW-Authenticate": 'Bearer realm="Service", error="invalid_token",'
                ' error_description="The access token provided has expired."'
            },
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestZoom(ConnectorContract):
    connector = zoom
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.zoom.us"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"code": 124, "message": "Invalid access token."}),
        Answer(Verdict.REFETCH, status=401, json={"code": 124, "message": "Access token is expired."}),
        Answer(
            Verdict.DENIED, status=401, json={"code": 4700, "message": "Invalid access token, does not contain scopes."}
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestCalendly(ConnectorContract):
    connector = calendly
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.calendly.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"title": "Unauthenticated", "message": "The token is invalid"}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"X-RateLimit-Reset": "30"}),
    ]
