"""Eventbrite.

OAuth and private tokens go the same way. A token that is no good is answered with 401 and the error ``INVALID_AUTH``
or ``NOT_AUTH``. Source: tests of Eventbrite's Python client, and code of other clients. Unverified, and so left out:
the token as a query parameter, and the errors of a 403.
"""

from __future__ import annotations

from xkit_auth import Connector

eventbrite = Connector("eventbrite", hosts=["www.eventbriteapi.com"])

connectors = [eventbrite]
