"""The response hook of requests: what follows from the response to one request or redirect hop.

requests calls the hooks that a request had when it was sent. So a hook knows which credential was sent, even if another
thread has put a newer one on the same request since.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

from ..._connectors import Sending, answer_view
from ..._values import MASK, Credential, ResponseView, Verdict, XkitAuthError, origin_of, says_it
from .. import ASKS_AGAIN, Fetch, Send, Tell, Trip, advance, after_answer
from .home import Carried, attach, carried_by, ensure_watched, note_sent, put_headers, redacted, set_url, without
from .parts import is_from_cache, look_for_conflict, rewound, target_of, truncate, view_of

_MOST_SENDINGS = 8


class Hop(Trip, Carried):
    """What one request carries, and the hook that handles the response to it.

    A request, its copies and their resends share one ``Lineage``.
    """

    _lineage: Lineage  # made on first use, since few requests need it

    # Putting the credential on

    def put_on(self, request: Any, credential: Credential, home: str) -> None:
        """Put the credential on a request that is being prepared for ``home``, and become its hook."""
        policy = self.settled.policy
        self.home = home
        for name in policy.of_other_kinds:
            request.headers.pop(name, None)
        if not policy.put_plain(credential, request.headers):
            self.written = self.write(credential, lambda: view_of(request, None))
            self.written.put_on(request.headers)
            set_url(request, self.written.put_in(request.url))
        policy.add_extra(request.headers)
        self.credential = credential  # set last, since the report of a plugin's failure reads what this carries
        attach(request, self)

    def _carrying(self, sending: Sending) -> Hop:
        """Return a hook for a request of this lineage that carries another credential."""
        hop = Hop(self.settled, self.context)
        hop.credential, hop.written, hop.home, hop._lineage = sending.credential, sending, self.home, self.lineage
        return hop

    @property
    def lineage(self) -> Lineage:
        """What a request, its copies and their resends share."""
        lineage: Lineage = self.__dict__.get("_lineage") or self.__dict__.setdefault("_lineage", Lineage(self.sending))
        return lineage

    # What a request carries

    def _known(self) -> tuple[Sending, ...]:
        """Return what may be on the request: this credential, or a newer one from another thread."""
        return self.sending, *self.lineage.sendings()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the credential's headers; none before there is a credential."""
        known = self._known() if hasattr(self, "credential") else ()
        return tuple(dict.fromkeys(name for each in known for name in each.names))

    @property
    def further(self) -> dict[str, str]:
        """The connector's additional headers that were put on, with their values."""
        return {name: value for name, value, _ in self.policy.extra}

    def is_ours(self, value: str) -> bool:
        """Return whether a header's value was put there."""
        return any(each.is_ours(value) for each in self._known())

    def bare(self, url: str) -> str:
        """Return the URL without the credential."""
        for each in self._known():
            url = each.bare(url)
        return url

    def url_elsewhere(self, url: Any) -> Any:
        """Return the URL of another origin, or an error to be raised if it contains the credential."""
        url = self.bare(url) if isinstance(url, str) else url
        if self._is_said_in(str(url)):
            return says_it(self.policy.slug, self.context)
        return url

    def _is_said_in(self, url: str) -> bool:
        return any(each.is_said_in(url) for each in self._known())

    def for_copy(self) -> Hop:
        """Return what a copy of the request carries: the same credential, until its URL changes."""
        return self._carrying(self.sending)

    def url_at_home(self, request: Any, url: str, *, is_redirect: bool) -> str:
        """Return what ``url`` becomes at the same origin. On a redirect, the newest credential is put on."""
        if not is_redirect:
            return self.sending.put_in(self.bare(url)) if self._is_on(request) else url
        hop = self._carrying(self.lineage.newest)
        hop.is_redirected = True
        if self._is_partly_on(request):
            self._replace(request, hop.sending)
            url = hop.sending.put_in(url)
        attach(request, hop)
        return url

    def _is_partly_on(self, request: Any) -> bool:
        """Return whether a credential of this lineage is on the request. If its owner has removed it, it stays off."""
        is_in_headers = len(without(request.headers, self)) < len(request.headers)
        return is_in_headers or self.bare(request.url) != request.url

    def _replace(self, request: Any, sending: Sending) -> None:
        headers = without(request.headers, self)
        sending.put_on(headers)
        put_headers(request, headers, sending)
        set_url(request, sending.put_in(self.bare(request.url)))

    # The response

    def __call__(self, response: Any, **how: Any) -> Any:
        """Handle a response, as a response hook. Nearly all are ordinary ones that need nothing."""
        settled = self.settled
        if response.status_code < settled.ordinary_below and not self.is_redirected:
            try:
                if id(response.connection) in settled.seen:
                    return response
            except AttributeError:  # a test double's response has none
                pass
        return self._examined(response, how)

    def _examined(self, response: Any, how: Any) -> Any:
        was_redirected, self.is_redirected = self.is_redirected, False
        if not was_redirected:
            self.lineage.has_resent = False
        self._look_for_conflict(response, was_redirected=was_redirected)
        response.url = self.bare(str(response.url))
        is_remarkable = self.is_watched or response.status_code >= self.policy.unremarkable_below
        if is_remarkable and not is_from_cache(response):
            response = self._handled(response, how, was_redirected=was_redirected)
        if response.status_code >= 300 and response.is_redirect:
            if not (ensure_watched(response.request) or self.is_at_home_in(target_of(response))):
                # An adapter or another auth object has replaced the request by one that does not watch its URL.
                del response.headers["location"]
            else:
                self.check_target(response)
                self._note_redirect(response)
        note_sent(response.request)
        return response

    def _look_for_conflict(self, response: Any, *, was_redirected: bool) -> None:
        adapter = getattr(response, "connection", None)
        is_new = adapter is not None and not self.has_looked_at(adapter)
        if is_new or is_from_cache(response):
            look_for_conflict(self.xkit.directory, response)
        if (is_new or response.status_code == 401) and not (was_redirected or is_from_cache(response)):
            self._check_for_replacement(response.request)

    def _check_for_replacement(self, request: Any) -> None:
        is_ours = carried_by(request) is not None  # and not made by a recorder from a stored one
        if is_ours and self.is_at_home_in(request.url):
            for name in self.names:
                value = request.headers.get(name)
                value = value.decode("latin-1") if isinstance(value, bytes) else value
                if value is not None and not self.is_ours(value):
                    self.warn_of_another(name)

    def _note_redirect(self, response: Any) -> None:
        if not response.is_redirect or is_from_cache(response) or not self._is_on(response.request):
            return
        target = target_of(response)
        if not self.is_at_home_in(target):
            self.note_redirected(target)

    def check_target(self, response: Any) -> None:
        """Remove a redirect's target if it contains the credential, so that the caller gets this response.

        A target that contains it exactly as it was put into the URL is kept without it.
        """
        target = self.bare(response.headers["location"])
        if self._is_said_in(target):
            del response.headers["location"]
        else:
            response.headers["location"] = target

    def _handled(self, response: Any, how: Any, *, was_redirected: bool) -> Any:
        request = response.request
        try:
            if not self.is_at_home_in(getattr(request, "url", None)):
                return response
            if self._is_on(request):
                return self._judged(response, how)
            if was_redirected and self._netrc_replaced_it(response) and self._can_send_again(response):
                # With the first credential, since it was not rejected: the newest may be of another account.
                return self._resend(response, how, self.write(self.credential, lambda: view_of(request, self)))
        except XkitAuthError as error:
            self._attach_response(error, response)
            raise
        return response

    def _is_on(self, request: Any) -> bool:
        return any(each.is_on(request.headers, request.url) for each in self._known())

    def _netrc_replaced_it(self, response: Any) -> bool:
        """Return whether a login from netrc replaced the credential: on a redirect, requests reads netrc anyway."""
        if response.status_code != 401 or self.lineage.has_resent or "Authorization" not in self.names:
            return False
        if not str(response.request.headers.get("Authorization", "")).startswith("Basic "):
            return False
        self.xkit.directory.warn_once(
            "An entry in netrc replaced the credential on a redirect within"
            f" {origin_of(self.home)}; the request was sent again with the right one."
            " Set trust_env=False on the session to keep netrc out."
        )
        return True

    def _judged(self, response: Any, how: Any) -> Any:
        policy, credential = self.policy, self.credential
        view = self._response_view(response, how)
        if self.lineage.has_resent:
            judgement = policy.judge(credential, view)
            if judgement.verdict is not Verdict.ACCEPTED or self.is_proof(view):
                self.note(Tell(credential, judgement, final=judgement.verdict in ASKS_AGAIN))
            return response
        request = response.request
        flow = after_answer(
            policy,
            credential,
            view,
            lambda: view_of(request, self),
            is_whole_again=lambda: self._can_send_again(response),
            is_proof=self.is_proof,
        )
        step = next(flow, None)
        while step is not None:
            if isinstance(step, Fetch):
                self.note_rejected(step)
                step = self.after_fetch(flow, step, self.fetch(step.rejected))
            elif isinstance(step, Send):
                response = self._resend(response, how, step.sending)
                step = advance(flow, None if is_from_cache(response) else self._response_view(response, how))
            else:
                self.note(step)
                step = advance(flow, None)
        return response

    def _can_send_again(self, response: Any) -> bool:
        return getattr(response, "connection", None) is not None and rewound(response.request)

    def _resend(self, refused: Any, how: Any, sending: Sending) -> Any:
        request = refused.request
        truncate(refused)
        again = request.copy()
        self.lineage.add(sending)  # before it is on a request, so that other threads recognize it as ours
        # The request itself gets it, too: its owner may send it again. Redirect hops take the newest of the lineage.
        for each in (again, request):
            self._replace(each, sending)
            attach(each, self._carrying(sending))
        self.lineage.has_resent = True
        self.note_resent(sending.credential)
        start = time.perf_counter()
        response = refused.connection.send(again, **how)
        response.url = self.bare(str(response.url))
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history.append(refused)
        return response

    # Views and errors

    def _response_view(self, response: Any, how: Any) -> ResponseView:
        is_read_anyway = not how.get("stream")
        wanted = is_read_anyway and self.policy.wants_body(response.status_code, response.headers)
        body = response.content if wanted else None
        return answer_view(response.status_code, response.headers, body, view_of(response.request, self))

    def _attach_response(self, error: XkitAuthError, response: Any) -> None:
        truncate(response)
        self.explain(error)
        for each in (response, *response.history):
            each.raw = None  # urllib3's response holds the URL; the body has been read
            each.request = redacted(each.request, self.names)
            if self._is_said_in(str(each.request.url)):
                each.request.url = f"{self.home}/{MASK}"
        error.response = response


class Lineage:
    """What a request, its copies and their resends share: the credentials that were put on them, and who has resent."""

    __slots__ = ("_sendings", "_spent_by")

    def __init__(self, first: Sending) -> None:
        self._sendings = [first]
        self._spent_by: set[int] = set()

    @property
    def has_resent(self) -> bool:
        """Whether this thread has used its one resend: other threads may be sending the same request."""
        return threading.get_ident() in self._spent_by

    @has_resent.setter
    def has_resent(self, value: bool) -> None:
        (self._spent_by.add if value else self._spent_by.discard)(threading.get_ident())

    def sendings(self) -> tuple[Sending, ...]:
        """Return what was put on these requests lately, the newest last."""
        return tuple(self._sendings)

    @property
    def newest(self) -> Sending:
        """What was put on most recently."""
        return self._sendings[-1]

    def add(self, sending: Sending) -> None:
        """Record what is about to be put on."""
        self._sendings.append(sending)
        del self._sendings[:-_MOST_SENDINGS]
