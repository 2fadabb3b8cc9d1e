"""Typeform.

OAuth and personal access tokens go the same way. A token that is no good is answered with 401 and the code
``AUTHENTICATION_FAILED``. Source: code and tests of other clients; for the hosts a third party's description of this
API. Unverified: the codes of a 403, so there is no rule for it.
"""

from __future__ import annotations

from xkit_auth import Connector

typeform = Connector("typeform", hosts=["api.typeform.com", "api.eu.typeform.com"])

connectors = [typeform]
