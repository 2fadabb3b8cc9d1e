"""OpenAI.

A key goes as Bearer, be it a project's, a user's or an admin's, and so does a token of workload identity. A wrong one
is a 401 with the code ``invalid_api_key``. Source: OpenAI's own Python client, and code and tests of others.
Unverified, and so left out: regional hosts, and the 401s about an organization or an IP address, which no new key
would cure.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

openai = Connector("openai", hosts=["api.openai.com"], kinds={"api_key": Placement()})

connectors = [openai]
