"""The response hook of requests: each answer, each hop of a redirect, and each resend passes through here.

requests shares the ``hooks`` of a request with every copy that is made of it, and a redirect is followed with a copy.
So what a hook has sent never changes, and a dictionary of hooks is never changed at all: a request that needs another
hook gets a dictionary of its own.
"""

from __future__ import annotations

import time
import weakref
from datetime import timedelta
from typing import Any

from requests.cookies import extract_cookies_to_jar

from ._auth import Trip
from ._errors import XkitAuthError
from ._flow import ASKS_AGAIN, Fetch, Send, Tell, advance, after_answer
from ._model import Credential, ResponseView
from ._origin import origin_of
from ._policy import Sending, answer_view
from ._requests_parts import cut, rewound, stays_at_origin, stop_withholding, view_of, withhold
from ._text import MASK

_NO_HOOKS: dict[str, list[Any]] = {"response": []}


class Guard:
    """Keeps the headers that carry a credential from other origins. This is also what remains of a hook in a pickle.

    The copy that follows a redirect gets a hook that knows the request it ``came_from``, whether this send has used up
    its one resend, and whether it has left the origin.
    """

    # Only a request that is redirected needs these: what is not set costs the others nothing.
    _came_from: weakref.ref[Any] | None = None
    _follows: weakref.ref[Any] | None = None
    _is_spent = False
    _has_left = False

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers."""
        return self._names

    def hang_on(self, request: Any) -> None:
        """Be the request's hook, in place of an earlier one of ours."""
        if request.hooks == _NO_HOOKS:  # as nearly always
            request.hooks = {"response": [self]}
        else:
            request.hooks = {**request.hooks, "response": [self, *_hooks_of_others(request)]}

    @staticmethod
    def take_off(request: Any) -> None:
        """Let the request go without a hook of ours."""
        request.hooks = {**request.hooks, "response": _hooks_of_others(request)}

    def __call__(self, response: Any, **how: Any) -> Any:
        """Called by requests for each answer; ``how`` is what it takes to send the request again."""
        request = response.request
        is_new_send = self._came_from is None or self._is_sent_anew(request, self._came_from())
        response = self._seen(response, how, is_new_send)
        if response.status_code >= 300 and response.is_redirect:
            carried = _hook_of(response.request) or self
            carried._before_redirect(
                request,
                response,
                is_spent=bool(response.history) or (self._is_spent and not is_new_send),
                has_left=self._has_left and not is_new_send,
            )
        return response

    def _seen(self, response: Any, _how: Any, _is_new_send: bool) -> Any:
        return response

    def _is_sent_anew(self, request: Any, parent: Any) -> bool:
        """Whether somebody has sent this request, or a copy of it, by hand; if not, it follows a redirect.

        ``parent`` is the request that was redirected, if it is still there.
        """
        if parent is not None:
            stop_withholding(parent)
        if parent is request or (self._follows is not None and self._follows() is request):
            return True  # the request that was redirected, or one that has followed already
        if parent is not None and self._has_left and origin_of(str(request.url)) == origin_of(str(parent.url)):
            return True  # the redirect led away from here, so this is another copy of the one that was redirected
        self._follows = weakref.ref(request)
        return False

    def _before_redirect(self, request: Any, response: Any, *, is_spent: bool, has_left: bool) -> None:
        """Prepare ``request`` for being copied into the next hop: other origins must not get the credential."""
        following = self._successor()
        following._came_from = weakref.ref(request)
        following._is_spent = is_spent
        following._has_left = has_left or not stays_at_origin(request, response)
        following.hang_on(request)
        if following._has_left:
            withhold(request, self.names)
            self._clear_target(response)

    def _clear_target(self, response: Any) -> None:
        """Take out of the redirect's target what must not go there."""

    def _successor(self) -> Guard:
        return Guard(self.names)

    def __repr__(self) -> str:
        return f"<xkit-auth hook for {', '.join(self.names)}>"

    def __deepcopy__(self, _memo: object) -> Guard:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # requests pickles a response with the hooks of its request, which still holds the header.
        return Guard, (self.names,)


class Hop(Trip, Guard):
    """What one request carries, and what follows from the answer to it."""

    def put_on(self, request: Any, credential: Credential) -> None:
        """Put the credential on a request that is being prepared, and be its hook."""
        policy = self.settled.policy
        if policy.writes_url:
            before = _hook_of(request)
            if isinstance(before, Hop) and before.written is not None:  # auth is applied to this request once more
                request.url = before.written.bare(request.url)
        if not policy.put_plain(credential, request.headers):
            self.written = self.write(credential, lambda: view_of(request, None))
            _write_on(request, self.written)
        self.credential = credential
        if policy.extra:
            policy.add_extra(request.headers)
        self.hang_on(request)

    def carrying(self, sending: Sending) -> Hop:
        """The hook of the same trip for a request that carries this."""
        hop = Hop(self.settled, self.context)
        hop.credential, hop.written = sending.credential, sending
        return hop

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers; none before there is a credential."""
        return self.sending.names if hasattr(self, "credential") else ()

    def _successor(self) -> Guard:
        return self.carrying(self.sending)

    def _clear_target(self, response: Any) -> None:
        if self.sending.in_url is not None:  # a provider may say the URL back
            response.headers["location"] = self.sending.bare(response.headers["location"])

    # The answer

    def __call__(self, response: Any, **how: Any) -> Any:
        """Called by requests for each answer. Nearly all are ordinary ones, to which there is nothing to do."""
        settled, adapter = self.settled, getattr(response, "connection", None)
        if response.status_code < settled.ordinary_below and self._came_from is None and id(adapter) in settled.seen:
            return response
        return super().__call__(response, **how)

    def _seen(self, response: Any, how: Any, is_new_send: bool) -> Any:
        policy, adapter = self.policy, getattr(response, "connection", None)
        response.url = self.sending.bare(response.url)
        if not self.has_looked_at(adapter):
            _look_for_conflict(self, adapter)
        if response.status_code < policy.unremarkable_below or not policy.allows(str(response.request.url)):
            return response
        return self._answered(response, how, is_new_send)

    def _answered(self, response: Any, how: Any, is_new_send: bool) -> Any:
        request = response.request
        try:
            if self._is_carried_by(request):
                return self._judged(response, how, may_resend=is_new_send or not self._is_spent)
            if response.status_code != 401 or not self._can_send_again(response):
                return response
            if is_new_send and self._was_withheld(request):
                response = self._sent_again(response, how, self.fetch())
                mine = _hook_of(response.request)
                assert isinstance(mine, Hop)
                return mine._judged(response, how, may_resend=True)  # nothing of ours was refused before
            if not is_new_send and (self._was_lost(request) or self._was_replaced(request)):
                return self._sent_again(response, how, self.fetch())
        except XkitAuthError as error:
            self._blame(error, response)
            raise
        return response

    def _was_withheld(self, request: Any) -> bool:
        """Whether a copy lacks the credential because it was made when a redirect was about to lead elsewhere."""
        return self._has_left and not any(name in request.headers for name in self.names)

    def _is_carried_by(self, request: Any) -> bool:
        if self.sending.is_on(request.headers, request.url):
            return True
        # Another thread that sent the same request has put a newer credential on it in the meantime.
        current = _hook_of(request)
        return isinstance(current, Hop) and current is not self and current.sending.is_on(request.headers, request.url)

    def _judged(self, response: Any, how: Any, *, may_resend: bool) -> Any:
        request, policy, credential = response.request, self.policy, self.credential
        answer = self._answer_view(response, how)
        if not may_resend:
            judgement = policy.judge(credential, answer)
            self.note(Tell(credential, judgement, final=judgement.verdict in ASKS_AGAIN))
            return response
        life = after_answer(
            policy,
            credential,
            answer,
            lambda: view_of(request, self.sending),
            replayable=self._can_send_again(response),
        )
        try:
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
        except XkitAuthError as error:
            self._blame(error, response)
            raise
        return response

    def _can_send_again(self, response: Any) -> bool:
        return getattr(response, "connection", None) is not None and rewound(response.request)

    def _sent_again(self, refused: Any, how: Any, what: Sending | Credential) -> Any:
        request, before = refused.request, self.sending
        cut(refused)
        sending = what if isinstance(what, Sending) else self.write(what, lambda: view_of(request, before))
        again = request.copy()
        if again._cookies is not None:
            extract_cookies_to_jar(again._cookies, request, refused.raw)
            again.prepare_cookies(again._cookies)
        # The request itself, too: the hops of a redirect are made of it, and its owner may send it again. The header
        # goes before the hook: who sees the new hook must not send the old header.
        for each in (again, request):
            for name in {*before.names} - {*sending.names}:  # a plugin may name other headers this time
                each.headers.pop(name, None)
            each.url = before.bare(each.url)
            _write_on(each, sending)
            self.carrying(sending).hang_on(each)
        self.note_resent(sending.credential)
        start = time.perf_counter()
        response = refused.connection.send(again, **how)
        response.url = sending.bare(response.url)
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history.append(refused)
        return response

    def _was_lost(self, request: Any) -> bool:
        """Whether a redirect within the origin led to a URL without the credential that was in it."""
        in_url = self.sending.in_url
        return in_url is not None and not self._has_left and not in_url.is_in(request.url)

    def _was_replaced(self, request: Any) -> bool:
        """Whether netrc took the credential's place: on a redirect requests looks there, even if there is an auth."""
        if self._has_left or self._is_spent or "Authorization" not in self.names:
            return False
        if not str(request.headers.get("Authorization", "")).startswith("Basic "):
            return False
        self.xkit.directory.warn_once(
            "An entry in netrc replaced the credential on a redirect within"
            f" {origin_of(str(request.url))}; the request was sent again with the right one."
            " Set trust_env=False on the session to keep netrc out."
        )
        return True

    # Views and errors

    def _answer_view(self, response: Any, how: Any) -> ResponseView:
        is_read_anyway = not how.get("stream")
        wanted = is_read_anyway and self.policy.wants_body(response.status_code, response.headers)
        body = response.content if wanted else None
        view = view_of(response.request, self.sending)
        return answer_view(response.status_code, response.headers, body, view)

    def _blame(self, error: XkitAuthError, response: Any) -> None:
        if error.response is not None:  # blamed already, on an answer that came later
            return
        cut(response)
        self.explain(error)
        for each in (response, *response.history):
            request = each.request.copy()
            for name in self.names:
                if name in request.headers:
                    request.headers[name] = MASK
            request.url = self.sending.bare(request.url)
            each.request = request
        error.response = response


def _write_on(request: Any, sending: Sending) -> None:
    sending.put_on(request.headers)
    if sending.in_url is not None:
        request.url = sending.in_url.put_in(request.url)


def _hooks_of_others(request: Any) -> list[Any]:
    return [hook for hook in request.hooks.get("response", ()) if not isinstance(hook, Guard)]


def _hook_of(request: Any) -> Guard | None:
    return next((hook for hook in request.hooks.get("response", ()) if isinstance(hook, Guard)), None)


def _look_for_conflict(trip: Trip, adapter: Any) -> None:
    retries = getattr(adapter, "max_retries", None)
    if 401 in (getattr(retries, "status_forcelist", None) or ()):
        trip.xkit.directory.warn_once(
            "The session's urllib3.Retry repeats requests that were answered with 401, with the same credential, and"
            " raises RetryError before a new one can be fetched. Take 401 out of its status_forcelist."
        )
