"""Reading Xkit's webhooks about connections. They are not signed, so what they say is a hint and no more."""

from __future__ import annotations

from typing import TypeGuard

from ._account import why_no_name
from ._model import WebhookEvent

LARGEST_WEBHOOK = 64 * 1024


def read_webhook(body: bytes | str) -> WebhookEvent:
    """The event in a webhook's body.

    Raises:
        ValueError: the body is too long, or not a webhook of Xkit's.
    """
    import json  # late: importing xkit_auth must stay cheap

    raw = body.encode("utf-8", "replace") if isinstance(body, str) else body
    if not isinstance(raw, bytes) or len(raw) > LARGEST_WEBHOOK:
        raise ValueError("not a webhook of Xkit's: the body is longer than 64 KiB, or neither bytes nor text")
    try:
        message = json.loads(body)
        payload = message["payload"]
        event_type, slug = message["event_type"], payload["connector"]["slug"]
        context, connection = payload["context"]["external_id"], payload.get("connection")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        event_type = slug = context = connection = None
    if not (_is_name(event_type) and _is_name(slug) and _is_name(context)):
        raise ValueError("not a webhook of Xkit's: event_type, connector.slug or context.external_id is unusable")
    connection_id = connection.get("external_id") if isinstance(connection, dict) else None
    return WebhookEvent(
        event_type=event_type,
        connector=slug,
        context=context,
        connection_id=connection_id if _is_name(connection_id) else None,
    )


def _is_name(value: object) -> TypeGuard[str]:
    return why_no_name(value) is None
