"""Miro.

A request without a good token is answered with 401, a code and a message. Source: Miro's specification of its API.
Unverified: the code for a token that has expired (a 401 is taken for that), and the one for missing permissions, so
there is no rule for either.
"""

from __future__ import annotations

from xkit_auth import Connector

miro = Connector("miro", hosts=["api.miro.com"])

connectors = [miro]
