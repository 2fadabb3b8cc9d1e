"""Reading Xkit's webhooks about connections. They are not signed, so what they say is a hint and no more."""

from __future__ import annotations

import json

from ._model import WebhookEvent

LARGEST_WEBHOOK = 64 * 1024


def read_webhook(body: bytes | str) -> WebhookEvent:
    """The event in a webhook's body.

    Raises:
        ValueError: the body is too long, or not a webhook of Xkit's.
    """
    if not isinstance(body, (bytes, str)) or len(body) > LARGEST_WEBHOOK:
        raise ValueError("not a webhook of Xkit's: the body is longer than 64 KiB, or neither bytes nor text")
    try:
        message = json.loads(body)
        payload = message["payload"]
        names = message["event_type"], payload["connector"]["slug"], payload["context"]["external_id"]
        connection = payload.get("connection")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        names, connection = (None, None, None), None
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("not a webhook of Xkit's: event_type, connector.slug or context.external_id is missing")
    connection_id = connection.get("external_id") if isinstance(connection, dict) else None
    return WebhookEvent(
        event_type=names[0],
        connector=names[1],
        context=names[2],
        connection_id=connection_id if isinstance(connection_id, str) else None,
    )
