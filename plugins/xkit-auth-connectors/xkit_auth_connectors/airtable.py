"""Airtable.

A personal access token goes like an OAuth token. One that is no good is answered with 401 and
``AUTHENTICATION_REQUIRED`` or ``UNAUTHORIZED``; a missing permission with 403 and ``INVALID_PERMISSIONS``. A
misspelled table may be answered with ``INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND``, which therefore says nothing about
the credential. Source: Airtable's support pages, "Airtable API: common troubleshooting", other integrations, and
pages by others. Unverified, and left out: the host for uploads.
"""

from __future__ import annotations

from xkit_auth import Connector, Failure, Verdict

airtable = Connector(
    "airtable",
    hosts=["api.airtable.com"],
    inspect={403: "application/json"},
    failures=[Failure(Verdict.DENIED, status=403, json={"error.type": "INVALID_PERMISSIONS"})],
)

connectors = [airtable]
