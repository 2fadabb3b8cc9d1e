"""SurveyMonkey.

A 401 says in ``error.id`` whether the token is invalid (1011), expired (1012) or revoked by the user (1013), who then
has to connect again. The ids of a 403 tell of permissions, plans, quotas, or the host of another region. Source:
SurveyMonkey's API documentation of 2021, its overview. The hosts for Europe and Canada are not known here: if the
token came with another ``access_url``, give its host with ``hosts=``. Unverified: whether the ids are texts or
numbers.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

_NO_TOKEN_HELPS = (1014, 1015, 1016, 1017, 1018)

surveymonkey = Connector(
    "surveymonkey",
    hosts=["api.surveymonkey.com"],
    inspect={401: "application/json", 403: "application/json"},
    failures=[
        Failure(Verdict.RECONNECT, status=401, json={"error.id": ["1013", 1013]}),
        Failure(Verdict.DENIED, status=403, json={"error.id": [*map(str, _NO_TOKEN_HELPS), *_NO_TOKEN_HELPS]}),
    ],
)

connectors = [surveymonkey]
