"""A redirect that is a refusal, such as one to a page for logging in, on httpx and httpx2.

requests calls its hook before it follows a redirect. An auth object of httpx sees only where all of them have led to:
the page says 200, and it may be at another origin, after which nothing may be sent again. So the ``Wire`` looks at
each redirect on its way to the client, where rules judge redirects at all. If one is a refusal, the credential is
fetched there and then, and if something is to be done with it, the client does not see where the redirect would lead.
"""

from __future__ import annotations

from abc import abstractmethod
from types import ModuleType
from typing import Any

from ..._connectors import answer_view
from ..._values import Credential, RequestView, Verdict, XkitAuthError
from .. import ASKS_AGAIN, Trip
from .mark import Carried, text_of


class Foresight(Trip, Carried):
    """The part of a request's way that lies below the client."""

    _library: ModuleType

    _early: Credential | XkitAuthError | None = None
    """What came of asking for another credential before the client had the answer."""
    _early_verdict: Verdict | None = None

    @abstractmethod
    def is_whole_again(self, body: Any) -> bool:
        """Whether a body can be sent again, and is ready for that."""

    def is_refused_by(self, status: int, headers: Any, hop: Any) -> bool:
        """Whether a redirect, of which the body is not known yet, says that the credential is no good."""
        policy, headers = self.policy, self._library.Headers(headers)
        if not policy.judges_redirects or self._early_verdict is not None or policy.wants_body(status, headers):
            return False
        try:
            view = answer_view(status, headers, None, self._view_at_wire(hop))
            verdict = policy.judge(self.credential, view).verdict
        except XkitAuthError:  # which comes up again when the client has the answer
            return False
        self._early_verdict = verdict if verdict in ASKS_AGAIN else None
        return self._early_verdict is not None

    def _view_at_wire(self, hop: Any) -> RequestView:
        headers = {
            name.decode("latin-1"): text_of(value) for name, value in hop.headers if not self.is_ours(name, value)
        }
        url = self.bare(bytes(hop.url).decode("latin-1"))
        return RequestView(method=hop.method.decode("ascii"), url=url, headers=headers, body=None)

    def fetch_early(self, seconds: float | None) -> None:
        """Fetch what would be fetched when the client has the answer."""
        try:
            self._early = super().fetch(self.credential, seconds)
        except XkitAuthError as error:
            self._early = error

    async def afetch_early(self, seconds: float | None) -> None:
        """The same for tasks."""
        try:
            self._early = await super().afetch(self.credential, seconds)
        except XkitAuthError as error:
            self._early = error

    def is_to_be_dealt_with(self, body: Any) -> bool:
        """Whether anything will come of the refusal but that the client goes on."""
        early = self._early
        if not isinstance(early, Credential):
            return True  # an error
        if early == self.credential:
            return self._early_verdict is Verdict.RECONNECT
        return not early._is_of_another_account(self.credential) and self.is_whole_again(body)

    def fetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """The credential: the one that was fetched early, else as usual."""
        if self._early is None or rejected is None:
            return super().fetch(rejected, seconds)
        return self._fetched_early()

    async def afetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """The same for tasks."""
        if self._early is None or rejected is None:
            return await super().afetch(rejected, seconds)
        return self._fetched_early()

    def _fetched_early(self) -> Credential:
        early, self._early = self._early, None
        if isinstance(early, XkitAuthError):
            raise early
        assert early is not None
        return early
