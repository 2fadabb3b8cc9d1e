"""Xkit's Platform API as an ASGI app: HTTP Basic, one kind of path, and whatever is wrong with it at the moment."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ._faults import Faults, Outage
from ._records import PlatformCall, Records
from ._server import cut
from ._state import State

BASE_PATH = "/api/platform"

ANSWERS = {
    "500": (500, "application/json", b'{"error": "internal_server_error"}'),
    "502": (502, "text/html", b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"),
    "503": (503, "application/json", b'{"error": "service_unavailable"}'),
    "429": (429, "application/json", b'{"error": "too_many_requests"}'),
    "garbage": (200, "application/json", b'\x00{"connection": <garbage>'),
}


@dataclass(frozen=True, slots=True)
class PlatformApp:
    """Answers for the connections in ``state``, unless ``faults`` say otherwise; every call goes on ``records``."""

    publishable_key: str
    secret_key: str
    state: State
    faults: Faults
    records: Records

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        raw_path: bytes = scope["raw_path"]
        connector, context = names_in(raw_path)
        plan = self.faults.plan(connector, context)
        canned, outage = plan.canned, plan.outage
        # The answer is settled before the call is on record: whoever waits for the call may then change the world.
        response: Response | None = None
        if canned is not None:
            response = Response(canned.body, canned.status, canned.headers)
        elif outage is not None:
            response = answer_of(outage)
        else:
            response = self._answer(request, connector, context)
        path = raw_path.decode("latin-1")
        call = PlatformCall(request.method, path, connector, context, masked(request), time.monotonic())
        number = self.records.called(call)

        closing = self.faults.closing
        if outage is not None and outage.how == "hang":
            await outage.ends.wait(or_until=closing)
            response = self._answer(request, connector, context)
        for gate in plan.holds:
            await gate.wait(or_until=closing)
        if plan.delay:
            await closing.wait(timeout=plan.delay)
        if response is None or closing.is_open:
            await cut(scope, receive)
        else:
            self.records.answered(number, response.status_code)
            await response(scope, receive, send)

    def _answer(self, request: Request, connector: str | None, context: str | None) -> Response:
        expected = base64.b64encode(f"{self.publishable_key}:{self.secret_key}".encode()).decode()
        if not secrets.compare_digest(request.headers.get("authorization", "").encode(), f"Basic {expected}".encode()):
            return JSONResponse({"error": "unauthorized"}, 401, {"www-authenticate": 'Basic realm="Xkit"'})
        if connector is None or context is None:
            return JSONResponse({"error": "not_found"}, 404)
        if request.method != "GET":
            return JSONResponse({"error": "method_not_allowed"}, 405, {"allow": "GET"})
        connection = self.state.read(connector, context)
        if connection is None:
            return JSONResponse({"error": "not_found"}, 404)
        return JSONResponse(connection)


def names_in(raw_path: bytes) -> tuple[str | None, str | None]:
    """The connector and the context that a path names; split first, decode after: ``%2F`` stays inside its segment."""
    path = raw_path.decode("latin-1")
    match path.removeprefix(BASE_PATH).split("/"):
        case ["", "contexts", context, "connections", connector] if path.startswith(BASE_PATH):
            return unquote(connector), unquote(context)
    return None, None


def answer_of(outage: Outage) -> Response | None:
    """What Xkit says while it is down; ``None`` if it says nothing, because it hangs or cuts the connection."""
    if outage.how not in ANSWERS:
        return None
    status, content_type, body = ANSWERS[outage.how]
    headers = {} if outage.retry_after is None else {"retry-after": outage.retry_after}
    return Response(body, status, headers, content_type)


def masked(request: Request) -> dict[str, str]:
    """The headers, without the secret key: a failed assertion prints them."""
    headers = dict(request.headers)
    if "authorization" in headers:
        headers["authorization"] = headers["authorization"].partition(" ")[0] + " [masked]"
    return headers
