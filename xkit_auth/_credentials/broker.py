"""Getting a connection or a credential out of Xkit: who asks, who waits, what is held, and what happens in an outage.

One short lock guards the held credentials, the flights and the pauses. It is never held during I/O, while anybody waits
or while a thread is started. Calls run on threads of our own; whoever wants an answer waits for a flight to land.

A signal handler or a finaliser may run between any two steps of a thread. If it raises, the next who comes finds things
as they can go on from; if it asks for something itself while its own thread holds the lock, it asks Xkit on its own.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Generator, Hashable
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any, Protocol, TypeAlias, TypeVar

from .._sources import (
    Account,
    Answer,
    Network,
    NoAnswer,
    Route,
    Transport,
    checked_name,
    credential_of,
    read_connection,
    unanswered,
)
from .._values import (
    AuthorizationPending,
    ConfigurationError,
    Connection,
    ConnectionUnavailable,
    Credential,
    EventKind,
    OfProcess,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    XkitAuthError,
    own_copy,
    shown,
    to_install,
    told,
)
from .cache import Ask, Cache, Key, Serve
from .calls import A_FREEZE, Call, Calls
from .flight import Flight
from .log import Log

_ADAPTERS = ("xkit_auth.httpx2", "xkit_auth.httpx", "xkit_auth.requests")
_LOST_AFTER = 1.0
_LOOK_AGAIN_AFTER = 1.0
_TRIES = (False, False, True)
"""The calls that a caller waits for, one after the other, and whether it is the last one."""


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
        seconds: float | None = None,
    ) -> None:
        """Pass it on."""


class _Wish(Flight[_Answer], Call):
    """A call to Xkit for one key, and the flight of those who wait for it.

    ``rejected`` is the credential that made it necessary, ``origins`` are those that turned it down, and ``outcome`` is
    what came of it.
    """

    def __init__(
        self, key: Key, broker: Broker, here: _Here, rejected: Credential | None = None, origin: Hashable = None
    ) -> None:
        Flight.__init__(self)
        Call.__init__(self, key)
        self.key: Key = key
        self._broker = broker
        self._here = here
        self.rejected = rejected
        self.origins = {origin}
        self.outcome: _Answer | XkitAuthError | None = None
        self._since_wall: float | None = None
        self.seconds = 0.0

    @property
    @abstractmethod
    def _under_way(self) -> dict[Key, Any]:
        """Where it stands, as long as it is the newest about its key."""
        ...

    @abstractmethod
    def _ask(self) -> _Answer:
        """Ask Xkit. Blocks."""
        ...

    @abstractmethod
    def _settled(self) -> None:
        """Put the outcome where others find it."""
        ...

    def run(self) -> XkitAuthError | None:
        """Ask Xkit. An error goes to those who wait, not up the stack of our own thread."""
        self._since_wall, began = self._broker.cache.wall(), time.monotonic()
        try:
            self.outcome = self._ask()
        except XkitAuthError as error:
            self.outcome = error.with_traceback(None)
        except Exception as error:  # no adapter foresaw it, and nobody knows what its text holds
            what = f"Asking Xkit failed with {type(error).__name__}"
            self.outcome, self.mark = (
                PlatformUnavailable(what, hint="This is a mistake in xkit-auth: please report it."),
                None,
            )
        self.seconds = time.monotonic() - began
        self.is_void = self.is_void or self.is_overdue()
        return self.outcome if isinstance(self.outcome, XkitAuthError) else None

    def is_overdue(self) -> bool:
        """Whether it has been under way for longer than any call, by one of the clocks.

        If it ends after all, it says nothing about Xkit: either it has no end, which was counted when it was due, or
        the process was frozen meanwhile.
        """
        if self.since is None:
            return False
        longest = self._broker._timeout + _LOST_AFTER
        by_wall = 0.0 if self._since_wall is None else self._broker.cache.wall() - self._since_wall
        return time.monotonic() - self.since > longest or by_wall > longest

    def settle(self) -> None:
        """Put the outcome where others find it, unless somebody has forgotten this call or knows better by now."""
        if self._under_way.get(self.key) is self:
            del self._under_way[self.key]
            self._settled()

    def release(self) -> None:
        """Let the waiters have the outcome."""
        if isinstance(self.outcome, XkitAuthError):
            self.crash(self.outcome)
        else:
            assert self.outcome is not None
            self.land(self.outcome)
        self._log()

    def _log(self) -> None:
        """Log the call, now that nobody waits for it any more."""
        log, outcome = self._broker.log, self.outcome
        if isinstance(outcome, ConnectionUnavailable):
            log.unavailable(self.key, type(outcome).__name__, self.seconds)
        elif isinstance(outcome, XkitAuthError):
            log.call(self.key, self.seconds, None, type(outcome).__name__)
        else:
            credential = outcome.credential if isinstance(outcome, Connection) else outcome
            log.call(self.key, self.seconds, credential if isinstance(credential, Credential) else None)

    def give_up(self, error: PlatformError) -> None:
        """Let the waiters have this error."""
        with self._here.lock:
            if self._under_way.get(self.key) is self:
                del self._under_way[self.key]
        self.crash(error)


class _WishForCredential(_Wish[Credential]):
    @property
    def _under_way(self) -> dict[Key, Any]:
        return self._here.flights

    def _ask(self) -> Credential:
        return credential_of(self._broker._asked(self.key, whole=False))

    def _settled(self) -> None:
        cache = self._broker.cache
        if isinstance(self.outcome, Credential):
            cache.store(self.key, self.outcome, rejected=self.rejected, origins=self.origins)
        elif isinstance(self.outcome, ConnectionUnavailable):
            cache.unavailable(self.key, self.outcome)
        elif not self.is_void:
            cache.failed(self.key)

    def release(self) -> None:
        """Let the waiters go, after the listeners have heard of it, who thus hear things in their order."""
        try:
            if isinstance(self.outcome, Credential):
                self._broker._tell("fetched", *self.key, self.outcome, seconds=self.seconds)
            else:
                kind: EventKind = "unavailable" if isinstance(self.outcome, ConnectionUnavailable) else "fetch_failed"
                self._broker._tell(kind, *self.key, detail=type(self.outcome).__name__, seconds=self.seconds)
        finally:
            super().release()


class _WishForConnection(_Wish[Connection]):
    @property
    def _under_way(self) -> dict[Key, Any]:
        return self._here.readings

    def _ask(self) -> Connection:
        return self._broker._asked(self.key, whole=True)

    def _settled(self) -> None:
        if isinstance(self.outcome, Connection) and self.outcome.credential is not None:
            self._here.flights.pop(self.key, None)  # what is under way is older than this answer
            self._broker.cache.store(self.key, self.outcome.credential, rejected=None)
        elif isinstance(self.outcome, (Connection, ConnectionUnavailable)):
            self._broker.cache.forget(self.key)


class _Patience:
    """How long a caller waits, in steps. Time in which the process did not run does not count."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._looked = time.monotonic()
        self._until = self._looked + seconds
        self._step = 0.0
        self.is_over = False

    def step(self) -> float:
        """How long to wait until something is to be looked at."""
        self.look()
        left = self._until - self._looked
        self.is_over = left <= _LOOK_AGAIN_AFTER
        self._step = max(min(left, _LOOK_AGAIN_AFTER), 0.0)
        return self._step

    def look(self) -> None:
        """Look at the clock after a step."""
        now = time.monotonic()
        too_long = now - self._looked - self._step
        self._looked, self._step = now, 0.0
        if too_long > A_FREEZE:
            self._until += too_long
            self.is_over = self._until <= now


class _Here:
    """What one process has: its lock, and its calls under way."""

    def __init__(self, max_calls: int, longest: float, tell_outage: Callable[[bool], None] | None = None) -> None:
        self.lock = threading.RLock()
        self.flights: dict[Key, _WishForCredential] = {}
        self.readings: dict[Key, _WishForConnection] = {}
        self.calls = Calls(max_calls, self.lock, longest, tell_outage)

    @property
    def is_out_of_reach(self) -> bool:
        """Whether nobody else would come to make a call.

        We may be in a signal handler or a finaliser that interrupted its own thread where that holds the lock or starts
        a thread; or Python is shutting down, and threads have stopped wherever they were.
        """
        is_inside: bool = self.lock._is_owned() or self.calls.is_starting_a_thread()  # type: ignore[attr-defined]
        return is_inside or sys.is_finalizing()


class Broker:
    """Everything between a wish for a credential and Xkit's answer.

    Args:
        account: whose Platform API is asked.
        cache: the held credentials.
        timeout: seconds that a caller waits in total.
        max_calls: calls to Xkit at once, at the most.
        tell: called with what happened.
        log: where that is logged.
        network: how calls leave this machine.
    """

    def __init__(
        self,
        account: Account,
        cache: Cache,
        *,
        timeout: float,
        max_calls: int,
        tell: Tell,
        log: Log,
        network: Network,
    ) -> None:
        self._account = account
        self._network = network
        self.cache = cache
        self._timeout = timeout
        self._max_calls = max_calls
        self._tell = tell
        self.log = log
        self._adapter: str | None = None
        self._route: Route | None = None
        self._transport: Transport | None = None
        self._is_known = False  # whether a connection was read, so that it is Xkit that answers
        self.is_closed = False
        self._of_process = OfProcess(partial(_Here, max_calls, timeout + _LOST_AFTER, self._tell_outage))

    def _tell_outage(self, begins: bool) -> None:
        self.log.outage(begins=begins)

    def _here(self) -> _Here:
        # When Python shuts down, a thread that has stopped may hold the lock for ever.
        return _Here(1, 0.0) if sys.is_finalizing() else self._of_process()

    def prefer(self, adapter: str) -> None:
        """Make calls with the HTTP library of this adapter, if none has been chosen yet."""
        if self._adapter is None:
            self._adapter = adapter

    # Wishes

    def asking(
        self,
        connector: str,
        context: str,
        rejected: Credential | None,
        *,
        origin: Hashable = None,
        seconds: float | None = None,
        may_block: bool = False,
    ) -> Asking[Credential]:
        """Get a credential.

        ``origin`` is where it is to go, and who turned ``rejected`` down. ``seconds`` are how long the caller waits, if
        that is less than the account's timeout. ``may_block`` says that the caller can make the call if there is nobody
        else.
        """
        here = self._here()
        key = self._key(here, connector, context)
        if here.is_out_of_reach:
            return self._asked_alone(_WishForCredential(key, self, here))
        patience = _Patience(self._timeout if seconds is None else min(seconds, self._timeout))
        for is_last_try in _TRIES:
            found = self._look(here, key, rejected, origin)
            if isinstance(found, Credential):
                return found
            failure = yield from self._waiting(here, found, patience, may_block)
            if failure is not None:
                if found.is_void and not (is_last_try or patience.is_over):
                    continue
                return self._served_on(here, key, rejected, failure)
            assert found.result is not None
            if is_last_try or found.result != rejected or found.rejected == rejected:
                return found.result
            # The call had begun before this credential was turned down, so its answer proves nothing yet.
        raise AssertionError("the last try always ends")  # pragma: no cover

    def reading(self, connector: str, context: str, *, may_block: bool = False) -> Asking[Connection]:
        """Get a connection, from a call of its own."""
        here = self._here()
        key = self._key(here, connector, context)
        wish = _WishForConnection(key, self, here)
        if here.is_out_of_reach:
            return self._asked_alone(wish)
        patience = _Patience(self._timeout)
        failure = yield from self._reading(here, wish, patience, may_block)
        if failure is not None and wish.is_void and not patience.is_over:
            wish = _WishForConnection(key, self, here)
            failure = yield from self._reading(here, wish, patience, may_block)
        if failure is not None:
            raise self._for_caller(here, failure, key)
        assert wish.result is not None
        return wish.result

    def _reading(
        self, here: _Here, wish: _WishForConnection, patience: _Patience, may_block: bool
    ) -> Generator[tuple[Flight[Any], float], bool, Exception | None]:
        with here.lock:
            paused = here.calls.pauses.now_for(wish.key, time.monotonic())
            if paused is not None:
                return paused
            here.calls.put(wish)
            here.readings[wish.key] = wish
        return (yield from self._waiting(here, wish, patience, may_block))

    def leave_alone(self, key: Key, credential: Credential, origin: Hashable = None) -> None:
        """Two credentials in a row were turned down: do not ask for another one for a while."""
        with self._here().lock:
            self.cache.leave_alone(key, credential, origin)

    def accepted(self, key: Key, credential: Credential, origin: Hashable) -> None:
        """A credential was accepted, after somebody has turned one down."""
        with self._here().lock:
            self.cache.accepted(key, credential, origin)

    def denied(self, key: Key, credential: Credential) -> None:
        """A provider wants more rights, which the user may have granted by now: ask in the background, but seldom."""
        here = self._here()
        if here.is_out_of_reach or self.is_closed:
            return
        with here.lock:
            if here.calls.pauses.now_for(key, time.monotonic()) or not self.cache.may_have_more_rights(key, credential):
                return
            self._wish_for(here, key, None)
        here.calls.staff()

    def hint(self, key: Key, *, bad: bool) -> None:
        """Somebody says that the connection has changed."""
        here = self._here()
        with here.lock:
            if self.cache.hint(key, bad=bad, is_asking=key in here.flights):
                here.flights.pop(key, None)

    def forget(self, connector: str | None, context: str | None) -> None:
        """Drop what is held, and let calls under way count only for those who wait for them."""
        here = self._here()
        with here.lock:
            if connector is None and context is None:
                self.cache.forget_all()
            for key in list(self.cache.keys(connector, context)):
                self.cache.forget(key)
            for notes in (here.flights, here.readings, here.calls.pauses.of_key):
                for key in list(notes):
                    if connector in (None, key[0]) and context in (None, key[1]):
                        notes.pop(key, None)

    def begin_anew(self) -> None:
        """Drop what is held, and forget all failures: what was asked is another Xkit now."""
        self.forget(None, None)
        here = self._here()
        with here.lock:
            here.calls.pauses.clear()

    def knows(self, connector: str) -> bool:
        """Whether anybody has used this connector."""
        here = self._here()
        with here.lock:
            keys = (*self.cache.keys(connector, None), *here.flights, *here.readings)
            return self.cache.has_table(connector) or any(key[0] == connector for key in keys)

    def close(self) -> None:
        """Drop everything; fail the calls that have not begun."""
        self.forget(None, None)
        here = self._here()
        with here.lock:
            self.is_closed = True
            left = here.calls.close()
        for call in left:
            call.give_up(
                PlatformUnavailable(
                    "This Xkit was closed while the call waited for its turn",
                    hint="Close it when your application has no more requests, or make a new one.",
                )
            )

    # Deciding whether to ask

    def _key(self, here: _Here, connector: str, context: str) -> Key:
        if self.is_closed:
            raise ConfigurationError("This Xkit is closed", hint="Make a new one, or close it later.")
        if here.calls.is_own_thread():
            raise ConfigurationError(
                "Xkit was to be asked from inside a call to Xkit",
                hint="Hooks of plugins do no I/O: let xkit_auth_event only take notes.",
            )
        return checked_name("connector", connector), checked_name("context", context)

    def _look(
        self, here: _Here, key: Key, rejected: Credential | None, origin: Hashable
    ) -> Credential | _WishForCredential:
        wish = None
        with here.lock:
            decision = self.cache.decide(key, rejected, origin)
            paused = here.calls.pauses.now_for(key, time.monotonic())
            if isinstance(decision, Ask) and paused is None:
                return self._wish_for(here, key, rejected, origin)
            if isinstance(decision, Serve) and decision.renew and paused is None:
                wish = self._wish_for(here, key, None)
        if wish is not None and wish.since is None:
            here.calls.staff()
        if isinstance(decision, Serve):
            self._tell("cache_hit", *key, decision.credential)
            return decision.credential
        return self._served_on(here, key, rejected, paused if isinstance(decision, Ask) else decision)

    def _wish_for(
        self, here: _Here, key: Key, rejected: Credential | None, origin: Hashable = None
    ) -> _WishForCredential:
        wish = here.flights.get(key)
        if wish is not None and rejected is not None and wish.rejected == rejected:
            wish.origins.add(origin)
        if wish is None or self._is_lost(wish):
            wish = _WishForCredential(key, self, here, rejected, origin)
            here.readings.pop(key, None)  # whatever is being read is older than what this call will bring
            here.calls.put(wish)  # before others can find it: what they wait for is on its way
            here.flights[key] = wish
        return wish

    def _is_lost(self, wish: _WishForCredential) -> bool:
        """Whether nobody can be waiting for it any more, or it is of no use to wait.

        A call in this very thread was interrupted, or goes on when we are through.
        """
        return (wish.since is not None and wish.thread == threading.get_ident()) or wish.is_overdue()

    def _waiting(
        self, here: _Here, wish: _Wish[Any], patience: _Patience, may_block: bool
    ) -> Generator[tuple[Flight[Any], float], bool, Exception | None]:
        """Wait for a call, and see to it that somebody makes it. What came of it if that is a failure."""
        if self._transport is None:
            # In the caller's own thread, which may hold a lock that the import takes, such as that of logging.
            with suppress(ConfigurationError):  # whoever makes the call says so
                _adapter_module(self._adapter)
        while True:
            if wish.since is None and not here.calls.staff():
                if not may_block:
                    return PlatformUnavailable(
                        "Xkit could not be asked: no thread could be started", hint="Give this process more threads."
                    )
                here.calls.run_here(wish)
            has_landed = yield wish, patience.step()
            patience.look()
            if has_landed:
                return wish.error
            here.calls.look()
            if not patience.is_over and wish.is_overdue():
                wish.is_void = True
            if patience.is_over or wish.is_void:
                return self._timed_out(wish.key, patience.seconds)

    def _asked_alone(self, wish: _Wish[_Answer]) -> _Answer:
        """Ask Xkit for ourselves, and leave alone what all threads share."""
        wish.run()
        if isinstance(wish.outcome, XkitAuthError):
            raise self._for_caller(wish._here, wish.outcome, wish.key)
        assert wish.outcome is not None
        return wish.outcome

    def _for_caller(self, here: _Here, failure: Exception | None, key: Key) -> XkitAuthError:
        """The caller's own error, which says when to try again if that may help."""
        assert isinstance(failure, XkitAuthError)
        error = own_copy(failure, *key)
        if isinstance(error, PlatformUnavailable):
            error.retry_after = max(here.calls.pauses.left_for(key, time.monotonic()), PlatformUnavailable.retry_after)
        elif isinstance(error, AuthorizationPending):
            error.retry_after = max(self.cache.unavailable_for(key), 0.0) or AuthorizationPending.retry_after
        return error

    def _served_on(self, here: _Here, key: Key, rejected: Credential | None, failure: Exception | None) -> Credential:
        """What to do with a failure: serve on what is held if Xkit could not be asked, else raise the caller's own."""
        if isinstance(failure, _SAY_NOTHING_OF_THE_CREDENTIAL):
            with here.lock:
                stale = self.cache.stale(key, rejected)
            if stale is not None:
                self._tell("cache_hit", *key, stale, detail="stale")
                return stale
        raise self._for_caller(here, failure, key)

    def _timed_out(self, key: Key, seconds: float) -> PlatformUnavailable:
        failure = NoAnswer(f"no answer within {seconds:g} seconds")
        error = unanswered(failure, *key, str(self._route or self._account.base_url))
        if seconds < self._timeout:
            error.hint += (
                f" It was the timeout of the request itself that ended the wait: Xkit(timeout=…) is {self._timeout:g}."
            )
        return error

    # Asking, on a thread of our own

    def _asked(self, key: Key, *, whole: bool) -> Connection:
        """Xkit's answer for one key. Blocks."""
        connector, context = key
        url = self._account.connection_url(connector, context)
        deadline = time.monotonic() + self._timeout
        answer = self._answer(self._open_transport(), url, deadline)
        if isinstance(answer, NoAnswer):
            raise unanswered(answer, connector, context, str(self._route))
        connection = read_connection(
            answer, self._account, connector, context, wall=self.cache.wall(), whole=whole, is_known=self._is_known
        )
        self._is_known = True
        return connection

    def _answer(self, transport: Transport, url: str, deadline: float) -> Answer | NoAnswer:
        try:
            return transport.get(url, self._account.headers, deadline)
        except NoAnswer as failure:
            said = shown(failure, self._account.secrets())
            return failure.with_traceback(None) if said == str(failure) else NoAnswer(said)

    def _open_transport(self) -> Transport:
        if self._transport is None:  # two threads may both open one: it keeps nothing
            self._route = self._network.route_to(self._account.base_url)
            transport: Transport = _adapter_module(self._adapter).open_transport(route=self._route)
            self._transport = transport
        return self._transport


def _adapter_module(preferred: str | None) -> ModuleType:
    for adapter in (preferred,) if preferred else _ADAPTERS:
        try:
            return importlib.import_module(adapter)
        except ModuleNotFoundError:
            continue
        except ImportError as error:
            library = adapter.rpartition(".")[2]
            raise ConfigurationError(
                f"{library} cannot be imported to call Xkit with: {told(error)}",
                hint=f"Bring it to a version that xkit-auth knows: {to_install(library)}.",
            ) from error
    raise ConfigurationError(
        "No HTTP library is installed to call Xkit with",
        hint=f"Choose one of httpx, httpx2 and requests. For httpx: {to_install('httpx')}.",
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
