"""Front.

An API token is sent like an OAuth token, so it needs no kind of its own. Source: other integrations. Unverified: how
a refusal looks. A 401 is taken for one, and there is no rule for anything else.
"""

from __future__ import annotations

from xkit_auth import Connector

front = Connector("front", hosts=["api2.frontapp.com"])

connectors = [front]
