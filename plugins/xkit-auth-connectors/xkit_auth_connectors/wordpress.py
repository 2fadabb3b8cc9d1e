"""WordPress.com.

A token that is no good is answered with the error ``invalid_token``. Source: code and tests of other clients, and
other integrations. Unverified: with which status that comes. A 401 is taken for a refusal; it may come with others,
too, and these are left to the caller. For a WordPress of your own, which takes application passwords, there is no
connector here: that they go as HTTP Basic is unverified.
"""

from __future__ import annotations

from xkit_auth import Connector

wordpress = Connector("wordpress", hosts=["public-api.wordpress.com"])

connectors = [wordpress]
