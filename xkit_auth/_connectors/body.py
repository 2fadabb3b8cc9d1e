"""The body of an answer, as the rules may read it: JSON, or a text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def media_type(content_type: str) -> str:
    """``application/json`` of ``application/JSON; charset=utf-8``."""
    return content_type.partition(";")[0].strip().lower()


def is_wanted(content_type: str, wanted: Iterable[str]) -> bool:
    """Whether this is one of the wanted types; ``application/json`` stands for every ``application/…+json``, too."""
    found = media_type(content_type)
    is_json = found == "application/json" or (found.endswith("+json") and "stream" not in found)
    return any(found == each or (each == "application/json" and is_json) for each in wanted)


def json_and_text(body: bytes, content_type: str) -> tuple[Any, str | None]:
    """What JSON it is, if its type says so and it is some; the text, if it is of another type."""
    if "json" not in media_type(content_type):
        return None, body.decode("utf-8", "replace")
    try:
        return json.loads(body), None
    except (ValueError, RecursionError):
        return None, None
