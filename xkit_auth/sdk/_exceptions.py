"""What an SDK's exception says of the provider's answer, in the forms that SDKs have for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message
from typing import Any, NamedTuple

_STATUSES = ("status_code", "http_status", "status", "response_code")
_PARSED = ("body", "http_body", "response_body", "data", "json_body")
_BODIES = ("content", *_PARSED, "text")


class Said(NamedTuple):
    """A provider's answer, as far as an exception brings it."""

    status: int
    headers: Mapping[str, str]
    bearer: object

    def body(self) -> bytes | None:
        """The body, which is read now if it has not been."""
        body = _body_of(self.bearer)
        if isinstance(body, (dict, list)):
            try:
                body = json.dumps(body, default=str)
            except (TypeError, ValueError, RecursionError):  # no JSON after all
                return None
        return body.encode("utf-8", "replace") if isinstance(body, str) else body


def answer_in(exception: BaseException) -> Said | None:
    """The answer that an exception was raised for, or ``None`` if it brings none in a form that is known.

    Most bring it as ``response``, an object of their HTTP library or of their own; others have its parts themselves.
    """
    for bearer in (attribute_of(exception, "response"), exception):
        status = next(filter(_is_status, (attribute_of(bearer, name) for name in _STATUSES)), None)
        if status is not None:
            headers = _headers_of(bearer)
            if any(isinstance(attribute_of(bearer, name), (dict, list)) for name in _PARSED):
                headers.setdefault("content-type", "application/json")
            return Said(status, headers, bearer)
    return None


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value < 600


def _headers_of(bearer: Any) -> dict[str, str]:
    headers = attribute_of(bearer, "headers")
    if not isinstance(headers, (Mapping, Message)):  # the latter is what urllib has
        return {}
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}


def _body_of(bearer: Any) -> Any:
    bodies = (attribute_of(bearer, name) for name in _BODIES)
    return next((body for body in bodies if isinstance(body, (bytes, str, dict, list))), None)


def attribute_of(bearer: Any, name: str) -> Any:
    """An attribute, or ``None`` if there is none, or it cannot be had."""
    try:
        return getattr(bearer, name, None)
    except Exception:  # a body that was not read, or is gone: whatever the library raises for that
        return None
