"""How providers say that a credential is no good: in bodies that their SDKs can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._state import Standing

CHALLENGE = {"www-authenticate": 'Bearer error="invalid_token"'}


def refusal_of(provider: str, standing: Standing) -> Any:
    """The body of a 401, as this provider writes it, or in a form that most SDKs take."""
    return _BODIES.get(provider, _usual)(f"The access token is {standing}.")


def _usual(message: str) -> Any:
    # An object with a message in it, as Stripe, OpenAI, Google and Microsoft have it: an SDK that wants a text there
    # shows it as it is, while one that wants an object breaks at a text.
    error = {"type": "invalid_token", "code": "invalid_token", "message": message}
    return {"error": error, "message": message, "errors": [error]}


def _google(message: str) -> Any:
    details = [{"message": message, "domain": "global", "reason": "authError", "location": "Authorization"}]
    return {"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED", "errors": details}}


def _stripe(message: str) -> Any:
    return {"error": {"type": "invalid_request_error", "message": message}}


def _openai(message: str) -> Any:
    return {"error": {"type": "invalid_request_error", "code": "invalid_api_key", "message": message, "param": None}}


def _anthropic(message: str) -> Any:
    return {"type": "error", "error": {"type": "authentication_error", "message": message}}


def _notion(message: str) -> Any:
    return {"object": "error", "status": 401, "code": "unauthorized", "message": message}


def _salesforce(message: str) -> Any:
    return [{"errorCode": "INVALID_SESSION_ID", "message": message}]


def _microsoft(message: str) -> Any:
    return {"error": {"code": "InvalidAuthenticationToken", "message": message}}


def _hubspot(message: str) -> Any:
    return {"status": "error", "category": "INVALID_AUTHENTICATION", "message": message}


def _meta(message: str) -> Any:
    return {"error": {"type": "OAuthException", "code": 190, "message": message}}


def _oauth(message: str) -> Any:
    return {"error": "invalid_token", "error_description": message}


_BODIES: dict[str, Callable[[str], Any]] = {
    "anthropic": _anthropic,
    "gitlab": _oauth,
    "hubspot": _hubspot,
    "notion": _notion,
    "openai": _openai,
    "salesforce": _salesforce,
    "stripe": _stripe,
    **dict.fromkeys(("facebook", "instagram"), _meta),
    **dict.fromkeys(("gmail", "google-calendar", "google-drive", "youtube"), _google),
    **dict.fromkeys(("microsoft-graph", "microsoft-teams", "onedrive", "outlook", "sharepoint"), _microsoft),
}
