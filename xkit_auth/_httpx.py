"""What httpx and httpx2 have in common, which is everything but their name: it moves bytes and decides nothing.

``HttpxAuth`` drives the flow of ``_flow.py`` from the client's own auth generator: once for ``Client`` and once for
``AsyncClient``, in methods that differ by ``await``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Hashable
from types import ModuleType
from typing import Any

from ._auth import BaseAuth, Trip
from ._errors import ConfigurationError, XkitAuthError
from ._flow import Fetch, Life, Send, advance, after_answer
from ._httpx_body import Replay, aread_head, decoded, parsed, read_head
from ._httpx_wire import AsyncWire, Wire
from ._model import Credential, RequestView, ResponseView
from ._policy import Sending
from ._text import MASK


class OneLibrary:
    """An auth object that is for one of the libraries, which a subclass names."""

    _library: ModuleType

    def __call__(self, _request: Any) -> Any:
        """Called by libraries that this object is not for, which take any function for an auth object."""
        name, library = type(self).__name__, self._library.__name__
        raise ConfigurationError(
            f"This {name} is for {library}, and another library was given it",
            hint=f"Take {name} from xkit_auth.requests, xkit_auth.httpx or xkit_auth.httpx2, as the client is.",
        )


class HttpxAuth(OneLibrary, BaseAuth):
    """The auth object for both libraries. A subclass names its library, and the class of its streams."""

    _stream_type: type[Any]
    _bytes_type: type[Any]

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by ``Client``: yields the request and, if that is refused, the refused hop once more."""
        trip = self._trip(_origin_key(request), request)
        if trip is None:
            yield request
            return
        sent = _Sent(self, trip, request, trip.held() or trip.fetch(), Wire)
        try:
            response = yield request
            if sent.needs_no_judging(response):
                return
            life = sent.life(response, self._peeked(trip, response))
            try:
                step = next(life, None)
                while step is not None:
                    if isinstance(step, Fetch):
                        trip.note_rejected(step)
                        step = advance(life, trip.fetch(step.rejected))
                    elif isinstance(step, Send):
                        self._cut(response)
                        response = yield sent.again(step.sending, response)
                        step = advance(life, sent.view_of_second(response, self._peeked(trip, response)))
                    else:
                        trip.note(step)
                        step = advance(life, None)
            except XkitAuthError as error:
                self._cut(response)
                sent.blame(error, response)
                raise
        except GeneratorExit as leaving:
            sent.is_left(leaving)
            raise
        finally:
            sent.is_over()

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by ``AsyncClient``: the same."""
        trip = self._trip(_origin_key(request), request)
        if trip is None:
            yield request
            return
        sent = _Sent(self, trip, request, trip.held() or await trip.afetch(), AsyncWire)
        try:
            response = yield request
            if sent.needs_no_judging(response):
                return
            life = sent.life(response, await self._apeeked(trip, response))
            try:
                step = next(life, None)
                while step is not None:
                    if isinstance(step, Fetch):
                        trip.note_rejected(step)
                        step = advance(life, await trip.afetch(step.rejected))
                    elif isinstance(step, Send):
                        await self._acut(response)
                        response = yield sent.again(step.sending, response)
                        step = advance(life, sent.view_of_second(response, await self._apeeked(trip, response)))
                    else:
                        trip.note(step)
                        step = advance(life, None)
            except XkitAuthError as error:
                await self._acut(response)
                sent.blame(error, response)
                raise
        except GeneratorExit as leaving:
            sent.is_left(leaving)
            raise
        finally:
            sent.is_over()

    def _url_of(self, request: Any) -> str:
        url = request.url
        user = "user@" if url.userinfo else ""
        return f"{url.scheme}://{user}{url.netloc.decode('ascii')}/"

    # Looking at an answer's body, and leaving it as if nobody had

    def _peeked(self, trip: Trip, response: Any) -> Any:
        if not trip.policy.wants_body(response.status_code, response.headers):
            return None
        if response.is_closed:
            return self._read_before(response)
        original = response.stream
        chunks, rest = read_head(original, self._library.RequestError)
        return self._rejoined(response, chunks, rest, original)

    async def _apeeked(self, trip: Trip, response: Any) -> Any:
        if not trip.policy.wants_body(response.status_code, response.headers):
            return None
        if response.is_closed:
            return self._read_before(response)
        original = response.stream
        chunks, rest = await aread_head(original, self._library.RequestError)
        return self._rejoined(response, chunks, rest, original)

    def _rejoined(self, response: Any, chunks: list[bytes], rest: Any, original: Any) -> Any:
        response.stream = self._stream_type(chunks, rest, original)
        return None if rest is not None else parsed(self._decoded(response, chunks))

    def _read_before(self, response: Any) -> Any:
        """A body that an event hook or a transport without sockets has read already."""
        try:
            return parsed(response.content)
        except self._library.ResponseNotRead:
            return None

    def _decoded(self, response: Any, chunks: list[bytes]) -> bytes | None:
        encoding = response.headers.get("content-encoding", "identity")
        return decoded(self._library, self._stream_type, chunks, encoding)

    # Giving back the connection of an answer that is not the caller's, however long its body is

    def _cut(self, response: Any) -> None:
        if response.is_closed:
            return
        original = response.stream
        chunks, rest = read_head(original, self._library.RequestError)
        original.close()
        self._shorten(response, chunks, rest, original)
        response.read()

    async def _acut(self, response: Any) -> None:
        if response.is_closed:
            return
        original = response.stream
        chunks, rest = await aread_head(original, self._library.RequestError)
        if hasattr(rest, "aclose"):
            await rest.aclose()
        await original.aclose()
        self._shorten(response, chunks, rest, original)
        await response.aread()

    def _shorten(self, response: Any, chunks: list[bytes], rest: Any, original: Any) -> None:
        # A compressed body that is cut in the middle, or none at all, cannot be read: then nothing is left of it.
        is_readable = "content-encoding" not in response.headers or (
            rest is None and self._decoded(response, chunks) is not None
        )
        response.stream = self._library.ByteStream(b"".join(chunks) if is_readable else b"")
        elapsed = getattr(original, "elapsed", None)
        if elapsed is not None:
            response.elapsed = elapsed


def _origin_key(request: Any) -> Hashable:
    url = request.url
    return url.scheme, url.raw_host, url.port, url.userinfo


class _Sent:
    """A request that went out with a credential, and what has to be known of it when the answer is there."""

    # Few requests need these: what is not set costs the others nothing.
    _replay: Replay | None = None
    _wire: Wire | None = None
    _earlier: tuple[Any, ...] = ()

    def __init__(
        self, auth: HttpxAuth, trip: Trip, request: Any, credential: Credential, wire_type: type[Wire]
    ) -> None:
        policy = trip.policy
        self._auth = auth
        self._trip = trip
        self._wire_type = wire_type
        if type(request.stream) is not auth._bytes_type:
            self._replay = Replay(auth._library, request.stream)
        self._put(request, policy.write_plain(credential) or self._written(request, credential))
        if policy.extra:
            policy.add_extra(request.headers)

    def _written(self, request: Any, credential: Credential) -> Sending:
        try:
            return self._trip.policy.write(credential, lambda: self._view(request, ()))
        except XkitAuthError as error:
            self._trip.explain(error)
            raise

    def _put(self, request: Any, sending: Sending) -> None:
        if not sending.is_ascii:
            request.headers.encoding = "iso-8859-1"
        sending.put_on(request.headers)
        self._sending = sending
        if sending.hidden:
            self._wire = self._wire_type(request, sending)

    def needs_no_judging(self, response: Any) -> bool:
        """Whether the answer is an ordinary one, or one to a request that did not carry our credential."""
        return response.status_code < self._trip.policy.unremarkable_below or not self._carried_by(response)

    def _carried_by(self, response: Any) -> bool:
        hop = response.request
        if not self._trip.policy.allows(self._auth._url_of(hop)):
            return False
        if self._wire is not None and self._wire.carried is not None:
            return self._wire.carried and self._sending.split()[0].is_on(hop.headers)
        return self._sending.is_on(hop.headers)

    def life(self, response: Any, body: Any) -> Life:
        """The flow that decides what follows from the answer."""
        hop = response.request
        replay = self._replay if self._replay and hop.stream is self._replay.stream else None
        replay = replay or Replay(self._auth._library, hop.stream)
        return after_answer(
            self._trip.policy,
            self._sending.credential,
            self._answer_view(response, body),
            lambda: self._view(hop, self._sending.names),
            replayable=replay.rewind(),
        )

    def again(self, sending: Sending, refused: Any) -> Any:
        """The refused hop, ready to be sent once more."""
        self._earlier = (*refused.history, refused)
        self.is_over()
        self._wire = None
        hop = refused.request
        for name in self._sending.names:  # a plugin may name other headers this time
            hop.headers.pop(name, None)
        self._put(hop, sending)
        self._trip.note_resent(sending.credential)
        return hop

    def view_of_second(self, response: Any, body: Any) -> ResponseView | None:
        """A view of the answer to the hop that was sent again, if it is an answer to our credential."""
        # The client has forgotten the redirects that led to the refused hop, and has emptied that one's history.
        refused = self._earlier[-1]
        refused.history = list(self._earlier[:-1])
        later = [hop for hop in response.history if hop is not refused]
        response.history = [*self._earlier, *later]
        return self._answer_view(response, body) if self._carried_by(response) else None

    def blame(self, error: XkitAuthError, response: Any) -> None:
        """Put the answer on the error, without the credential."""
        self._trip.explain(error)
        for each in (response, *response.history):
            each.request, each.next_request = self._redacted(each.request), None
        error.response = response

    def is_left(self, leaving: GeneratorExit) -> None:
        """The client gives up before we have seen an answer; if a hook of its own made it do so, that is a conflict."""
        error: Any = leaving.__context__
        while isinstance(error, GeneratorExit):  # one for each flow around ours
            error = error.__context__
        if isinstance(error, self._auth._library.HTTPStatusError) and error.response.status_code == 401:
            self._trip.xkit.directory.warn_once(
                "An event hook of the client raised for an answer with 401 before a new credential could be fetched."
                " Call raise_for_status() on the answer that you get, or let AfterAuth of xkit-auth call it."
            )

    def is_over(self) -> None:
        """Take off what was hung on the request for its way."""
        if self._wire is not None:
            self._wire.over()

    def _redacted(self, request: Any) -> Any:
        headers = request.headers.copy()
        for name in self._sending.names:
            if name in headers:
                headers[name] = MASK
        return type(request)(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )

    def _view(self, request: Any, without: tuple[str, ...]) -> RequestView:
        ours = {name.lower() for name in without}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ours}
        body = request.read() if isinstance(request.stream, self._auth._library.ByteStream) else None
        return RequestView(method=request.method, url=str(request.url), headers=headers, body=body)

    def _answer_view(self, response: Any, body: Any) -> ResponseView:
        request = self._view(response.request, self._sending.names)
        return ResponseView(status=response.status_code, headers=response.headers, json=body, request=request)
