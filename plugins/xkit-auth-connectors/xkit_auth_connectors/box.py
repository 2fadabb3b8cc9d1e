"""Box.

A token that is no good is answered with 401 without a body, and ``invalid_token`` in ``WWW-Authenticate``. Downloads
are redirected to ``dl.boxcloud.com`` with a URL that needs no token, so that host gets none. Source: Box's OpenAPI
specification (hosts); code and tests of other clients (refusals). Unverified: how a 403 names a missing permission.
"""

from __future__ import annotations

from xkit_auth import Connector

box = Connector("box", hosts=["api.box.com", "upload.box.com"])

connectors = [box]
