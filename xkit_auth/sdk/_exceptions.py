"""What an SDK's exception says of the provider's answer, in the forms that SDKs have for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_STATUSES = ("status_code", "http_status", "status", "response_code")
_BODIES = ("content", "body", "http_body", "response_body", "data", "json_body", "text")


class Said(NamedTuple):
    """A provider's answer, as far as an exception brings it."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


def answer_in(exception: BaseException) -> Said | None:
    """The answer that an exception was raised for, or ``None`` if it brings none in a form that is known.

    Most bring it as ``response``, an object of their HTTP library or of their own; others have its parts themselves.
    """
    for bearer in (getattr(exception, "response", None), exception):
        status = next(filter(_is_status, (getattr(bearer, name, None) for name in _STATUSES)), None)
        if status is not None:
            headers, body = _headers_of(bearer), _body_of(bearer)
            if isinstance(body, (dict, list)):
                headers.setdefault("content-type", "application/json")
                body = json.dumps(body, default=str)
            return Said(status, headers, body.encode("utf-8", "replace") if isinstance(body, str) else body)
    return None


def _is_status(value: object) -> bool:
    return type(value) is int and 100 <= value < 600


def _headers_of(bearer: Any) -> dict[str, str]:
    headers = getattr(bearer, "headers", None)
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}


def _body_of(bearer: Any) -> Any:
    bodies = (_attribute(bearer, name) for name in _BODIES)
    return next((body for body in bodies if isinstance(body, (bytes, str, dict, list))), None)


def _attribute(bearer: Any, name: str) -> Any:
    try:
        return getattr(bearer, name, None)
    except Exception:  # a body that was not read, or is gone: whatever the library raises for that
        return None
