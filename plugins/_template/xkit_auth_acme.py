"""Acme.

A token goes into a header of Acme's own, and a request is signed with it. Acme
says that a token is dead with 400 and a code. Source: name the page of the
provider's documentation. Unverified: say what you could not find out.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from xkit_auth import (
    Connector,
    Credential,
    Default,
    Failure,
    RequestView,
    Verdict,
    hookimpl,
)

acme = Connector(
    "acme",
    aliases=["acme-oauth"],
    hosts=["api.acme.example"],
    header={"X-Acme-Token": "{token}"},
    extra={"X-Acme-Version": Default("2")},
    inspect={400: "application/json"},
    failures=[
        Failure(
            Verdict.REFETCH,
            status=400,
            json={"error.code": ("token_expired", "token_unknown")},
        ),
        Failure(
            Verdict.RECONNECT, status=400, json={"error.code": "grant_revoked"}
        ),
        Failure(
            Verdict.DENIED,
            status=401,
            challenge={"error": "insufficient_scope"},
        ),
    ],
)


@hookimpl
def xkit_auth_connectors() -> list[Connector]:
    """Acme's API."""
    return [acme]


@hookimpl
def xkit_auth_format_headers(
    connector: Connector, credential: Credential, request: RequestView
) -> Mapping[str, str] | None:
    """The token, with a signature of the body."""
    # None: a file or a stream, which cannot be signed here
    if connector.slug != "acme" or request.body is None:
        return None
    token = credential.reveal()
    signature = hmac.new(token.encode(), request.body, "sha256").hexdigest()
    return {"X-Acme-Token": token, "X-Acme-Signature": signature}
