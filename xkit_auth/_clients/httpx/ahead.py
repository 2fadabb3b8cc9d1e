"""Handling a redirect that rejects the credential, such as one to a login page, with httpx and httpx2.

requests calls its hook before it follows a redirect. An auth object of httpx sees only the final response: a login page
has status 200, and may be at another origin, after which nothing may be resent. So if a connector's rules judge
redirects, the ``Wire`` examines each one before the client gets it. If one is a rejection, the credential is fetched
right away. If there is something to do with it, the ``Wire`` hides the redirect's target from the client.
"""

from __future__ import annotations

from abc import abstractmethod
from types import ModuleType
from typing import Any

from ..._connectors import answer_view
from ..._values import Credential, RequestView, Verdict, XkitAuthError
from .. import ASKS_AGAIN, Trip
from .mark import Carried, decoded_value


class Foresight(Trip, Carried):
    """The part of a request's state that the ``Wire`` uses, below the client."""

    _library: ModuleType

    _early: Credential | XkitAuthError | None = None
    """The credential that was fetched, or the error that was raised, before the client got the response."""
    _early_verdict: Verdict | None = None

    @abstractmethod
    def is_whole_again(self, body: Any) -> bool:
        """Rewind a body, and return whether all of it is certain to be sent again."""

    def is_refused_by(self, status: int, headers: Any, hop: Any) -> bool:
        """Return whether a redirect, whose body has not been read, rejects the credential."""
        policy, headers = self.policy, self._library.Headers(headers)
        if not policy.judges_redirects or self._early_verdict is not None or policy.wants_body(status, headers):
            return False
        try:
            view = answer_view(status, headers, None, self._view_at_wire(hop))
            verdict = policy.judge(self.credential, view).verdict
        except XkitAuthError:  # raised again when the client has the response
            return False
        self._early_verdict = verdict if verdict in ASKS_AGAIN else None
        return self._early_verdict is not None

    def _view_at_wire(self, hop: Any) -> RequestView:
        headers = {
            name.decode("latin-1"): decoded_value(value) for name, value in hop.headers if not self.is_ours(name, value)
        }
        url = self.bare(bytes(hop.url).decode("latin-1"))
        return RequestView(method=hop.method.decode("ascii"), url=url, headers=headers, body=None)

    def fetch_early(self, seconds: float | None) -> None:
        """Fetch the credential now instead of after the client got the response."""
        try:
            self._early = super().fetch(self.credential, seconds)
        except XkitAuthError as error:
            self._early = error

    async def afetch_early(self, seconds: float | None) -> None:
        """Fetch the credential like ``fetch_early``, without blocking."""
        try:
            self._early = await super().afetch(self.credential, seconds)
        except XkitAuthError as error:
            self._early = error

    def needs_handling(self, body: Any) -> bool:
        """Return whether the rejection leads to a resend or an error, so that the client must not follow it."""
        early = self._early
        if not isinstance(early, Credential):
            return True  # an error
        if early == self.credential:
            return self._early_verdict is Verdict.RECONNECT
        return not early._is_of_another_account(self.credential) and self.is_whole_again(body)

    def fetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """Return the credential that was fetched early, or fetch it."""
        if self._early is None or rejected is None:
            return super().fetch(rejected, seconds)
        return self._fetched_early()

    async def afetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """Return the credential like ``fetch``, without blocking."""
        if self._early is None or rejected is None:
            return await super().afetch(rejected, seconds)
        return self._fetched_early()

    def _fetched_early(self) -> Credential:
        early, self._early = self._early, None
        if isinstance(early, XkitAuthError):
            raise early
        assert early is not None
        return early
