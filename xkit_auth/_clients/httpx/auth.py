"""The auth object of httpx and httpx2, which differ only in name.

``HttpxAuth`` runs the flow of ``flow.py`` from the client's auth generator. The part after the response is written once
for both clients: it yields a ``Wait`` where it has to wait, which ``Client`` calls and ``AsyncClient`` awaits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Hashable, Iterator
from contextlib import closing
from functools import partial
from itertools import takewhile
from types import ModuleType
from typing import Any

from ..._connectors import InUrl, Policy, Sending, answer_view
from ..._values import MASK, ConfigurationError, Credential, RequestView, ResponseView, XkitAuthError, unsendable
from .. import ASKS_AGAIN, BaseAuth, Fetch, Life, Send, Trip, advance, after_answer
from .ahead import Foresight
from .body import Replay
from .mark import (
    HAS_LEFT,
    MARK,
    Carried,
    CarriedThen,
    Mark,
    chain_of,
    mark_as_left,
    origin_of_url,
    patience_of,
    responses_of_chain,
)
from .place import Place, is_from_cache
from .response import Bodies, Steps, Wait, read_before, thrown_into
from .wire import AsyncWire, Wire

_SHARED_CACHE = (
    "The client keeps responses in a cache (hishel). On one client for several users it gives one user's response"
    " to another, unless it keeps each user's apart: see \"Shared caches\" in xkit-auth's guide to serving many users."
)


class OneLibrary:
    """An auth object for one of the libraries, which a subclass names."""

    _library: ModuleType

    def __call__(self, _request: Any) -> Any:
        """Raise: only a library that this object is not for calls it, since it accepts any callable."""
        name, library = type(self).__name__, self._library.__name__
        raise ConfigurationError(
            f"This {name} is for {library}, and was given to another library",
            hint=f"Import {name} from xkit_auth.requests, xkit_auth.httpx or xkit_auth.httpx2, to fit the client.",
        )


class HttpxAuth(OneLibrary, BaseAuth):
    """The auth object for both libraries. A subclass names its library, and the class of its streams."""

    _stream_type: type[Any]

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Put the credential on, and resend a rejected hop once with a new one; called by ``Client``."""
        sent = self._sent(request)
        if sent is None:
            mark_hops_as_left((yield request), request)
            return
        credential = sent.settled.held(sent.context) or sent.fetch(None, patience_of(request))
        sent.put_on(request, credential, Wire)
        try:
            response = yield request
            if response.status_code < sent.settled.place.ordinary_below and not response.history:
                return
            with closing(self._after(sent, request, response, Wire)) as steps:
                wanted = next(steps, None)
                while wanted is not None:
                    if isinstance(wanted, Wait):
                        try:
                            outcome = wanted.in_thread()
                        except BaseException as error:
                            wanted = thrown_into(steps, error)
                            continue
                    else:
                        outcome = yield wanted
                    wanted = advance(steps, outcome)
        except BaseException as reason:
            sent.on_error(reason)
            raise
        finally:
            if sent.wire is not None:
                sent.detach_wire()

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Do what ``sync_auth_flow`` does; called by ``AsyncClient``."""
        sent = self._sent(request)
        if sent is None:
            mark_hops_as_left((yield request), request)
            return
        credential = sent.settled.held(sent.context) or await sent.afetch(None, patience_of(request))
        sent.put_on(request, credential, AsyncWire)
        try:
            response = yield request
            if response.status_code < sent.settled.place.ordinary_below and not response.history:
                return
            with closing(self._after(sent, request, response, AsyncWire)) as steps:
                wanted = next(steps, None)
                while wanted is not None:
                    if isinstance(wanted, Wait):
                        try:
                            outcome = await wanted.in_task()
                        except BaseException as error:
                            wanted = thrown_into(steps, error)
                            continue
                    else:
                        outcome = yield wanted
                    wanted = advance(steps, outcome)
        except BaseException as reason:
            sent.on_error(reason)
            raise
        finally:
            if sent.wire is not None:
                sent.detach_wire()

    def _after(self, sent: Sent, request: Any, response: Any, wire_type: type[Wire]) -> Steps[None]:
        """Handle a response that is not an ordinary one; yields requests to be sent, and each ``Wait``."""
        sent.mark_hops(request, response)
        bodies, judged = Bodies(self._library, self._stream_type), response
        try:
            judged = sent.to_be_judged(response)
            if judged is None:
                return
            flow = sent.flow(judged, (yield from bodies.peek(judged, sent.policy)))
            step = next(flow, None)
            while step is not None:
                if isinstance(step, Fetch):
                    sent.note_rejected(step)
                    yield from bodies.end_stream(response)
                    rejected, seconds = step.rejected, patience_of(request)
                    fetched = yield Wait(
                        partial(sent.fetch, rejected, seconds), partial(sent.afetch, rejected, seconds)
                    )
                    step = sent.after_fetch(flow, step, fetched)
                elif isinstance(step, Send):
                    yield from bodies.truncate(response)
                    response = yield sent.resend(step.sending, judged, response, wire_type)
                    judged = sent.to_be_judged_after_resend(response)
                    body = None if judged is None else (yield from bodies.peek(judged, sent.policy))
                    step = advance(flow, sent.view_of_second(judged, body))
                else:
                    sent.note(step)
                    step = advance(flow, None)
        except XkitAuthError as error:
            yield from bodies.truncate(response)
            sent.attach_response(error, judged or response, response)
            raise

    def _sent(self, request: Any) -> Sent | None:
        """Return the state of a request; ``None`` if it is sent without the credential."""
        earlier: Mark | None = getattr(request, MARK, None)
        if earlier is not None:
            earlier.take_off(request)
            if earlier.has_left:
                return None
        if HAS_LEFT in request.extensions:
            return None
        sent: Sent | None = self._trip(_origin_key(request.url), request)
        if sent is None:
            return None
        place: Place = sent.settled.place or sent.find_place(request.url)
        extensions = request.extensions
        if place.host_is_first_in(request.headers) and "sni_hostname" not in extensions and "target" not in extensions:
            return sent
        other = place.other_named_by(request, earlier)
        if other is not None:
            self._misled(sent, other)
            return None
        return sent

    def _url_of(self, request: Any) -> str:
        return url_of(request)


def url_of(request: Any) -> str:
    """Return the absolute URL of a request, with the origin that the client will connect to."""
    url = request.url
    user = "user@" if url.userinfo else ""
    return f"{url.scheme}://{user}{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def _origin_key(url: Any) -> Hashable:
    try:
        # The URL's public properties do more work than is needed for each request.
        parsed = url._uri_reference
        return parsed.scheme, parsed.userinfo, parsed.host, parsed.port
    except AttributeError:  # it is private, and may be removed
        return url.scheme, url.userinfo, url.raw_host, url.port


def mark_hops_as_left(response: Any, request: Any) -> None:
    """Keep the credential off all requests that the client made from a request without it."""
    for hop in (*(each.request for each in response.history), response.request, response.next_request):
        if hop is not None and hop is not request:
            mark_as_left(hop)


def _take_off_other_kinds(request: Any, policy: Policy) -> None:
    for name in policy.of_other_kinds:
        request.headers.pop(name, None)


class Sent(Foresight, Trip, Carried):
    """The state of a request with a credential, from sending it to handling its response.

    The request refers to this for good, so this refers to the request only while it is being sent.
    """

    # Set on the class, since few requests need their own.
    _replay: Replay | None = None
    _earlier: tuple[Any, ...] = ()
    _has_left = False
    wire: Wire | None = None
    refused: Sending | None = None

    _request: Any
    url: Any

    _library: ModuleType  # which a subclass names
    _bytes_type: type[Any]
    _knows_headers: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the credential's headers; none before it is put on, when a crash reporter may read this."""
        return self.sending.names if "credential" in vars(self) else ()

    def find_place(self, url: Any) -> Place:
        """Make the origin's ``Place``, once."""
        settled = self.settled
        place = Place(url, settled.policy, settled.ordinary_below, knows_headers=self._knows_headers)
        settled.place = place
        return place

    def put_on(self, request: Any, credential: Credential, wire_type: type[Wire]) -> None:
        """Put the credential on, and record what is needed for a resend."""
        policy = self.settled.policy
        self.url = request.url
        if type(request.stream) is not self._bytes_type:
            self._replay = Replay(self._library, request.stream, request.headers)
        if policy.of_other_kinds:
            _take_off_other_kinds(request, policy)
        place: Place = self.settled.place
        if place.put_plain(credential, request.headers):
            self.credential = credential
            if place.is_wired:
                self.wire = wire_type(request, self)
        else:
            self._put(request, self.write(credential, lambda: self._view(request, None)), wire_type)
        request._xkit_auth = self
        if policy.extra:
            policy.add_extra(request.headers)

    def _put(self, request: Any, sending: Sending, wire_type: type[Wire]) -> None:
        if not sending.is_ascii:
            request.headers.encoding = "iso-8859-1"
        sending.put_on(request.headers)
        if sending.in_url is not None:
            self._put_in_url(request, sending.in_url)
        self.credential, self.written = sending.credential, sending
        if sending.hidden or sending.in_url is not None or self.settled.place.is_wired:
            self.wire = wire_type(request, self)

    def _put_in_url(self, request: Any, in_url: InUrl) -> None:
        try:
            request.url = type(request.url)(in_url.put_in(str(request.url)))
            return
        except self._library.InvalidURL:
            pass  # its message would show the credential
        error = unsendable("in the URL: it makes the URL too long")
        error.connector = self.policy.slug
        raise error

    def mark_hops(self, request: Any, response: Any) -> None:
        """Mark the requests of the chain that began with ours, with what they carry or as having left."""
        self._request = request
        if self.settled.place.shares_a_cache(response):
            self.xkit.directory.warn_once(_SHARED_CACHE)
        if self.wire is not None and self.wire.withheld:
            response.headers = type(response.headers)([*response.headers.raw, *self.wire.withheld])
        hops, has_left = chain_of(request, response), False
        self._check_for_replacement(hops[-1])
        for hop in hops if response.next_request is None else [*hops, response.next_request]:
            if not has_left and self._is_away(hop):
                has_left = True
                self.note_redirected(url_of(hop))
            if hop is not request:
                self._mark(hop, has_left=has_left)
        self._has_left = has_left

    def _check_for_replacement(self, hop: Any) -> None:
        """Warn if an event hook, which the client calls after us, has replaced the credential."""
        if self._is_away(hop):
            return
        mark: Mark = getattr(hop, MARK, self)
        hidden = self.sending.hidden if self.wire is not None and self.wire.carried is not None else ()
        for name, value in hop.headers.raw:
            is_meant = name.decode("latin-1").lower() in {each.lower() for each in self.names if each not in hidden}
            if is_meant and not (self.is_ours(name, value) or mark.is_ours(name, value)):
                self.warn_of_another(name.decode("latin-1"))

    def _is_away(self, hop: Any) -> bool:
        return origin_of_url(hop.url) != origin_of_url(self.url)

    def _mark(self, hop: Any, *, has_left: bool) -> None:
        if has_left:
            self.take_off(hop)
            mark_as_left(hop)
        else:
            self.clear_url(hop)
            hop._xkit_auth = CarriedThen(self.policy, self.sending, hop.url, self.refused)
        if self.wire is not None:
            self.wire.remove_from(hop)

    def to_be_judged(self, response: Any) -> Any:
        """Return the response to judge: a redirect that is a rejection, or else the last response.

        Returns:
            ``None`` if that is not a response to a request with the credential, or cannot be a rejection.
        """
        responses = responses_of_chain(self._request, response)
        if self.policy.judges_redirects and len(responses) > 1:
            refused = next(filter(self._is_refusal, self._while_at_home(responses[:-1])), None)
            if refused is not None:
                return refused
        if response.status_code >= self.policy.unremarkable_below:
            return response if self._is_carried_by(response) else None
        if self.is_watched and response.is_success and self._is_carried_by(response):
            self.note_accepted(self.credential)
        return None

    def _while_at_home(self, responses: list[Any]) -> Iterator[Any]:
        return takewhile(lambda each: not self._is_away(each.request), responses)

    def _is_refusal(self, redirect: Any) -> bool:
        """Return whether a redirect at home, which the client has followed, rejects the credential."""
        hop = redirect.request
        if is_from_cache(redirect) or not self._is_on(hop, is_last=False):
            return False
        wants_body = self.policy.wants_body(redirect.status_code, redirect.headers)
        body = read_before(self._library, redirect) if wants_body else None
        return self.policy.judge(self.credential, self._response_view(redirect, body)).verdict in ASKS_AGAIN

    def _is_carried_by(self, response: Any) -> bool:
        """Return whether the response is to a request with the credential, in a chain that never left its origin."""
        hop = response.request
        if is_from_cache(response):
            return False
        if any(map(self._is_away, chain_of(self._request, response))) or not self.policy.allows(url_of(hop)):
            return False
        return self._is_on(hop, is_last=True)

    def _is_on(self, hop: Any, *, is_last: bool) -> bool:
        """Return whether a hop carried the credential. The wire knows this of the last hop; hops at home carry it."""
        if self.wire is None or self.wire.carried is None:
            return self.sending.is_on(hop.headers, str(hop.url))
        return (self.wire.carried or not is_last) and self.sending.split()[0].is_on(hop.headers, "")

    def flow(self, response: Any, body: bytes | None) -> Life:
        """Return the flow that decides what follows from the response."""
        hop = response.request
        return after_answer(
            self.policy,
            self.sending.credential,
            self._response_view(response, body),
            lambda: self._view(hop, self.sending),
            # Once a redirect has led to another origin, nothing is put on again in this send.
            is_whole_again=lambda: not self._has_left and self.is_whole_again(hop.stream),
            is_proof=self.is_proof,
        )

    def is_whole_again(self, body: Any) -> bool:
        """Rewind a body, and return whether all of it is certain to be sent again."""
        if type(body) is self._bytes_type:
            return True
        return self._replay is not None and body is self._replay.stream and self._replay.rewind()

    def resend(self, sending: Sending, refused: Any, last: Any, wire_type: type[Wire]) -> Any:
        """Return the rejected hop, ready to be resent; ``last`` is the client's last response."""
        self._earlier = (*last.history, last)
        hop = refused.request
        self._remember(self._request)
        if self.wire is not None:
            self.detach_wire()
        for name in self.sending.names:  # a plugin may name other headers this time
            hop.headers.pop(name, None)
        _take_off_other_kinds(hop, self.policy)
        self.refused = self.sending
        self._put(hop, sending, wire_type)
        if refused.extensions.get("http_version") == b"HTTP/2":
            self.wire = self.wire or wire_type(hop, self)
            self.wire.is_sent_again = True
        self._request = hop
        self._remember(hop)
        self.note_resent(sending.credential)
        return hop

    def _remember(self, request: Any) -> None:
        """Mark the request, and its wire, with what it carries now."""
        request._xkit_auth = carried = CarriedThen(self.policy, self.sending, request.url, self.refused)
        if self.wire is not None:
            self.wire.keep(carried)

    def to_be_judged_after_resend(self, response: Any) -> Any:
        """Return the response to judge after the resend, and restore the client's history."""
        self.mark_hops(self._request, response)
        # The client drops the redirects that led to the rejected hop, and empties that response's history.
        refused = self._earlier[-1]
        refused.history = list(self._earlier[:-1])
        later = [hop for hop in response.history if hop is not refused]
        response.history = [*self._earlier, *later]
        return self.to_be_judged(response)

    def view_of_second(self, response: Any, body: bytes | None) -> ResponseView | None:
        """Return a view of the response to the resend, or ``None`` if it is not one to the credential."""
        return None if response is None else self._response_view(response, body)

    def attach_response(self, error: XkitAuthError, response: Any, last: Any) -> None:
        """Attach the response to the error, without the credential; ``last`` is the client's last response."""
        self.explain(error)
        for each in dict.fromkeys((response, *response.history, last, *last.history)):
            hop = each.request
            each.request, each.next_request = self._redacted(hop), None
            self.take_off(hop)  # since frames of the client still hold it
        error.response = response

    def detach_wire(self) -> None:
        """Take the wire off the request."""
        assert self.wire is not None
        self.wire.detach()
        self.wire = None  # breaks the reference cycle

    def on_error(self, reason: BaseException) -> None:
        """Clean up after an error; warn if it is an event hook that raised before a credential could be fetched."""
        if self.wire is not None:
            self.wire.take_off()
        while isinstance(reason, GeneratorExit) and reason.__context__ is not None:  # once for each flow around ours
            reason = reason.__context__
        error: Any = reason
        hop = getattr(error, "_request", None)  # of the client's own errors
        if hop is not None and getattr(hop, MARK, None) is None:
            self._mark(hop, has_left=self._is_away(hop) or not self._is_on(hop, is_last=True))
        if isinstance(error, self._library.HTTPStatusError) and error.response.status_code == 401:
            self.xkit.directory.warn_once(
                "An event hook of the client raised for a 401 response before a new credential could be fetched."
                " Call raise_for_status() on the response that you get, or let AfterAuth of xkit-auth call it."
            )

    def _redacted(self, request: Any) -> Any:
        headers = request.headers.copy()
        for name in self.sending.names:
            if name in headers:
                headers[name] = MASK
        url = self.sending.bare(str(request.url))
        how = {"headers": headers, "stream": request.stream, "extensions": request.extensions}
        redacted = type(request)(request.method, url, **how)
        if self.wire is not None:
            self.wire.remove_from(redacted)
        return redacted

    def _view(self, request: Any, without: Sending | None) -> RequestView:
        ours = {name.lower() for name in without.names} if without else ()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ours}
        url = without.bare(str(request.url)) if without else str(request.url)
        body = request.read() if isinstance(request.stream, self._library.ByteStream) else None
        return RequestView(method=request.method, url=url, headers=headers, body=body)

    def _response_view(self, response: Any, body: bytes | None) -> ResponseView:
        request = self._view(response.request, self.sending)
        return answer_view(response.status_code, response.headers, body, request)
