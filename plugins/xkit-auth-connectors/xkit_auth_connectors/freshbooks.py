"""FreshBooks.

A token that is no good is answered with 401 and ``unauthenticated``. Source: code of other clients, and other
integrations. Unverified: the errors of the accounting endpoints, which look different, and the ``Api-Version`` header
of older documentation; there is nothing for either.
"""

from __future__ import annotations

from xkit_auth import Connector

freshbooks = Connector("freshbooks", hosts=["api.freshbooks.com"])

connectors = [freshbooks]
