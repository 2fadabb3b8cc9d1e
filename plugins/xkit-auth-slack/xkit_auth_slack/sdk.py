"""slack_sdk's web clients, sync and async: neither has a slot, so the method that sends is wrapped, of one client.

The sync one sends with urllib, which would carry a header to another host on a redirect: ours is one that it does not.
The async one sends with aiohttp, which strips Authorization there. An answer behind a redirect is never judged: it may
be a stranger's, and what was asked before must not be done again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError

from xkit_auth import RequestView


def bound(target: object, auth: Any) -> bool:
    """Bind a web client of slack_sdk; whether it is one."""
    if _is_a(target, "slack_sdk.web.base_client", "BaseClient"):
        auth.wrap(target, "_perform_urllib_http_request_internal", _Sync(auth))
    elif _is_a(target, "slack_sdk.web.async_base_client", "AsyncBaseClient"):
        auth.wrap(target, "_request", _Async(auth))
    else:
        return False
    return True


def _is_a(target: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(target, kind)


class _Sync:
    """In place of the method that hands a request to urllib."""

    def __init__(self, auth: Any) -> None:
        self._auth = auth

    def __call__(self, wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
        def of(url: str, req: Any) -> tuple[str, Any]:
            return url, req

        url, request = of(*args, **kwargs)
        if not _is_ours(client, request.full_url, request.headers):
            return wrapped(url, request)

        def attempt(headers: Any) -> Any:
            before = request.headers, request.unredirected_hdrs
            request.headers = headers.kept_of(request.headers)
            request.unredirected_hdrs = headers.over(request.unredirected_hdrs)
            request.redirect_dict = {}  # in which urllib notes the redirects that it follows
            del headers  # a traceback with local variables would show it
            try:
                return wrapped(url, request)
            except HTTPError as error:  # as urllib tells all statuses from 300 on; slack_sdk reads it
                return error
            finally:
                request.headers, request.unredirected_hdrs = before  # slack_sdk may send it again by itself

        def read(result: Any) -> tuple[int, Mapping[str, str], bytes | None] | None:
            return None if request.redirect_dict else _read(result)

        view = RequestView(
            method=request.get_method(), url=request.full_url, headers=_headers_of(request), body=_body_of(request.data)
        )
        result = self._auth.send(view, attempt, read, replayable=view.body is not None)
        if isinstance(result, HTTPError):
            raise result
        return result


class _Async:
    """In place of the method that hands a request to aiohttp; pagination goes through it, too."""

    def __init__(self, auth: Any) -> None:
        self._auth = auth

    async def __call__(self, wrapped: Any, client: Any, _args: Any, kwargs: Any) -> Any:
        arguments = kwargs["req_args"]
        own_headers = dict(arguments.get("headers") or {})
        if arguments.get("auth") is not None or not _is_ours(client, kwargs["api_url"], own_headers):
            return await wrapped(**kwargs)
        redirects = _Redirects(arguments.get("raise_for_status", getattr(client.session, "_raise_for_status", False)))

        async def attempt(headers: Any) -> Any:
            more = {"headers": headers.over(own_headers), "raise_for_status": redirects.look}
            if {*map(str.lower, headers)} != {"authorization"}:  # aiohttp would carry another one to another host
                more["allow_redirects"] = False
            sent = wrapped(**{**kwargs, "req_args": {**arguments, **more}})
            del headers, more  # a traceback with local variables would show them
            try:
                return await sent
            finally:
                redirects.count()

        def read(result: Any) -> tuple[int, Mapping[str, str], bytes | None] | None:
            return None if redirects.were_followed else _aread(result)

        view = RequestView(method=kwargs["http_verb"], url=kwargs["api_url"], headers=own_headers, body=None)
        has_files = any(hasattr(value, "read") for value in _values_of(arguments.get("data")))
        return await self._auth.asend(view, attempt, read, replayable=not has_files)


class _Redirects:
    """Whether aiohttp has followed any: it shows its own answer to nobody but to what is given as raise_for_status."""

    def __init__(self, theirs: Any) -> None:
        self._theirs = theirs
        self._answer: Any = None
        self.were_followed = False

    async def look(self, answer: Any) -> None:
        """Called by aiohttp for the answer that it is going to give back."""
        self._answer = answer
        if self._theirs is True:
            answer.raise_for_status()
        elif self._theirs:
            await self._theirs(answer)

    def count(self) -> None:
        """Called afterwards, since the answer has its history only then. Its request is not kept."""
        self.were_followed = self._answer is not None and bool(self._answer.history)
        self._answer = None


def _is_ours(client: Any, url: str, headers: Mapping[str, str]) -> bool:
    """Whether it is a call of Slack's API with the client's own token, or none.

    Uploads go elsewhere. A call may bring a token of its own, and those of OAuth bring client id and secret.
    """
    usual = f"Bearer {client.token}"
    has_another = any(name.lower() == "authorization" and value != usual for name, value in headers.items())
    return url.startswith(client.base_url) and not has_another


def _headers_of(request: Any) -> dict[str, str]:
    return {**request.unredirected_hdrs, **request.headers}


def _body_of(data: object) -> bytes | None:
    return b"" if data is None else data if isinstance(data, bytes) else None


def _values_of(data: object) -> list[object]:
    return list(data.values()) if isinstance(data, dict) else [data]


def _read(result: Any) -> tuple[int, Mapping[str, str], bytes | None]:
    if isinstance(result, HTTPError):
        return result.code, dict(result.headers), None
    body = result["body"]
    return result["status"], _lower(result["headers"]), body.encode() if isinstance(body, str) else None


def _aread(result: Any) -> tuple[int, Mapping[str, str], bytes | None]:
    data = result["data"]
    body = json.dumps(data).encode() if isinstance(data, dict) else None
    return result["status_code"], _lower(result["headers"]), body


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
