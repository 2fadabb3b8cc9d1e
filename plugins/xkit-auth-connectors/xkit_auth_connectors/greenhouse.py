"""Greenhouse.

An API key is the user name of HTTP Basic, with an empty password. What writes to Harvest has to name the acting user
in ``On-Behalf-Of``, from the param ``user_id``; candidate ingestion wants an e-mail address there, which is the
caller's to send. A wrong key is a 401; so is, in ingestion, a missing or unknown ``On-Behalf-Of``, which looks no
different here. Source: Greenhouse's API documentation, Harvest and Candidate Ingestion. Unverified: the bodies of a
401 and a 403.
"""

from __future__ import annotations

from xkit_auth import Connector, Default, Placement

greenhouse = Connector(
    "greenhouse",
    hosts=["harvest.greenhouse.io", "api.greenhouse.io", "boards-api.greenhouse.io"],
    params={"user_id": "id"},
    kinds={
        "api_key": Placement(basic=("{token}", ""), extra={"On-Behalf-Of": Default("{param.user_id}")}),
        "oauth2": Placement(),
    },
)

connectors = [greenhouse]
