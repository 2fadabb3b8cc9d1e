"""Calls to Xkit over httpx or httpx2: one blocking client that keeps nothing and follows nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import Any

from ._platform import Answer, NoAnswer, gathered, reason_of


class HttpxTransport:
    """A ``Transport`` over a client of its own. ``is_direct`` keeps the environment's proxies out of a sandbox."""

    def __init__(self, library: ModuleType, *, is_direct: bool) -> None:
        self._library = library
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        mounts = {"http://": None, "https://": None, "all://": None} if is_direct else None
        self._client = library.Client(follow_redirects=False, cookies=no_cookies, mounts=mounts)

    def get(self, url: str, headers: Mapping[str, str], deadline: float) -> Answer:
        """The answer, or ``NoAnswer`` by ``deadline``."""
        events: list[str] = []

        def trace(name: str, _info: object) -> None:
            events.append(name)

        try:
            return self._get(url, headers, deadline, trace)
        except NoAnswer:
            raise
        except (self._library.RequestError, self._library.InvalidURL, OSError, RuntimeError) as error:
            failure = self._described(error, events)
        # Not chained: a library's exception leads to its request, and so to our keys.
        raise failure

    def _get(self, url: str, headers: Mapping[str, str], deadline: float, trace: Any) -> Answer:
        left = max(deadline - time.monotonic(), 0.001)
        request = self._client.build_request("GET", url, headers=headers, timeout=left, extensions={"trace": trace})
        response = self._client.send(request, stream=True, auth=None)
        try:
            return Answer(response.status_code, response.headers, gathered(response.iter_raw(), deadline))
        finally:
            response.close()

    def _described(self, error: Exception, events: list[str]) -> NoAnswer:
        if isinstance(error, self._library.TimeoutException):
            return NoAnswer(f"no answer in time ({type(error).__name__})")
        reused = not any(name.endswith("connect_tcp.started") for name in events)
        broke = isinstance(error, (self._library.NetworkError, self._library.RemoteProtocolError))
        unanswered = not any(name.endswith("receive_response_headers.complete") for name in events)
        return NoAnswer(reason_of(error), was_reset=broke and reused and unanswered)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
