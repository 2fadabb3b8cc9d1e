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
from ._policy import Sending
from ._requests_parts import cut, rewound, small_json, stays_at_origin, stop_withholding, view_of, withhold
from ._text import MASK


class Hop:
    """What one request carries, and what follows from the answer to it.

    The copy that follows a redirect gets a hook that knows the request it ``came_from``, whether this send has used up
    its one resend, and whether it has left the origin.
    """

    __slots__ = ("_came_from", "_follows", "_has_left", "_is_spent", "_sending", "_trip", "credential", "names")

    def __init__(self, trip: Trip | None, credential: Credential | None, names: tuple[str, ...] = ()) -> None:
        self._trip = trip
        self.credential = credential
        self.names = names
        self._sending: Sending | None = None
        self._came_from: weakref.ref[Any] | None = None
        self._follows: weakref.ref[Any] | None = None
        self._is_spent = False
        self._has_left = False

    @classmethod
    def put_on(cls, request: Any, trip: Trip, credential: Credential) -> None:
        """Put the credential on a request that is being prepared, and the hook beside it."""
        single = trip.policy.single
        if single is not None and credential.is_plain:
            name, prefix, suffix = single
            hop = cls(trip, credential, (name,))
            request.headers[name] = prefix + credential.reveal() + suffix
        else:
            hop = cls(trip, credential)
            hop.use(hop.written(credential, request), request)
            trip.policy.add_extra(request.headers)
        hop.hang_on(request)

    def written(self, credential: Credential, request: Any) -> Sending:
        """The headers for a credential on this request."""
        assert self._trip is not None
        try:
            return self._trip.policy.write(credential, lambda: view_of(request, self.names))
        except XkitAuthError as error:
            self._trip.explain(error)
            raise

    def use(self, sending: Sending, request: Any) -> None:
        """Let a new hook be the one for these headers, and put them on the request."""
        self._sending, self.names = sending, sending.names
        sending.put_on(request.headers)

    def hang_on(self, request: Any) -> None:
        """Be the request's hook, in place of an earlier one of ours."""
        request.hooks = {**request.hooks, "response": [self, *_hooks_of_others(request)]}

    @staticmethod
    def take_off(request: Any) -> None:
        """Let the request go without a hook of ours."""
        request.hooks = {**request.hooks, "response": _hooks_of_others(request)}

    @property
    def _sent(self) -> Sending:
        if self._sending is None:
            assert self._trip is not None
            assert self.credential is not None
            # Only a template is written late, and a template does not look at the request.
            self._sending = self._trip.policy.write(self.credential, _no_view)
        return self._sending

    # The answer

    def __call__(self, response: Any, **how: Any) -> Any:
        """Called by requests for each answer; ``how`` is what it takes to send the request again."""
        request, trip = response.request, self._trip
        is_new_send = self._is_sent_anew(request)
        if trip is not None:
            _look_for_conflict(trip, getattr(response, "connection", None))
            if response.status_code >= trip.policy.unremarkable_below and trip.policy.allows(str(request.url)):
                response = self._answered(trip, response, how, is_new_send)
        if response.is_redirect:
            carried = _hop_of(response.request) or self
            carried._before_redirect(
                request,
                response,
                is_spent=bool(response.history) or (self._is_spent and not is_new_send),
                has_left=self._has_left and not is_new_send,
            )
        return response

    def _is_sent_anew(self, request: Any) -> bool:
        """Whether somebody has sent this request, or a copy of it, by hand; if not, it follows a redirect."""
        if self._came_from is None:
            return True
        parent = self._came_from()
        if parent is not None:
            stop_withholding(parent)
        if parent is request or (self._follows is not None and self._follows() is request):
            return True  # the request that was redirected, or one that has followed already
        if parent is not None and self._has_left and origin_of(str(request.url)) == origin_of(str(parent.url)):
            return True  # the redirect led away from here, so this is another copy of the one that was redirected
        self._follows = weakref.ref(request)
        return False

    def _answered(self, trip: Trip, response: Any, how: Any, is_new_send: bool) -> Any:
        request = response.request
        try:
            if self._is_carried_by(request):
                return self._judged(trip, response, how, may_resend=is_new_send or not self._is_spent)
            if response.status_code != 401 or not self._can_send_again(response):
                return response
            if is_new_send and self._was_withheld(request):
                response = self._sent_again(response, how, trip.fetch())
                mine = _hop_of(response.request) or self
                return mine._judged(trip, response, how, may_resend=True)  # nothing of ours was refused before
            if not is_new_send and self._was_replaced(trip, request):
                return self._sent_again(response, how, trip.fetch())
        except XkitAuthError as error:
            self._blame(trip, error, response)
            raise
        return response

    def _was_withheld(self, request: Any) -> bool:
        """Whether a copy lacks the credential because it was made when a redirect was about to lead elsewhere."""
        return self._has_left and not any(name in request.headers for name in self.names)

    def _is_carried_by(self, request: Any) -> bool:
        if self._sent.is_on(request.headers):
            return True
        # Another thread that sent the same request has put a newer credential on it in the meantime.
        current = _hop_of(request)
        return current is not None and current is not self and current._sent.is_on(request.headers)

    def _judged(self, trip: Trip, response: Any, how: Any, *, may_resend: bool) -> Any:
        request = response.request
        assert self.credential is not None
        answer = self._answer_view(trip, response, how)
        if not may_resend:
            judgement = trip.policy.judge(self.credential, answer)
            trip.note(Tell(self.credential, judgement, final=judgement.verdict in ASKS_AGAIN))
            return response
        life = after_answer(
            trip.policy,
            self.credential,
            answer,
            lambda: view_of(request, self.names),
            replayable=self._can_send_again(response),
        )
        try:
            step = next(life, None)
            while step is not None:
                if isinstance(step, Fetch):
                    trip.note_rejected(step)
                    step = advance(life, trip.fetch(step.rejected))
                elif isinstance(step, Send):
                    response = self._sent_again(response, how, step.sending)
                    step = advance(life, self._answer_view(trip, response, how))
                else:
                    trip.note(step)
                    step = advance(life, None)
        except XkitAuthError as error:
            self._blame(trip, error, response)
            raise
        return response

    def _can_send_again(self, response: Any) -> bool:
        return getattr(response, "connection", None) is not None and rewound(response.request)

    def _sent_again(self, refused: Any, how: Any, what: Sending | Credential) -> Any:
        assert self._trip is not None
        request = refused.request
        cut(refused)
        sending = what if isinstance(what, Sending) else self.written(what, request)
        again = request.copy()
        if again._cookies is not None:
            extract_cookies_to_jar(again._cookies, request, refused.raw)
            again.prepare_cookies(again._cookies)
        # The request itself, too: the hops of a redirect are made of it, and its owner may send it again. The header
        # goes before the hook: who sees the new hook must not send the old header.
        for each in (again, request):
            for name in {*self.names} - {*sending.names}:  # a plugin may name other headers this time
                each.headers.pop(name, None)
            hop = Hop(self._trip, sending.credential)
            hop.use(sending, each)
            hop.hang_on(each)
        self._trip.note_resent(sending.credential)
        start = time.perf_counter()
        response = refused.connection.send(again, **how)
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history.append(refused)
        return response

    def _was_replaced(self, trip: Trip, request: Any) -> bool:
        """Whether netrc took the credential's place: on a redirect requests looks there, even if there is an auth."""
        if self._has_left or self._is_spent or "Authorization" not in self.names:
            return False
        if not str(request.headers.get("Authorization", "")).startswith("Basic "):
            return False
        trip.xkit.directory.warn_once(
            "An entry in netrc replaced the credential on a redirect within"
            f" {origin_of(str(request.url))}; the request was sent again with the right one."
            " Set trust_env=False on the session to keep netrc out."
        )
        return True

    def _before_redirect(self, request: Any, response: Any, *, is_spent: bool, has_left: bool) -> None:
        """Prepare ``request`` for being copied into the next hop: other origins must not get the credential."""
        following = Hop(self._trip, self.credential, self.names)
        following._sending = self._sending
        following._came_from = weakref.ref(request)
        following._is_spent = is_spent
        following._has_left = has_left or not stays_at_origin(request, response)
        following.hang_on(request)
        if following._has_left:
            withhold(request, self.names)

    # Views and errors

    def _answer_view(self, trip: Trip, response: Any, how: Any) -> ResponseView:
        is_read_anyway = not how.get("stream")
        wanted = is_read_anyway and trip.policy.wants_body(response.status_code, response.headers)
        return ResponseView(
            status=response.status_code,
            headers=response.headers,
            json=small_json(response) if wanted else None,
            request=view_of(response.request, self.names),
        )

    def _blame(self, trip: Trip, error: XkitAuthError, response: Any) -> None:
        if error.response is not None:  # blamed already, on an answer that came later
            return
        cut(response)
        trip.explain(error)
        for each in (response, *response.history):
            request = each.request.copy()
            for name in self.names:
                if name in request.headers:
                    request.headers[name] = MASK
            each.request = request
        error.response = response

    def __repr__(self) -> str:
        return f"<xkit-auth hook for {', '.join(self.names)}>"

    def __deepcopy__(self, _memo: object) -> Hop:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # requests pickles a response with the hooks of its request. What remains is to keep the header, which the
        # pickled request still holds, from another host.
        return Hop, (None, None, self.names)


def _hooks_of_others(request: Any) -> list[Any]:
    return [hook for hook in request.hooks.get("response", ()) if type(hook) is not Hop]


def _hop_of(request: Any) -> Hop | None:
    return next((hook for hook in request.hooks.get("response", ()) if type(hook) is Hop), None)


def _look_for_conflict(trip: Trip, adapter: Any) -> None:
    if not trip.is_first_look_at(adapter):
        return
    retries = getattr(adapter, "max_retries", None)
    if 401 in (getattr(retries, "status_forcelist", None) or ()):
        trip.xkit.directory.warn_once(
            "The session's urllib3.Retry repeats requests that were answered with 401, with the same credential, and"
            " raises RetryError before a new one can be fetched. Take 401 out of its status_forcelist."
        )


def _no_view() -> Any:
    raise AssertionError("a template does not look at the request")  # pragma: no cover
