"""Reading Xkit's webhooks about connections. They are not signed, so what they say is a hint and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._sources import why_no_name
from .._values import ConfigurationError, WebhookEvent, a_kind_of, plain

LARGEST_WEBHOOK = 64 * 1024


def read_webhook(body: bytes | str) -> WebhookEvent:
    """The event in a webhook's body.

    Raises:
        ConfigurationError: the application gave something else than a body, such as what a framework has parsed.
        ValueError: the body is too long, or not a webhook of Xkit's. The text names what is wrong, and quotes nothing.
    """
    message = _parsed(_raw(body))
    payload = _mapping(message, "payload", "")
    connector, context = _mapping(payload, "connector", "payload."), _mapping(payload, "context", "payload.")
    connection = payload.get("connection")
    connection_id = connection.get("external_id") if isinstance(connection, dict) else None
    return WebhookEvent(
        event_type=_name(message, "event_type", ""),
        connector=_name(connector, "slug", "payload.connector."),
        context=_name(context, "external_id", "payload.context."),
        connection_id=connection_id if why_no_name(connection_id) is None else None,
    )


def _raw(body: object) -> bytes | str:
    if isinstance(body, str):
        text = plain(body)
        _refuse_long(text.encode("utf-8", "replace"))
        return text
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise ConfigurationError(
            f"handle_webhook() was given {a_kind_of(body)}, and not the body of a request as bytes or text",
            hint="Give it the body as it came, before anything has parsed it: request.get_data() in Flask, request.body"
            " in Django, await request.body() in FastAPI and Starlette.",
        )
    raw = bytes(body)
    _refuse_long(raw)
    return raw


def _refuse_long(raw: bytes) -> None:
    if len(raw) > LARGEST_WEBHOOK:
        raise _none("the body is longer than 64 KiB")


def _parsed(raw: bytes | str) -> Mapping[str, Any]:
    import json  # late: importing xkit_auth must stay cheap

    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        message = None
    if isinstance(message, dict):
        return message
    raise _none("the body is empty" if not raw.strip() else "the body is no JSON object")


def _mapping(of: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = of.get(name)
    if isinstance(value, dict):
        return value
    raise _none(f"{where}{name} {'is missing' if name not in of else 'is no JSON object'}")


def _name(of: Mapping[str, Any], name: str, where: str) -> str:
    if name not in of:
        raise _none(f"{where}{name} is missing")
    problem = why_no_name(of[name])
    if problem:
        raise _none(f"{where}{name} {problem}")
    return str(of[name])


def _none(problem: str) -> ValueError:
    return ValueError(f"not a webhook of Xkit's: {problem}")
