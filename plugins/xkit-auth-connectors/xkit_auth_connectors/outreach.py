"""Outreach.

Source: other integrations, and descriptions of this API by others. Unverified: how a refusal looks; a 401 is taken
for one. A 403 that names a scope or a permission in its ``errors`` is known from such descriptions only, so there is
no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector

outreach = Connector("outreach", hosts=["api.outreach.io"])

connectors = [outreach]
