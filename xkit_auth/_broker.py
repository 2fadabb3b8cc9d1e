"""Getting a connection or a credential out of Xkit: who asks, who waits, what is held, and what happens in an outage.

One short lock guards the held credentials, the flights and the pauses. It is never held during I/O or while anybody
waits. Calls run on threads of our own; whoever wants an answer waits for a flight to land.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from ._account import Account, checked_name
from ._cache import Ask, Cache, Key, Serve
from ._calls import Call, Calls
from ._errors import (
    ConfigurationError,
    ConnectionUnavailable,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    XkitAuthError,
    own_copy,
)
from ._flight import Flight
from ._model import Connection, Credential, EventKind
from ._network import Network, Route
from ._platform import Answer, NoAnswer, Transport, credential_of, read_connection, unanswered
from ._text import shown

_ADAPTERS = ("xkit_auth.httpx2", "xkit_auth.httpx", "xkit_auth.requests")
_LOST_AFTER = 1.0

_SAY_NOTHING_OF_THE_CREDENTIAL = (PlatformUnavailable, PlatformRateLimited, PlatformProtocolError, ConfigurationError)
"""What may come of asking Xkit while a credential that is held stays as good as it was."""

_Answer = TypeVar("_Answer")
Asking: TypeAlias = Generator[tuple[Flight[Any], float], bool, _Answer]
"""Yields the flights to wait for, each with how many seconds; is sent whether it has landed; returns the answer."""


class Tell(Protocol):
    """How a broker says what happened."""

    def __call__(
        self,
        kind: EventKind,
        connector: str,
        context: str,
        credential: Credential | None = None,
        detail: str | None = None,
    ) -> None:
        """Pass it on."""


class _Wish(Flight[_Answer]):
    """A flight with what has to be known of it before it lands.

    ``rejected`` is the credential that made it necessary, ``since`` is when it went out, ``outcome`` what came of it.
    """

    def __init__(self, key: Key, rejected: Credential | None = None) -> None:
        super().__init__()
        self.key = key
        self.rejected = rejected
        self.since: float | None = None
        self.outcome: _Answer | XkitAuthError | None = None

    @property
    def failure(self) -> PlatformError | None:
        """The outcome, if it is that Xkit could not be asked."""
        return self.outcome if isinstance(self.outcome, PlatformError) else None

    def end(self) -> None:
        """Let the waiters have the outcome."""
        if isinstance(self.outcome, XkitAuthError):
            self.crash(self.outcome)
        elif self.outcome is not None:
            self.land(self.outcome)


class Broker:
    """Everything between a wish for a credential and Xkit's answer.

    Args:
        account: whose Platform API is asked.
        cache: the held credentials.
        timeout: seconds that a caller waits in total.
        max_calls: calls to Xkit at once, at the most.
        tell: called with what happened.
        network: how calls leave this machine.
    """

    def __init__(
        self, account: Account, cache: Cache, *, timeout: float, max_calls: int, tell: Tell, network: Network
    ) -> None:
        self._account = account
        self._network = network
        self.cache = cache
        self._timeout = timeout
        self._max_calls = max_calls
        self._tell = tell
        self._adapter: str | None = None
        self._route: Route | None = None
        self._transport: Transport | None = None
        self.is_closed = False
        self._begin_afresh()

    def _begin_afresh(self) -> None:
        """Locks and calls of this process: nothing of them survives a fork. Connections last for one call."""
        self._lock = threading.Lock()
        self._flights: dict[Key, _Wish[Credential]] = {}
        self._readings: dict[Key, _Wish[Connection]] = {}
        self._calls = Calls(self._max_calls, self._lock, self._timeout + _LOST_AFTER)

    def after_fork(self) -> None:
        """Called in the child."""
        self._begin_afresh()

    def prefer(self, adapter: str) -> None:
        """Make calls with the HTTP library of this adapter, if none has been chosen yet."""
        if self._adapter is None:
            self._adapter = adapter

    # Wishes

    def asking(self, connector: str, context: str, rejected: Credential | None) -> Asking[Credential]:
        """Get a credential."""
        key = self._key(connector, context)
        deadline = time.monotonic() + self._timeout
        for is_last_try in (False, True):
            found = self._look(key, rejected)
            if isinstance(found, Credential):
                return found
            ended = yield found, deadline - time.monotonic()
            if not ended or found.error is not None:
                return self._served_on(key, rejected, found.error if ended else self._timed_out(key))
            assert found.result is not None
            if is_last_try or found.result != rejected or found.rejected == rejected:
                return found.result
            # The call had begun before this credential was turned down, so its answer proves nothing yet.
        raise AssertionError("the second try always ends")  # pragma: no cover

    def reading(self, connector: str, context: str) -> Asking[Connection]:
        """Get a connection, from a call of its own."""
        key = self._key(connector, context)
        flight = _Wish[Connection](key)
        with self._lock:
            paused = self._calls.pauses.now_for(key, time.monotonic())
            if paused is None:
                self._start(self._readings, flight, self._connection_call_for(flight))
        ended = (yield flight, self._timeout) if paused is None else True
        failure = paused or (flight.error if ended else self._timed_out(key))
        if failure is not None:
            raise _for_caller(failure, key)
        assert flight.result is not None
        return flight.result

    def leave_alone(self, key: Key, credential: Credential) -> None:
        """Two credentials in a row were turned down: do not ask for another one for a while."""
        with self._lock:
            self.cache.leave_alone(key, credential)

    def hint(self, key: Key, *, bad: bool) -> None:
        """Somebody says that the connection has changed."""
        with self._lock:
            if self.cache.hint(key, bad=bad, is_asking=key in self._flights):
                self._flights.pop(key, None)

    def forget(self, connector: str | None, context: str | None) -> None:
        """Drop what is held, and let calls under way count only for those who wait for them."""
        with self._lock:
            for key in list(self.cache.keys(connector, context)):
                self.cache.forget(key)
            for key in {*self._flights, *self._readings}:
                if connector in (None, key[0]) and context in (None, key[1]):
                    self._flights.pop(key, None)
                    self._readings.pop(key, None)

    def close(self) -> None:
        """Drop everything; fail the calls that have not begun."""
        self.forget(None, None)
        with self._lock:
            self.is_closed = True
            left = self._calls.close()
        for call in left:
            call.give_up(PlatformUnavailable("Xkit was closed while the call waited for its turn"))

    # Deciding whether to ask

    def _key(self, connector: str, context: str) -> Key:
        if self.is_closed:
            raise ConfigurationError("This Xkit is closed", hint="Make a new one, or close it later.")
        if self._calls.is_own_thread():
            raise ConfigurationError(
                "Xkit was to be asked from inside a call to Xkit",
                hint="Hooks of plugins do no I/O: let xkit_auth_event only take notes.",
            )
        return checked_name("connector", connector), checked_name("context", context)

    def _look(self, key: Key, rejected: Credential | None) -> Credential | _Wish[Credential]:
        with self._lock:
            decision = self.cache.decide(key, rejected)
            paused = self._calls.pauses.now_for(key, time.monotonic())
            if isinstance(decision, Ask) and paused is None:
                return self._flight_for(key, rejected)
            if isinstance(decision, Serve) and decision.renew and paused is None:
                self._flight_for(key, None)
        if isinstance(decision, Serve):
            self._tell("cache_hit", *key, decision.credential)
            return decision.credential
        return self._served_on(key, rejected, paused if isinstance(decision, Ask) else decision)

    def _flight_for(self, key: Key, rejected: Credential | None) -> _Wish[Credential]:
        flight = self._flights.get(key)
        if flight is None or self._is_lost(flight):
            flight = _Wish[Credential](key, rejected)
            self._readings.pop(key, None)  # whatever is being read is older than what this call will bring
            self._start(self._flights, flight, self._credential_call_for(flight))
        return flight

    def _start(self, under_way: dict[Key, Any], flight: _Wish[Any], call: Call) -> None:
        under_way[flight.key] = flight
        try:
            self._calls.start(call)
        except RuntimeError:
            del under_way[flight.key]
            what = "Xkit could not be asked: no thread could be started"
            flight.crash(PlatformUnavailable(what, hint="Give this process more threads."))

    def _connection_call_for(self, flight: _Wish[Connection]) -> Call:
        return Call(
            flight.key,
            run=partial(self._ask_for_connection, flight),
            settle=partial(self._settle_connection, flight),
            release=flight.end,
            give_up=partial(self._give_up, self._readings, flight),
        )

    def _credential_call_for(self, flight: _Wish[Credential]) -> Call:
        return Call(
            flight.key,
            run=partial(self._ask_for_credential, flight),
            settle=partial(self._settle_credential, flight),
            release=partial(self._release_credential, flight),
            give_up=partial(self._give_up, self._flights, flight),
        )

    def _is_lost(self, flight: _Wish[Credential]) -> bool:
        return flight.since is not None and time.monotonic() - flight.since > self._timeout + _LOST_AFTER

    def _served_on(self, key: Key, rejected: Credential | None, failure: Exception | None) -> Credential:
        """What to do with a failure: serve on what is held if Xkit could not be asked, else raise the caller's own."""
        if isinstance(failure, _SAY_NOTHING_OF_THE_CREDENTIAL):
            with self._lock:
                stale = self.cache.stale(key, rejected)
            if stale is not None:
                self._tell("cache_hit", *key, stale, detail="stale")
                return stale
        raise _for_caller(failure, key)

    def _timed_out(self, key: Key) -> PlatformUnavailable:
        failure = NoAnswer(f"no answer within {self._timeout:g} seconds")
        return unanswered(failure, *key, str(self._route or self._account.base_url))

    # Asking, on a thread of our own

    def _ask_for_credential(self, flight: _Wish[Credential]) -> PlatformError | None:
        flight.since = time.monotonic()
        flight.outcome = _outcome(lambda: credential_of(self._asked(flight.key, whole=False)))
        return flight.failure

    def _settle_credential(self, flight: _Wish[Credential]) -> None:
        if self._flights.get(flight.key) is not flight:
            return  # somebody has forgotten it, or knows better by now
        del self._flights[flight.key]
        if isinstance(flight.outcome, Credential):
            self.cache.store(flight.key, flight.outcome, rejected=flight.rejected)
        elif isinstance(flight.outcome, ConnectionUnavailable):
            self.cache.unavailable(flight.key, flight.outcome)

    def _release_credential(self, flight: _Wish[Credential]) -> None:
        """Let the waiters go, after the listeners have heard of it, who thus hear things in their order."""
        outcome = flight.outcome
        try:
            if isinstance(outcome, Credential):
                self._tell("fetched", *flight.key, outcome)
            else:
                kind: EventKind = "unavailable" if isinstance(outcome, ConnectionUnavailable) else "fetch_failed"
                self._tell(kind, *flight.key, detail=type(outcome).__name__)
        finally:
            flight.end()

    def _ask_for_connection(self, flight: _Wish[Connection]) -> PlatformError | None:
        flight.outcome = _outcome(lambda: self._asked(flight.key, whole=True))
        return flight.failure

    def _settle_connection(self, flight: _Wish[Connection]) -> None:
        if self._readings.get(flight.key) is not flight:
            return
        del self._readings[flight.key]
        if isinstance(flight.outcome, Connection) and flight.outcome.credential is not None:
            self._flights.pop(flight.key, None)  # what is under way is older than this answer
            self.cache.store(flight.key, flight.outcome.credential, rejected=None)
        elif flight.failure is None:
            self.cache.forget(flight.key)

    def _give_up(self, under_way: dict[Key, Any], flight: _Wish[Any], error: PlatformError) -> None:
        with self._lock:
            if under_way.get(flight.key) is flight:
                del under_way[flight.key]
        flight.crash(error)

    def _asked(self, key: Key, *, whole: bool) -> Connection:
        """Xkit's answer for one key. Blocks."""
        connector, context = key
        url = self._account.connection_url(connector, context)
        deadline = time.monotonic() + self._timeout
        answer = self._answer(self._open_transport(), url, deadline)
        if isinstance(answer, NoAnswer):
            raise unanswered(answer, connector, context, str(self._route))
        return read_connection(answer, self._account, connector, context, wall=self.cache.wall(), whole=whole)

    def _answer(self, transport: Transport, url: str, deadline: float) -> Answer | NoAnswer:
        try:
            return transport.get(url, self._account.headers, deadline)
        except NoAnswer as failure:
            said = shown(failure, self._account.secrets())
            return failure.with_traceback(None) if said == str(failure) else NoAnswer(said)

    def _open_transport(self) -> Transport:
        if self._transport is None:  # two threads may both open one: it keeps nothing
            self._route = self._network.route_to(self._account.base_url)
            self._transport = _first_installed(self._adapter, self._route)
        return self._transport


def _outcome(ask: Callable[[], _Answer]) -> _Answer | XkitAuthError:
    """What came of asking, an error included: it goes to those who wait, not up the stack of our own thread."""
    try:
        return ask()
    except XkitAuthError as error:
        return error.with_traceback(None)
    except Exception as error:  # no adapter foresaw it, and nobody knows what its text holds
        unexpected = PlatformUnavailable(f"Asking Xkit failed with {type(error).__name__}", hint="Please report this.")
    return unexpected


def _for_caller(failure: Exception | None, key: Key) -> XkitAuthError:
    assert isinstance(failure, XkitAuthError)
    return own_copy(failure, *key)


def _first_installed(preferred: str | None, route: Route) -> Transport:
    for adapter in (preferred,) if preferred else _ADAPTERS:
        try:
            module = importlib.import_module(adapter)
        except ModuleNotFoundError:
            continue
        transport: Transport = module.open_transport(route=route)
        return transport
    raise ConfigurationError(
        "No HTTP library is installed to call Xkit with",
        hint="Install one of them: pip install 'xkit-auth[httpx]', 'xkit-auth[httpx2]' or 'xkit-auth[requests]'.",
    )


# Waiting, in a thread or in a task


def waited(asking: Asking[_Answer]) -> _Answer:
    """The answer, waited for in this thread."""
    try:
        flight, timeout = next(asking)
        while True:
            flight, timeout = asking.send(flight.wait(timeout))
    except StopIteration as stop:
        answer: _Answer = stop.value
        return answer


async def awaited(asking: Asking[_Answer]) -> _Answer:
    """The answer, waited for in this asyncio or trio task."""
    try:
        flight, timeout = next(asking)
        while True:
            flight, timeout = asking.send(await flight.wait_async(timeout))
    except StopIteration as stop:
        answer: _Answer = stop.value
        return answer
