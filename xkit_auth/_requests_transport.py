"""Calls to Xkit over requests: one session that keeps nothing and follows nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy

from requests import PreparedRequest, Session
from requests.exceptions import ConnectionError as BrokenConnection
from requests.exceptions import RequestException, Timeout
from urllib3.exceptions import HTTPError

from ._platform import Answer, NoAnswer, gathered, reason_of

_CHUNK = 16 * 1024


class RequestsTransport:
    """A ``Transport`` over a session of its own. ``is_direct`` keeps the environment's proxies out of a sandbox."""

    def __init__(self, *, is_direct: bool) -> None:
        self._is_direct = is_direct
        self._session = Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._has_answered = False

    def get(self, url: str, headers: Mapping[str, str], deadline: float) -> Answer:
        """The answer, or ``NoAnswer`` by ``deadline``."""
        try:
            answer = self._get(url, headers, deadline)
        except NoAnswer:
            raise
        except (RequestException, HTTPError, OSError, ValueError, RuntimeError) as error:
            failure = self._described(error)
        else:
            self._has_answered = True
            return answer
        # Not chained: a library's exception leads to its request, and so to our keys.
        raise failure

    def _get(self, url: str, headers: Mapping[str, str], deadline: float) -> Answer:
        request = PreparedRequest()
        # Prepared by hand: a session would look into netrc.
        request.prepare(method="GET", url=url, headers=dict(headers))
        settings = self._session.merge_environment_settings(url, {}, True, None, None)
        if self._is_direct:
            settings["proxies"] = {}
        left = max(deadline - time.monotonic(), 0.001)
        response = self._session.send(request, timeout=left, allow_redirects=False, **settings)
        try:
            body = gathered(response.raw.stream(_CHUNK, decode_content=False), deadline)
            return Answer(response.status_code, response.headers, body)
        finally:
            response.close()

    def _described(self, error: Exception) -> NoAnswer:
        name = type(error).__name__
        if isinstance(error, Timeout):
            return NoAnswer(f"no answer in time ({name})")
        # requests does not say whether the connection was an old one; an earlier answer makes that likely.
        was_reset = isinstance(error, BrokenConnection) and "Connection aborted" in str(error) and self._has_answered
        return NoAnswer(reason_of(error), was_reset=was_reset)

    def close(self) -> None:
        """Close every connection."""
        self._session.close()
