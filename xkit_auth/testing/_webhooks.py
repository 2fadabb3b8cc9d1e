"""Webhooks as Xkit sends them: minimal, in JSON, without a signature."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPSConnection
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

WebhookType: TypeAlias = Literal["connection.enabled", "connection.disabled", "connection.errored"]

_PATIENCE = 10.0


def webhook_body(event_type: str, connector: str, context: str, connection_id: str | None) -> bytes:
    """The body of a webhook about a connection."""
    if event_type not in get_args(WebhookType):
        raise ValueError(f"event_type is one of {', '.join(map(repr, get_args(WebhookType)))}, not {event_type!r}")
    payload = {"connector": {"slug": connector}, "context": {"external_id": context}}
    if connection_id is not None:
        payload["connection"] = {"external_id": connection_id}
    return json.dumps({"event_type": event_type, "payload": payload}).encode()


def send_webhook(url: str, body: bytes) -> int:
    """Send it, past any proxy, and return the status of the answer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no URL that a webhook can be sent to: write http://127.0.0.1:8000/webhooks")
    connection_type = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connection_type(parts.hostname, parts.port, timeout=_PATIENCE)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        connection.request("POST", target, body, {"Accept": "application/json", "Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()
