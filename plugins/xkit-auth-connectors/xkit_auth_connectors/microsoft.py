"""Microsoft Graph, and Outlook, Teams, OneDrive and SharePoint, which are reached through it.

A token that is no good is answered with 401 and ``InvalidAuthenticationToken``. If the 401 brings claims (continuous
access evaluation), only a token that is made with these claims helps, so they are handed to the application. A
personal account's token is answered with 401 by an API for work accounts, which cannot be told from expiry. The bots
of Teams, the older API for personal OneDrives and SharePoint's own API take tokens of their own, so these are kinds
with their own hosts. All five share Graph's host, so ``ANY`` cannot tell them apart. Source: Microsoft's
documentation, on authorization errors of Graph and on continuous access evaluation, other integrations, and code and
tests of other clients. Unverified: the codes of a 403; and, left out, national clouds.
"""

from __future__ import annotations

from xkit_auth import PRESENT, Connector, Failure, Placement, Verdict

microsoft_graph = Connector(
    "microsoft-graph",
    hosts=["graph.microsoft.com"],
    inspect={403: "application/json"},
    failures=[
        Failure(
            Verdict.CHALLENGE,
            status=401,
            challenge={"error": "insufficient_claims", "claims": PRESENT},
            detail="claims",
        ),
        Failure(Verdict.DENIED, status=403, challenge={"error": "insufficient_claims"}),
        Failure(Verdict.DENIED, status=403, json={"error.code": ("Authorization_RequestDenied", "ErrorAccessDenied")}),
    ],
)

outlook = microsoft_graph.replace(slug="outlook")

microsoft_teams = microsoft_graph.replace(
    slug="microsoft-teams",
    kinds={
        "oauth2": Placement(),
        "bot_token": Placement(hosts=["smba.trafficmanager.net"]),
    },
)

onedrive = microsoft_graph.replace(
    slug="onedrive",
    kinds={
        "oauth2": Placement(),
        "personal_account": Placement(hosts=["api.onedrive.com"]),
    },
)

sharepoint = microsoft_graph.replace(
    slug="sharepoint",
    params={"tenant": "label"},
    kinds={
        "oauth2": Placement(),
        "tenant_token": Placement(hosts=["{param.tenant}.sharepoint.com"]),
    },
)

connectors = [microsoft_graph, outlook, microsoft_teams, onedrive, sharepoint]
