"""Todoist.

A personal API token is sent like an OAuth token, so it needs no kind of its own. Source: other integrations.
Unverified: how a refusal looks. A 401 is taken for one, and there is no rule for anything else.
"""

from __future__ import annotations

from xkit_auth import Connector

todoist = Connector("todoist", hosts=["api.todoist.com"])

connectors = [todoist]
