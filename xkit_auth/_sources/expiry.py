"""When a credential expires, as far as Xkit's answer or the token itself says.

Xkit documents no expiry; what is read here is what an answer may well carry, and anything odd counts as nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LARGEST_JWT = 16 * 1024


def expires_at(authorization: Mapping[str, Any], token: str | None, wall: float) -> float | None:
    """When a credential expires, in seconds since the epoch, or ``None`` if nobody says so.

    What stands beside the credential counts first (``expires_at``, ``expires_in``), then the ``exp`` of a JWT.
    """
    stated = _epoch(authorization.get("expires_at"))
    if stated is not None:
        return stated
    seconds = _finite(authorization.get("expires_in"))
    if seconds is not None:
        return wall + seconds
    return _jwt_expiry(token) if token is not None else None


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e15 else None


def _epoch(value: object) -> float | None:
    number = _finite(value)
    if number is not None or not isinstance(value, str):
        return number
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(value)
        # RFC 3339 wants an offset; without one nobody knows which moment is meant.
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _jwt_expiry(token: str) -> float | None:
    if len(token) > _LARGEST_JWT or token.count(".") != 2:
        return None
    # Imported late: importing xkit_auth must stay cheap.
    import json
    from base64 import urlsafe_b64decode

    payload = token.split(".")[1]
    try:
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return None if isinstance(expiry, str) else _finite(expiry)
