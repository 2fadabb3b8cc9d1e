"""``XkitAuth`` for requests: pass it as ``auth=`` to a request, or set it as a session's ``auth``.

requests asks an auth object once, before the request is sent. Everything after that happens in a response hook, which
requests also calls for each hop of a redirect, so that each hop is looked at by itself.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Hashable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlparse

from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.sessions import SessionRedirectMixin
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError

from ._auth import BaseAuth, Trip
from ._errors import XkitAuthError
from ._flow import ASKS_AGAIN, Fetch, Send, Tell, advance, after_answer
from ._model import Credential, RequestView, ResponseView
from ._origin import origin_of
from ._policy import LARGEST_BODY, Sending
from ._requests_transport import RequestsTransport
from ._text import MASK

__all__ = ["NoAuth", "XkitAuth"]

_PATIENCE = 5.0
_CHUNK = 8 * 1024


class NoAuth(AuthBase):
    """Switches a session's auth off for one call: ``session.get(url, auth=NoAuth())``, where ``None`` would not."""

    def __call__(self, request: Any) -> Any:
        """Called by requests: leaves the request as it is."""
        return request


class XkitAuth(BaseAuth, AuthBase):
    """A ``requests.auth.AuthBase`` that puts the credential of an Xkit connection on each request.

    Give it to a request as ``auth=``, or to a session as its
    ``auth``; one object serves any number of sessions and threads.
    """

    _adapter = __name__

    def __call__(self, request: Any) -> Any:
        """Called by requests when it prepares a request: puts the credential on it."""
        hooks = [hook for hook in request.hooks.get("response", ()) if type(hook) is not _Hop]
        trip = self._trip(_origin_key(request.url), request)
        if trip is not None:
            hop = _Hop(trip, trip.held() or trip.fetch())
            hop.put_on(request)
            hooks.append(hop)
        request.hooks["response"] = hooks
        return request

    def _url_of(self, request: Any) -> str:
        return str(request.url)


def open_transport() -> RequestsTransport:
    """A client for calls to Xkit."""
    return RequestsTransport()


def _origin_key(url: str) -> Hashable:
    end = url.find("/", 8)  # behind https://
    return url[:end] if end > 0 else url


class _Hop:
    """The response hook of one request, and of the hops that a redirect makes of it.

    A hop of a redirect gets a hook of its own, which knows the request that it came from. A hook that is called for
    the very request that it came from means that the caller has sent that request anew.
    """

    __slots__ = ("_came_from", "_credential", "_is_spent", "_names", "_sending", "_stripped", "_trip")

    def __init__(self, trip: Trip | None, credential: Credential | None, names: tuple[str, ...] = ()) -> None:
        self._trip = trip
        self._credential = credential
        self._names = names
        self._sending: Sending | None = None
        self._came_from: weakref.ref[Any] | None = None
        self._is_spent = False
        self._stripped = False

    def put_on(self, request: Any) -> None:
        """Put the credential on a request."""
        trip, credential = self._trip, self._credential
        assert trip is not None
        assert credential is not None
        try:
            single = trip.policy.single
            if single is not None and not credential.fields:
                name, prefix, suffix = single
                self._names = (name,)
                request.headers[name] = prefix + credential.reveal() + suffix
            else:
                self._use(trip.policy.write(credential, lambda: self._view(request)))
                self._current().put_on(request.headers)
                trip.policy.add_extra(request.headers)
        except XkitAuthError as error:
            trip.explain(error)
            raise

    def _use(self, sending: Sending) -> None:
        self._sending, self._credential, self._names = sending, sending.credential, sending.names

    def _current(self) -> Sending:
        if self._sending is None:
            assert self._trip is not None
            assert self._credential is not None
            # Only a template is written late, and a template does not look at the request.
            self._sending = self._trip.policy.write(self._credential, _no_view)
        return self._sending

    # The answer

    def __call__(self, response: Any, **how: Any) -> Any:
        """Called by requests for each answer; ``how`` is what it takes to send the request again."""
        request = response.request
        is_new_send = self._came_from is None or self._came_from() is request
        if self._stripped and not is_new_send:
            self._give_back()
        adapter = getattr(response, "connection", None)
        if self._trip is not None and self._trip.is_first_look_at(adapter):
            _look_for_conflict(self._trip, adapter)
        if self._trip is not None and response.status_code >= self._trip.policy.unremarkable_below:
            try:
                if not self._trip.policy.allows(str(request.url)):
                    pass
                elif self._current().is_on(request.headers):
                    response = self._judged(response, how, may_resend=is_new_send or not self._is_spent)
                elif response.status_code == 401 and self._has_lost_it(request, is_new_send):
                    response = self._sent_again(response, how, self._written(self._trip.fetch(), request))
                    if is_new_send:  # what was refused had no credential on it: this is the first send that counts
                        response = self._judged(response, how, may_resend=True)
            except XkitAuthError as error:
                self._blame(error, response)
                raise
        if response.is_redirect:
            was_spent = self._is_spent and not is_new_send
            self._before_redirect(request, response, spent=was_spent or bool(response.history))
        return response

    def _judged(self, response: Any, how: Any, *, may_resend: bool) -> Any:
        trip, credential, request = self._trip, self._credential, response.request
        assert trip is not None
        assert credential is not None
        answer = self._answer_view(response, how)
        if not may_resend:
            judgement = trip.policy.judge(credential, answer)
            trip.note(Tell(credential, judgement, final=judgement.verdict in ASKS_AGAIN))
            return response
        replayable = getattr(response, "connection", None) is not None and _rewound(request)
        life = after_answer(trip.policy, credential, answer, lambda: self._view(request), replayable=replayable)
        try:
            step = next(life, None)
            while step is not None:
                if isinstance(step, Fetch):
                    trip.note_rejected(step)
                    step = advance(life, trip.fetch(step.rejected))
                elif isinstance(step, Send):
                    response = self._sent_again(response, how, step.sending)
                    step = advance(life, self._answer_view(response, how))
                else:
                    trip.note(step)
                    step = advance(life, None)
        except XkitAuthError as error:
            self._blame(error, response)
            raise
        return response

    def _sent_again(self, refused: Any, how: Any, sending: Sending) -> Any:
        assert self._trip is not None
        request = refused.request
        _cut(refused)
        again = request.copy()
        if again._cookies is not None:
            extract_cookies_to_jar(again._cookies, request, refused.raw)
            again.prepare_cookies(again._cookies)
        self._use(sending)
        # The hops of a redirect are made of the original request, so it gets the new credential, too.
        for each in (again, request):
            sending.put_on(each.headers)
        self._trip.note_resent(sending.credential)
        start = time.perf_counter()
        response = refused.connection.send(again, **how)
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        response.history.append(refused)
        return response

    def _has_lost_it(self, request: Any, is_new_send: bool) -> bool:
        """Whether the credential is missing for a reason that is none of the caller's: netrc took its place, or we did.

        On a redirect requests looks into netrc, even if the request has an auth object.
        """
        if not _rewound(request):
            return False
        if is_new_send:
            return self._stripped
        replaced = not self._stripped and not self._is_spent and "Authorization" in self._names
        if replaced and str(request.headers.get("Authorization", "")).startswith("Basic "):
            assert self._trip is not None
            self._trip.xkit.directory.warn_once(
                "An entry in netrc replaced the credential on a redirect within"
                f" {origin_of(str(request.url))}; the request was sent again with the right one."
                " Set trust_env=False on the session to keep netrc out."
            )
            return True
        return False

    def _written(self, credential: Credential, request: Any) -> Sending:
        assert self._trip is not None
        return self._trip.policy.write(credential, lambda: self._view(request))

    # Redirects

    def _before_redirect(self, request: Any, response: Any, *, spent: bool) -> None:
        """Prepare ``request`` for being copied into the next hop: other origins must not get the credential."""
        following = _Hop(self._trip, self._credential, self._names)
        following._sending = self._sending
        following._came_from = weakref.ref(request)
        following._is_spent = spent
        if not _stays_at_origin(request, response):
            following._stripped = True
            for name in self._names:
                request.headers.pop(name, None)
        hooks = request.hooks["response"]
        request.hooks = {**request.hooks, "response": [following if hook is self else hook for hook in hooks]}

    def _give_back(self) -> None:
        """The next hop is made: the request that it came from may be sent again by its owner, so it is whole again."""
        request = self._came_from() if self._came_from is not None else None
        if request is not None and self._trip is not None:
            self._current().put_on(request.headers)

    # Views and errors

    def _view(self, request: Any) -> RequestView:
        ours = {name.lower() for name in self._names}
        headers = {name: _text(value) for name, value in request.headers.items() if name.lower() not in ours}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        return RequestView(
            method=str(request.method),
            url=str(request.url),
            headers=headers,
            body=body if isinstance(body, bytes) else b"" if body is None else None,
        )

    def _answer_view(self, response: Any, how: Any) -> ResponseView:
        assert self._trip is not None
        body = None
        if not how.get("stream") and self._trip.policy.wants_body(response.status_code, response.headers):
            body = _small_json(response)  # without stream=True requests is about to read it anyway
        return ResponseView(
            status=response.status_code, headers=response.headers, json=body, request=self._view(response.request)
        )

    def _blame(self, error: XkitAuthError, response: Any) -> None:
        assert self._trip is not None
        if error.response is not None:  # blamed already, on an answer that came later
            return
        _cut(response)
        self._trip.explain(error)
        for each in (response, *response.history):
            request = each.request.copy()
            for name in self._names:
                if name in request.headers:
                    request.headers[name] = MASK
            each.request = request
        error.response = response

    def __repr__(self) -> str:
        return f"<xkit-auth hook for {', '.join(self._names)}>"

    def __deepcopy__(self, _memo: object) -> _Hop:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # requests pickles a response with the hooks of its request. What remains is to keep the header, which the
        # pickled request still holds, from another host.
        return _Hop, (None, None, self._names)


def _look_for_conflict(trip: Trip, adapter: Any) -> None:
    retries = getattr(adapter, "max_retries", None)
    if 401 in (getattr(retries, "status_forcelist", None) or ()):
        trip.xkit.directory.warn_once(
            "The session's urllib3.Retry repeats requests that were answered with 401, with the same credential, and"
            " raises RetryError before a new one can be fetched. Take 401 out of its status_forcelist."
        )


def _no_view() -> RequestView:
    raise AssertionError("a template does not look at the request")  # pragma: no cover


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _rewound(request: Any) -> bool:
    """Whether the body can be sent again: bytes can, a file can from where it stood, a generator cannot."""
    if request.body is None or isinstance(request.body, (bytes, str)):
        return True
    position = getattr(request, "_body_position", None)
    if not isinstance(position, int):
        return False
    try:
        request.body.seek(position)
    except (AttributeError, OSError, ValueError):  # ValueError: somebody has closed the file
        return False
    return True


def _stays_at_origin(request: Any, response: Any) -> bool:
    """Whether the redirect certainly leads to the same origin, resolved as requests is about to resolve it."""
    try:
        target = SessionRedirectMixin().get_redirect_target(response)
        if target is None:
            return False
        if target.startswith("//"):
            target = f"{urlparse(response.url).scheme}:{target}"
        quoted = requote_uri(urlparse(target).geturl())
        target = quoted if urlparse(target).netloc else urljoin(response.url, quoted)
    except ValueError:  # a Location that is not UTF-8, or not a URL
        return False
    origin = origin_of(target)
    return origin is not None and origin == origin_of(str(request.url))


def _small_json(response: Any) -> Any:
    try:
        return response.json() if len(response.content) <= LARGEST_BODY else None
    except (ValueError, RecursionError):
        return None


def _cut(response: Any) -> None:
    """Keep the first 64 KiB of an answer that is not the caller's, and give back its connection."""
    if not response._content_consumed:
        response._content = _head_of(response.raw)
        response._content_consumed = True
    response.close()


def _head_of(raw: Any) -> bytes:
    head, until = bytearray(), time.monotonic() + _PATIENCE
    read = getattr(raw, "read1", raw.read)
    try:
        while len(head) <= LARGEST_BODY and time.monotonic() < until:
            chunk = read(_CHUNK, decode_content=True)
            if not chunk:
                break
            head += chunk
    except (HTTPError, OSError, ValueError):
        pass  # what has come is what there is
    return bytes(head[:LARGEST_BODY])
