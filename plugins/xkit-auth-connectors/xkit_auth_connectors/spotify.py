"""Spotify Web API.

A token that is no good is answered with 401 and a message, without a code. A 403 is a missing scope or a bad request
of another sort, and a new token does not help; its body has no code either, so there is no rule for it. Source:
Spotify's documentation, "API calls", and its own SDK for TypeScript; code and tests of other clients.
"""

from __future__ import annotations

from xkit_auth import Connector

spotify = Connector("spotify", hosts=["api.spotify.com"])

connectors = [spotify]
