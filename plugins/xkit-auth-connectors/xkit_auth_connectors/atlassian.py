"""Jira and Confluence, in Atlassian's cloud.

An OAuth token goes to ``api.atlassian.com``. An API token is the password to an e-mail address, and goes to the site's
own host, which the param ``site`` names. A 401 whose message says that the scope does not match is not cured by a new
token. A wrong API token may also get a 200 with what anybody may see, and only ``X-Seraph-LoginReason`` tells. A Jira
Data Center takes its personal access tokens as Bearer; the application names its host with ``hosts=``. Source:
Atlassian's knowledge base, "OAuth app throwing error: Unauthorized; scope does not match", its public issue tracker,
other integrations, and code and tests of other clients. Unverified: the body of the 401 for an OAuth token that has
merely expired; any other 401 is taken for that.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Placement, Verdict

jira = Connector(
    "jira",
    hosts=["api.atlassian.com"],
    paths=["/ex/jira/"],
    params={"site": "label"},
    kinds={
        "oauth2": Placement(),
        "api_token": Placement(
            basic=("{field.email}", "{field.api_token}"),
            hosts=["{param.site}.atlassian.net"],
        ),
    },
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.DENIED, header={"X-Seraph-LoginReason": Contains("AUTHENTICATION_DENIED")}),
        Failure(Verdict.DENIED, status=401, json={"message": Contains("scope does not match")}),
        # Only of a 200: another success, such as 201, has perhaps changed something, and is not to be sent again.
        Failure(Verdict.REFETCH, status=200, header={"X-Seraph-LoginReason": Contains("AUTHENTICATED_FAILED")}),
    ],
)

confluence = jira.replace(slug="confluence", paths=["/ex/confluence/"])

connectors = [jira, confluence]
