"""The response hook of requests: what follows from the answer to one hop.

requests calls the hooks that a request had when it was sent, so a hook knows what was on its way even if another thread
has put something newer on the same request since. What one has sent never changes.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from requests.cookies import extract_cookies_to_jar

from ._auth import Trip
from ._errors import HostNotAllowed, XkitAuthError
from ._flow import ASKS_AGAIN, Fetch, Send, Tell, advance, after_answer
from ._model import Credential, ResponseView
from ._origin import origin_of
from ._policy import Sending, answer_view
from ._requests_home import AWAY, Carried, carried_by, hang_on, redacted
from ._requests_parts import cut, look_for_conflict, rewound, view_of
from ._text import MASK


class Hop(Trip, Carried):
    """What one request carries, and what follows from the answer to it.

    A request, its copies, and what is sent again instead of them are one line: they share their ``Line``.
    """

    # Few requests need these: what is not set costs the others nothing.
    _line: Line
    _is_copy = False
    _follows_redirect = False
    _is_answered = False

    # Putting it on

    def put_on(self, request: Any, credential: Credential, home: str) -> None:
        """Put the credential on a request that is being prepared for ``home``, and be its hook."""
        policy = self.settled.policy
        self.home = home
        if policy.of_other_kinds:
            for name in policy.of_other_kinds:
                request.headers.pop(name, None)
        if not policy.put_plain(credential, request.headers):
            self.written = self.write(credential, lambda: view_of(request, None))
            _write_on(request, self.written)
        self.credential = credential
        if policy.extra:
            policy.add_extra(request.headers)
        hang_on(request, self)

    def _carrying(self, sending: Sending) -> Hop:
        """The same for a request of this line that carries something else."""
        hop = Hop(self.settled, self.context)
        hop.credential, hop.written, hop.home, hop._line = sending.credential, sending, self.home, self.line
        return hop

    @property
    def line(self) -> Line:
        """What the requests of this line have in common."""
        line: Line = self.__dict__.get("_line") or self.__dict__.setdefault("_line", Line())
        return line

    # What a request carries

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers; none before there is a credential."""
        return self.sending.names if hasattr(self, "credential") else ()

    def bare(self, url: str) -> str:
        """The URL without the credential."""
        return self.sending.bare(url)

    def elsewhere(self, url: Any) -> Any:
        """The URL of another origin, which must not have the credential in it."""
        url = self.bare(url) if isinstance(url, str) else url
        if self.sending.is_said_in(str(url)):
            raise HostNotAllowed(
                "The URL is of another origin and has the credential in it",
                connector=self.policy.slug,
                context=self.context,
                hint="Nothing was sent there. Do not build URLs of other hosts from those that carried the credential.",
            )
        return url

    def of_copy(self) -> Hop:
        """What a copy of the request carries: the same, until it goes on."""
        hop = self._carrying(self.sending)
        hop._is_copy = True
        return hop

    def on_the_way(self, request: Any, url: str) -> str:
        """A copy follows a redirect within the origin: with the newest credential of the line."""
        hop, newest = self, self.line.newest
        if self._is_copy:
            hop = self._carrying(newest or self.sending)
            hop._follows_redirect = True
            if newest is not None and newest is not self.sending:
                _replace(request, self.sending, newest)
            hang_on(request, hop)
        in_url = hop.sending.in_url
        return url if in_url is None else in_url.put_in(url)

    # The answer

    def __call__(self, response: Any, **how: Any) -> Any:
        """Called by requests for each answer. Nearly all are ordinary ones, to which there is nothing to do."""
        settled = self.settled
        if response.status_code < settled.ordinary_below and id(getattr(response, "connection", None)) in settled.seen:
            return response
        return self._looked_at(response, how)

    def _looked_at(self, response: Any, how: Any) -> Any:
        policy = self.policy
        carried = carried_by(response.request)
        if carried is None or carried is AWAY:
            return response  # not an answer to what this hop has sent
        if not self.has_looked_at(getattr(response, "connection", None)):
            look_for_conflict(self.xkit.directory, response)
        if not self._follows_redirect or self._is_answered:
            self.line.is_spent = False  # a send of its own
        self._is_answered = True
        response.url = self.sending.bare(response.url)
        if response.status_code >= policy.unremarkable_below and policy.allows(str(response.request.url)):
            response = self._answered(response, how)
        if response.status_code >= 300 and response.is_redirect:
            _look_at_target(response, self.line.newest or self.sending)
        return response

    def _answered(self, response: Any, how: Any) -> Any:
        try:
            if self._is_carried_by(response.request):
                return self._judged(response, how)
            if response.status_code == 401 and self._was_replaced(response.request) and self._can_send_again(response):
                # With what it began with, since nothing of ours was refused: the newest may be another account's.
                again = self.write(self.credential, lambda: self._view(response.request))
                return self._sent_again(response, how, again)
        except XkitAuthError as error:
            self._blame(error, response)
            raise
        return response

    def _is_carried_by(self, request: Any) -> bool:
        if self.sending.is_on(request.headers, request.url):
            return True
        # Another thread that sent the same request has put a newer credential on it in the meantime.
        current = carried_by(request)
        return isinstance(current, Hop) and current is not self and current.sending.is_on(request.headers, request.url)

    def _was_replaced(self, request: Any) -> bool:
        """Whether netrc took the credential's place: on a redirect requests looks there, even if there is an auth."""
        if not self._follows_redirect or self.line.is_spent or "Authorization" not in self.names:
            return False
        if not str(request.headers.get("Authorization", "")).startswith("Basic "):
            return False
        self.xkit.directory.warn_once(
            "An entry in netrc replaced the credential on a redirect within"
            f" {origin_of(self.home)}; the request was sent again with the right one."
            " Set trust_env=False on the session to keep netrc out."
        )
        return True

    def _judged(self, response: Any, how: Any) -> Any:
        policy, credential = self.policy, self.credential
        answer = self._answer_view(response, how)
        if self.line.is_spent:
            judgement = policy.judge(credential, answer)
            self.note(Tell(credential, judgement, final=judgement.verdict in ASKS_AGAIN))
            return response
        request = response.request
        life = after_answer(
            policy, credential, answer, lambda: self._view(request), replayable=self._can_send_again(response)
        )
        step = next(life, None)
        while step is not None:
            if isinstance(step, Fetch):
                self.note_rejected(step)
                step = advance(life, self.fetch(step.rejected))
            elif isinstance(step, Send):
                response = self._sent_again(response, how, step.sending)
                step = advance(life, self._answer_view(response, how))
            else:
                self.note(step)
                step = advance(life, None)
        return response

    def _can_send_again(self, response: Any) -> bool:
        return getattr(response, "connection", None) is not None and rewound(response.request)

    def _sent_again(self, refused: Any, how: Any, sending: Sending) -> Any:
        request = refused.request
        cut(refused)
        again = request.copy()
        if again._cookies is not None:
            extract_cookies_to_jar(again._cookies, request, refused.raw)
            again.prepare_cookies(again._cookies)
        # The request itself, too: its owner may send it again. The hops of a redirect take what is newest in the line.
        for each in (again, request):
            _replace(each, self.sending, sending)
            hop = self._carrying(sending)
            hop._follows_redirect = self._follows_redirect
            hang_on(each, hop)
        self.line.newest, self.line.is_spent = sending, True
        self.note_resent(sending.credential)
        start = time.perf_counter()
        response = refused.connection.send(again, **how)
        response.url = sending.bare(response.url)
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history.append(refused)
        return response

    # Views and errors

    def _view(self, request: Any) -> Any:
        return view_of(request, self.sending)

    def _answer_view(self, response: Any, how: Any) -> ResponseView:
        is_read_anyway = not how.get("stream")
        wanted = is_read_anyway and self.policy.wants_body(response.status_code, response.headers)
        body = response.content if wanted else None
        return answer_view(response.status_code, response.headers, body, self._view(response.request))

    def _blame(self, error: XkitAuthError, response: Any) -> None:
        if error.response is not None:  # blamed already, on an answer that came later
            return
        cut(response)
        self.explain(error)
        for each in (response, *response.history):
            each.request = redacted(each.request, self.names)
            if self.sending.is_said_in(each.request.url):
                each.request.url = f"{self.home}/{MASK}"
        error.response = response


class Line:
    """What a request, its copies and what is sent again have in common.

    Attributes:
        newest: what was put on one of them last, if not what the first one carried.
        is_spent: whether this send has used up its one resend.
    """

    __slots__ = ("is_spent", "newest")

    def __init__(self) -> None:
        self.newest: Sending | None = None
        self.is_spent = False


def _write_on(request: Any, sending: Sending) -> None:
    sending.put_on(request.headers)
    if sending.in_url is not None:
        request.__dict__["url"] = sending.in_url.put_in(request.url)


def _replace(request: Any, before: Sending, sending: Sending) -> None:
    for name in {*before.names} - {*sending.names}:  # a plugin may name other headers this time
        request.headers.pop(name, None)
    request.__dict__["url"] = before.bare(request.url)
    _write_on(request, sending)


def _look_at_target(response: Any, sending: Sending) -> None:
    """A provider may say the credential back: a redirect that still does so without our part of it is not followed."""
    target = sending.bare(response.headers["location"])
    if sending.is_said_in(target):
        del response.headers["location"]  # so that this answer is the caller's
    else:
        response.headers["location"] = target
