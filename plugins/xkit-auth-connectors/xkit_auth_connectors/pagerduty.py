"""PagerDuty, version 2 of the REST API.

An API key is written ``Token token=…``. The version of the API is in ``Accept``. Some writes also want ``From`` with a
user's e-mail address: set it yourself. A missing or bad credential is answered with 401, and one that may not do this
with 403. Source: PagerDuty's OpenAPI schema; other integrations. Unverified: the host of the European region, so it is
left out. The Events API takes its key in the body and is left out, too.
"""

from __future__ import annotations

from xkit_auth import Connector, Default, Placement

pagerduty = Connector(
    "pagerduty",
    hosts=["api.pagerduty.com"],
    extra={"Accept": Default("application/vnd.pagerduty+json;version=2")},
    kinds={
        "oauth2": Placement(),
        "api_key": Placement(header={"Authorization": "Token token={token}"}),
    },
)

connectors = [pagerduty]
