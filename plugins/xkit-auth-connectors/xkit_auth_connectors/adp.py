"""ADP.

The token goes as Bearer, and every call needs a client certificate besides. That is the transport's affair: give it
to your client, as ``cert=`` to requests or as ``verify=`` with an SSL context to httpx. Source: other integrations.
Unverified: how a refusal looks; a 401 is taken for one.
"""

from __future__ import annotations

from xkit_auth import Connector

adp = Connector("adp", hosts=["api.adp.com"])

connectors = [adp]
