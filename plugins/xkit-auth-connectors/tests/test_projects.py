"""Projects and tasks: Linear, monday.com, ClickUp."""

from __future__ import annotations

from xkit_auth_connectors.clickup import clickup
from xkit_auth_connectors.linear import linear
from xkit_auth_connectors.monday import monday

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


def linear_says(**extensions):
    return {"errors": [{"message": "No.", "extensions": extensions}]}


NOT_AUTHENTICATED = linear_says(type="authentication error", code="AUTHENTICATION_ERROR", statusCode=401)


class TestLinear(ConnectorContract):
    connector = linear
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}, "api_key": {"Authorization": "TOKEN"}}
    hosts = {"oauth2": ["api.linear.app"], "api_key": ["api.linear.app"]}
    answers = [
        Answer(Verdict.REFETCH, status=200, json=NOT_AUTHENTICATED),
        Answer(Verdict.REFETCH, status=400, json=NOT_AUTHENTICATED),
        Answer(Verdict.REFETCH, status=401, json=NOT_AUTHENTICATED),
        Answer(Verdict.REFETCH, status=200, json=linear_says(code="authentication_error")),
        Answer(Verdict.REFETCH, status=200, json=[NOT_AUTHENTICATED, NOT_AUTHENTICATED]),
        # The first part of this batch was done: sent again, it would be done twice.
        Answer(Verdict.ACCEPTED, status=200, json=[{"data": {"issueCreate": {}}}, NOT_AUTHENTICATED]),
        Answer(Verdict.RATE_LIMITED, status=400, json=[{"data": {}}, linear_says(code="RATELIMITED")]),
        Answer(Verdict.DENIED, status=200, json=[{"data": {}}, linear_says(type="forbidden")]),
        Answer(Verdict.RATE_LIMITED, status=400, json=linear_says(code="RATELIMITED")),
        Answer(Verdict.RATE_LIMITED, status=400, json=linear_says(type="ratelimited")),
        Answer(Verdict.DENIED, status=200, json=linear_says(type="forbidden")),
        Answer(Verdict.DENIED, status=400, json=linear_says(type="feature not accessible")),
        Answer(Verdict.DENIED, status=401, json=linear_says(type="forbidden")),
        Answer(Verdict.ACCEPTED, status=200, json={"data": {"viewer": {"id": "1"}}}),
    ]


class TestMonday(ConnectorContract):
    connector = monday
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
    hosts = {"oauth2": ["api.monday.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"errors": ["Not Authenticated"]}),
        Answer(
            Verdict.DENIED,
            status=200,
            json={"errors": [{"extensions": {"code": "UserUnauthorizedException", "status_code": 403}}]},
        ),
        Answer(Verdict.DENIED, status=200, json=[{"errors": [{"extensions": {"code": "UserUnauthorizedException"}}]}]),
        Answer(Verdict.DENIED, status=200, json={"error_code": "UserUnauthorizedException", "status_code": 403}),
        Answer(Verdict.ACCEPTED, status=200, json={"data": {"boards": []}}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429, headers={"Retry-After": "30"}),
    ]


class TestClickUp(ConnectorContract):
    connector = clickup
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}, "personal_token": {"Authorization": "TOKEN"}}
    hosts = {"oauth2": ["api.clickup.com"], "personal_token": ["api.clickup.com"]}
    answers = [
        *(
            Answer(Verdict.REFETCH, status=401, json={"err": "No such token", "ECODE": code})
            for code in ("OAUTH_017", "OAUTH_019", "OAUTH_021", "OAUTH_025", "OAUTH_077")
        ),
        *(
            Answer(Verdict.DENIED, status=401, json={"err": "Not this workspace", "ECODE": code})
            for code in ("OAUTH_023", "OAUTH_026", "OAUTH_027", "OAUTH_029", "OAUTH_045")
        ),
        Answer(Verdict.REFETCH, status=401),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
