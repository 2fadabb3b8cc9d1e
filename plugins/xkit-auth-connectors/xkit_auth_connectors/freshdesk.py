"""Freshdesk.

The API key is the user name of HTTP Basic, and the password is anything: ``X``, as in Freshdesk's own examples. A key
that is no good is answered with 401 and the code ``invalid_credentials``. What Freshdesk says where a role does not
suffice (403, probably ``access_denied``) is unverified; it is not a refusal of the key in any case.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Placement, Verdict

freshdesk = Connector(
    "freshdesk",
    hosts=["{param.subdomain}.freshdesk.com"],
    params={"subdomain": "label"},
    kinds={
        "api_key": Placement(basic=("{token}", "X")),
        "password": Placement(basic=("{field.email}", "{field.password}")),
    },
    inspect={401: "application/json"},
    failures=[
        Failure(Verdict.REFETCH, status=401, json={"code": "invalid_credentials"}),
        Failure(Verdict.DENIED, status=403),
    ],
)

connectors = [freshdesk]
