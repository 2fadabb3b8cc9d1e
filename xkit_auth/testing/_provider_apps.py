"""Slack, GitHub, any other provider, and a foreign host, as ASGI apps: they record what arrives and check it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Set
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ._faults import Gate
from ._records import Arrival, Records
from ._refusals import CHALLENGE, refusal_of
from ._server import cut
from ._state import Judged, State

CHUNK = b"x" * 1024


class Provider:
    """A provider that takes ``Authorization: Bearer …``, refuses with 401, and otherwise does what the path says.

    ``/status/{code}`` answers with that status, ``/redirect?to=…&status=…`` redirects, ``/stream?chunks=…`` streams,
    ``/endless?pause=…`` never ends, ``/slow?seconds=…`` is late (for ever without ``seconds``); any other path echoes.
    ``gzip=1`` in the query compresses the answer.
    """

    schemes: ClassVar[tuple[str, ...]] = ("bearer",)

    def __init__(self, name: str, state: State, records: Records, closing: Gate) -> None:
        self.name = name
        self.state = state
        self.records = records
        self.closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body, whole = await read(request)
        if not whole:
            self.records.arrived(self.name, arrival_of(request, body, None))
            return
        response = await self._respond(request, body)
        if self.closing.is_open:
            await cut(scope, receive)
            return
        if request.query_params.get("gzip") == "1" and not isinstance(response, StreamingResponse):
            compress(response)
        self.records.arrived(self.name, arrival_of(request, body, response.status_code))
        await response(scope, receive, send)

    async def _respond(self, request: Request, body: bytes) -> Response:
        judged = self.judge(request)
        if judged.standing != "good":
            return self.refuse(request, judged)
        special = await self._special(request, body, self.wanted_path(request))
        return self.answer(request, body, judged.context) if special is None else special

    # What makes a provider

    def judge(self, request: Request) -> Judged:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.state.judge(self.name, [token.strip()] if scheme.lower() in self.schemes else [], exact=True)

    def refuse(self, request: Request, judged: Judged) -> Response:
        if request.scope["path"] == "/endless":
            return StreamingResponse(self._endless(request), 401, CHALLENGE)
        return JSONResponse(refusal_of(self.name, judged.standing), 401, CHALLENGE)

    def answer(self, request: Request, body: bytes, context: str) -> Response:
        return JSONResponse(echo(request, body))

    def wanted_path(self, request: Request) -> str:
        return str(request.scope["path"])

    # What every provider can be asked to do

    async def _special(self, request: Request, body: bytes, path: str) -> Response | None:
        query = request.query_params
        match path.split("/")[1:]:
            case ["status", code] if code.isdecimal():
                headers = dict(part.split(":", 1) for part in query.getlist("header"))
                if code in ("204", "304"):
                    return Response(status_code=int(code), headers=headers)
                if "body" in query:
                    return Response(query["body"], int(code), {"content-type": "application/json", **headers})
                return JSONResponse(echo(request, body), int(code), headers)
            case ["redirect"]:
                return Response(status_code=int(query.get("status", 302)), headers={"location": query.get("to", "/")})
            case ["stream"]:
                return StreamingResponse(iter([CHUNK] * int(query.get("chunks", 3))))
            case ["endless"]:
                return StreamingResponse(self._endless(request))
            case ["slow"]:
                seconds = query.get("seconds")
                await self.closing.wait(timeout=None if seconds is None else float(seconds))
        return None

    async def _endless(self, request: Request) -> AsyncIterator[bytes]:
        pause = float(request.query_params.get("pause", 0))
        while True:
            yield CHUNK
            await asyncio.sleep(pause)  # even 0 lets the loop notice that the connection is gone


class Generic(Provider):
    """Any other provider. Those named in ``anywhere`` take the credential in any header or part of the URL."""

    def __init__(self, name: str, state: State, records: Records, closing: Gate, anywhere: Set[str]) -> None:
        super().__init__(name, state, records, closing)
        self.anywhere = anywhere

    def judge(self, request: Request) -> Judged:
        if self.name not in self.anywhere:
            return super().judge(request)
        url = [request.scope["path"], *request.query_params.values()]
        return self.state.judge(self.name, [*request.headers.values(), *basic(request), *url], exact=False)

    def wanted_path(self, request: Request) -> str:
        first, _, rest = request.scope["raw_path"].decode("ascii")[1:].partition("/")
        is_credential = self.state.judge(self.name, [unquote(first)], exact=False).standing == "good"
        return f"/{unquote(rest)}" if is_credential else super().wanted_path(request)


class Aws(Generic):
    """AWS gets a signature instead of the secret key, and knows whose it is by the id of the key."""

    codes: ClassVar[dict[str, str]] = {"expired": "ExpiredTokenException", "missing": "MissingAuthenticationToken"}

    def judge(self, request: Request) -> Judged:
        scheme, _, rest = request.headers.get("authorization", "").partition(" Credential=")
        return self.state.judge(self.name, [rest.partition("/")[0]] if scheme.startswith("AWS4-") else [], exact=True)

    def refuse(self, request: Request, judged: Judged) -> Response:
        code = self.codes.get(judged.standing, "UnrecognizedClientException")
        return JSONResponse({"__type": code, "message": f"The security token is {judged.standing}."}, 403)


class Slack(Provider):
    """Slack says no with status 200; ``error=…`` among the arguments is answered like an error, as by ``api.test``."""

    errors: ClassVar[dict[str, str]] = {
        "missing": "not_authed",
        "unknown": "invalid_auth",
        "expired": "token_expired",
        "revoked": "token_revoked",
    }

    def refuse(self, request: Request, judged: Judged) -> Response:
        return slack_json({"ok": False, "error": self.errors[judged.standing]})

    def answer(self, request: Request, body: bytes, context: str) -> Response:
        match request.scope["path"].split("/")[1:]:
            case ["api", "auth.test"]:
                return slack_json({"ok": True, "team": "Sandbox", "user": context, "user_id": f"U-{context}"})
            case ["api", method]:
                arguments = arguments_of(request, body)
                if arguments is None:
                    return slack_json({"ok": False, "error": "invalid_json"})
                if "error" in arguments:
                    return slack_json({"ok": False, "error": arguments["error"], "args": arguments})
                return slack_json({"ok": True, "api": method, "args": arguments, **echo(request, body)})
            case ["files", *_]:
                return StreamingResponse(iter([CHUNK] * int(request.query_params.get("chunks", 3))))
        return slack_json({"ok": False, "error": "unknown_method"}, 404)


class GitHub(Provider):
    """GitHub wants a User-Agent, tells all bad credentials alike, and hides what a credential may not see."""

    schemes: ClassVar[tuple[str, ...]] = ("bearer", "token")

    async def _respond(self, request: Request, body: bytes) -> Response:
        if not request.headers.get("user-agent"):
            return PlainTextResponse("Request forbidden by administrative rules: a User-Agent header is required.", 403)
        return await super()._respond(request, body)

    def refuse(self, request: Request, judged: Judged) -> Response:
        if judged.standing != "missing":
            return github_error("Bad credentials", 401)
        if request.scope["path"].startswith("/repos/"):
            return github_error("Not Found", 404)
        return github_error("Requires authentication", 401)

    def answer(self, request: Request, body: bytes, context: str) -> Response:
        match request.scope["path"].split("/")[1:]:
            case ["user"] if request.method == "GET":
                return JSONResponse({"login": context, "type": "User"})
            case ["repos", "hidden", *_]:
                return github_error("Not Found", 404)
            case ["repos", owner, name] if request.method == "GET":
                return JSONResponse({"full_name": f"{owner}/{name}", "private": True})
            case ["missing-scope"]:
                needs = {"x-accepted-github-permissions": "contents=write"}
                return github_error("Resource not accessible by integration", 403, needs)
        return JSONResponse(echo(request, body))


class Elsewhere(Provider):
    """A host that no credential is meant for: it lets everybody in and remembers what they brought."""

    def judge(self, request: Request) -> Judged:
        return Judged("good")


async def read(request: Request) -> tuple[bytes, bool]:
    """The body, and whether all of it came."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
    except ClientDisconnect:
        return bytes(body), False
    return bytes(body), True


def arrival_of(request: Request, body: bytes, status: int | None) -> Arrival:
    raw = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    headers = {name: ", ".join(value for other, value in raw if other == name) for name, _ in raw}
    query = request.scope["query_string"].decode("latin-1")
    return Arrival(request.method, request.scope["path"], query, headers, raw, body, status)


def echo(request: Request, body: bytes) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.scope["path"],
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }


def basic(request: Request) -> Iterator[str]:
    """User name and password of HTTP Basic, with the colon between them."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(value).decode("utf-8", "replace")
        except binascii.Error:
            return


def compress(response: Response) -> None:
    response.body = gzip.compress(bytes(response.body))
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))


def arguments_of(request: Request, body: bytes) -> dict[str, Any] | None:
    """A Slack call's arguments, from the query and from a JSON or form body; ``None`` if the JSON is none."""
    arguments: dict[str, Any] = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        try:
            sent = json.loads(body)
        except ValueError:
            return None
        return arguments | sent if isinstance(sent, dict) else None
    if content_type.startswith("application/x-www-form-urlencoded"):
        return arguments | dict(parse_qsl(body.decode("utf-8", "replace")))
    return arguments


def slack_json(content: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status, media_type="application/json; charset=utf-8")


def github_error(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    content = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return JSONResponse(content, status, headers)
