"""Webflow, the Data API.

OAuth and site tokens go the same way. A token that is no good is answered with 401 and the code ``not_authorized``.
Source: code and tests of other clients, and other integrations. Unverified: the code of a 403 that tells of missing
scopes, and the version header of the API's first version; both are left out.
"""

from __future__ import annotations

from xkit_auth import Connector

webflow = Connector("webflow", hosts=["api.webflow.com"])

connectors = [webflow]
