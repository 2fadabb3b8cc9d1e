"""Calendly.

A personal access token is sent like an OAuth token. One that is no good is answered with 401 and the title
``Unauthenticated``. Source: other integrations, and answers that other clients recorded. Unverified: the body for an
expired token, and that of a 403, so there is no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector

calendly = Connector("calendly", hosts=["api.calendly.com"])

connectors = [calendly]
