"""What ``bind`` and the plugins that know an SDK have in their hands: the auth objects, and the ways to put them on."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from .._clients import BaseAuth, Trip
from .._connectors import Sending, answer_view
from .._values import ConfigurationError, RequestView, ResponseView, origin_of
from ._binding import Binding
from ._drive import arun, life_of, run

_Result = TypeVar("_Result")
Said = tuple[int, Mapping[str, str], bytes | None]
Read = Callable[[Any], Said | None]

# By name, so that a library which is not there is not needed: an object of its class could not be there either.
_SLOTS = {
    ("requests", "Session"): "requests",
    ("niquests", "Session"): "requests",
    ("httpx", "Client"): "httpx",
    ("httpx", "AsyncClient"): "httpx",
    ("httpx2", "Client"): "httpx2",
    ("httpx2", "AsyncClient"): "httpx2",
}


class HeadersToSend(dict[str, Any]):
    """What an attempt sends: the credential's headers, and those that the connector wants beside them.

    Use ``over`` to send them, since an SDK has headers of its own, and let go of this before that (``del headers``): a
    traceback with local variables shows what is in a dictionary.
    """

    def __init__(self, headers: Mapping[str, Any], besides: frozenset[str] = frozenset()) -> None:
        super().__init__(headers)
        self._besides = besides

    def kept_of(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the SDK's own headers that may go along: neither of a name that is given here, in any case, nor one
        in which the connector takes a credential of another kind.
        """
        replaced = self._besides.union(map(str.lower, self))
        return {name: own[name] for name in own if name.lower() not in replaced}

    def over(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """These, and those of the SDK's own headers that may go along."""
        return {**self.kept_of(own), **self}

    def __repr__(self) -> str:
        return f"HeadersToSend({', '.join(self)})"


class Binder:
    """Given to ``xkit_auth_bind`` as ``auth``: puts the credential of one connection on the objects of an SDK.

    Whatever is done through it is undone by ``Binding.release``.
    """

    def __init__(self, connector: Any, arguments: Mapping[str, Any]) -> None:
        self._arguments = {"connector": connector, **arguments}
        self._by_hand = _ByHand(connector, **arguments)
        self.binding = Binding()

    # Auth objects

    def for_requests(self) -> Any:
        """An ``XkitAuth`` for requests."""
        return self._made_by("requests")

    def for_httpx(self) -> Any:
        """An ``XkitAuth`` for httpx."""
        return self._made_by("httpx")

    def for_httpx2(self) -> Any:
        """An ``XkitAuth`` for httpx2."""
        return self._made_by("httpx2")

    def _made_by(self, library: str) -> Any:
        import importlib

        arguments = dict(self._arguments)
        return importlib.import_module(f"xkit_auth.{library}").XkitAuth(arguments.pop("connector"), **arguments)

    # Putting them on

    def fill(self, client: object) -> bool:
        """Put an auth object into the slot of a session of requests, or of a client of httpx or httpx2.

        On httpx and httpx2, redirects of this client to another origin also go without a credential in any other header
        than ``Authorization`` then, on whatever transport.

        Returns:
            Whether it is such a client; if not, nothing was done.

        Raises:
            ConfigurationError: it is bound already.
        """
        library = _library_of(client)
        if library is None:
            return False
        self.binding.put(client, "auth", self._made_by(library))
        if library != "requests":
            from .._clients.httpx import without_hidden

            self.wrap(client, "_redirect_headers", without_hidden)
        return True

    def put(self, owner: object, name: str, value: object) -> None:
        """Set an attribute of this one object.

        Raises:
            ConfigurationError: the object does not allow that.
        """
        self.binding.put(owner, name, value)

    def when_released(self, function: Callable[[], None]) -> None:
        """Call this when the binding is released, before anything is put back."""
        self.binding.undo_with(function)

    def wrap(self, owner: object, name: str, wrapper: Callable[..., Any]) -> None:
        """Wrap a method of this one object: ``wrapper(wrapped, instance, args, kwargs)`` is called instead of it.

        Raises:
            ConfigurationError: the object has no such method, or does not allow that.
        """
        method = getattr(owner, name, None)
        if not callable(method):
            raise ConfigurationError(
                f"{type(owner).__name__} has no method {name}, which bind() would wrap",
                hint="This version of the SDK is not known to the plugin; see whether there is a newer plugin.",
            )
        self.binding.wrap(owner, name, method, wrapper)

    # Doing without any slot

    def send(
        self,
        request: RequestView,
        attempt: Callable[[HeadersToSend], _Result],
        read: Read,
        *,
        replayable: bool = True,
    ) -> _Result:
        """Let an SDK send a request with the credential on it, and once more if the provider turns that down.

        Args:
            request: the request, without the credential.
            attempt: sends it with these headers, and returns what the SDK makes of the answer. They are a dictionary;
                its method ``over`` takes the SDK's own headers, and returns all that is to be sent. It must not let
                them follow a redirect to another origin.
            read: the status, the headers and the body of what ``attempt`` returned; ``None`` if a redirect was
                followed, so that it says nothing about the credential.
            replayable: whether the body can be sent twice.

        Returns:
            What ``attempt`` returned last.

        Raises:
            XkitAuthError: the user cannot be authorized, or the URL is not the connector's.
        """
        trip = self._by_hand.trip_to(request)
        if trip is None:
            return attempt(HeadersToSend({}))
        life = life_of(trip, lambda: request, _reader(trip, read, request), replayable=replayable)
        result: _Result = run(life, trip, lambda sending: attempt(_headers(trip, sending, request)))
        return result

    async def asend(
        self,
        request: RequestView,
        attempt: Callable[[HeadersToSend], Awaitable[_Result]],
        read: Read,
        *,
        replayable: bool = True,
    ) -> _Result:
        """The same for tasks."""
        trip = self._by_hand.trip_to(request)
        if trip is None:
            return await attempt(HeadersToSend({}))
        life = life_of(trip, lambda: request, _reader(trip, read, request), replayable=replayable)
        result: _Result = await arun(life, trip, lambda sending: attempt(_headers(trip, sending, request)))
        return result

    def __repr__(self) -> str:
        return f"Binder({self._arguments['connector']!r})"


class _ByHand(BaseAuth):
    """The arguments of an auth object, for what has no library that we know."""

    _adapter = None

    def trip_to(self, request: RequestView) -> Trip | None:
        """The way of a request; ``None`` if it goes without the credential."""
        origin = origin_of(request.url)
        trip: Trip | None = self._trip(origin, request)
        named = request.headers.get("host")
        if trip is None or origin is None or named is None or origin_of(f"{origin.scheme}://{named}") == origin:
            return trip
        self._misled(trip, "The Host header")
        return None

    def _url_of(self, request: Any) -> str:
        return str(request.url)


def _headers(trip: Trip, sending: Sending, request: RequestView) -> HeadersToSend:
    if sending.in_url is not None:
        raise ConfigurationError(
            "A credential in the URL cannot be given to this SDK", hint="Name another kind= of the connector."
        )
    headers = HeadersToSend(dict(trip.policy.extra_for(request.headers)), trip.policy.of_other_kinds)
    sending.put_on(headers)
    return headers


def _reader(trip: Trip, read: Read, request: RequestView) -> Callable[[Any], ResponseView | None]:
    def seen(result: Any) -> ResponseView | None:
        said = read(result)
        if said is None:
            return None
        status, headers, body = said
        wanted = trip.policy.wants_body(status, headers)
        return answer_view(status, headers, body if wanted else None, request)

    return seen


def _library_of(client: object) -> str | None:
    for (module, name), library in _SLOTS.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(client, kind):
            return library
    return None
