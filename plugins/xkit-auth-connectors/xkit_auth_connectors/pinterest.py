"""Pinterest, version 5 of the API.

A token that is no good is answered with 401 and the code 2. A 403 with the code 29 is about what the user may do.
Source: Pinterest's OpenAPI description. Unverified: the sandbox, which has a host of its own, so it is left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

pinterest = Connector(
    "pinterest",
    hosts=["api.pinterest.com"],
    inspect={403: "application/json"},
    failures=[Failure(Verdict.DENIED, status=403, json={"code": 29})],
)

connectors = [pinterest]
