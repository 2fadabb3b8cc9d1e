"""Notion.

Every request must name a version of the API; if the caller names none, it is the one that Notion's SDK uses. An
internal integration's token goes like an OAuth token. One that is no good is answered with 401 and ``unauthorized``;
what the integration is not allowed to do with 403 and ``restricted_resource``; what is not shared with it with 404.
Source: Notion's JavaScript SDK, other integrations, and code and tests of other clients.
"""

from __future__ import annotations

from xkit_auth import Connector, Default, Failure, Verdict

notion = Connector(
    "notion",
    hosts=["api.notion.com"],
    extra={"Notion-Version": Default("2025-09-03")},
    inspect={403: "application/json"},
    failures=[Failure(Verdict.DENIED, status=403, json={"code": "restricted_resource"})],
)

connectors = [notion]
