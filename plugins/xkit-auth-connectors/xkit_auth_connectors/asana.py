"""Asana.

A personal access token goes like an OAuth token. One that is no good is answered with 401 and a message without a
code; 402 is about the plan. Source: Asana's OpenAPI description, other integrations, and code of other clients.
Unverified: the message for a token that is unknown.
"""

from __future__ import annotations

from xkit_auth import Connector

asana = Connector("asana", hosts=["app.asana.com"])

connectors = [asana]
