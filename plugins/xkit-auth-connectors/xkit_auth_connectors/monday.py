"""monday.com.

A token that is no good is answered with 401 and ``{"errors": ["Not Authenticated"]}``. What the user may not do comes
with 200 and the code ``UserUnauthorizedException``, which is left alone. Source: monday.com's API reference,
"Errors"; other integrations (Bearer). Unverified: sending the token without a scheme, which is left out.
"""

from __future__ import annotations

from xkit_auth import Connector

monday = Connector("monday", hosts=["api.monday.com"])

connectors = [monday]
