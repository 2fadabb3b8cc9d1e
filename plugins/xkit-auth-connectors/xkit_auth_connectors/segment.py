"""Segment.

The Public API takes its token as Bearer. The tracking API has other hosts: a source's write key is the user name of
HTTP Basic there, and an OAuth token goes as Bearer while the caller puts the write key into the body. Source:
Segment's documentation of its Public API, its HTTP API and its regions. Unverified: every refusal (a 401 is taken for
one), and the European host of the Public API, which is left out. The tracking API is said to accept even a wrong
write key.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

_TRACKING = ["api.segment.io", "events.eu1.segmentapis.com"]

segment = Connector(
    "segment",
    hosts=["api.segmentapis.com"],
    kinds={
        "api_token": Placement(),
        "write_key": Placement(basic=("{token}", ""), hosts=_TRACKING),
        "oauth2": Placement(hosts=_TRACKING),
    },
)

connectors = [segment]
