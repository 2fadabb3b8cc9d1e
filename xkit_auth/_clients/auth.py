"""The base of all auth objects: their arguments, and how a request gets its credential."""

from __future__ import annotations

import copy
import pickle
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextvars import ContextVar
from functools import partial
from inspect import iscoroutine
from typing import Any, Literal, NoReturn, TypeVar

from .._account import CurrentContext, Home, Xkit, hosts_for_one, kind_given, params_given, readable_hosts
from .._connectors import Policy, Sending, some
from .._credentials import Asking, awaited, waited
from .._sources import checked_name
from .._values import (
    ANY,
    ConfigurationError,
    Credential,
    HostNotAllowed,
    Origin,
    RequestView,
    Verdict,
    XkitAuthError,
    _Any,
    a_kind_of,
    origin_of,
    says_how_to_call,
)
from .flow import Fetch, Life, Step, Tell, advance

_MOST_SEEN = 1024
_GET, _AGET = Xkit.get_credential, Xkit.aget_credential
_MOST_KNOWN_ORIGINS = 1024

Context = str | Callable[[], str] | ContextVar[str]
Hosts = Iterable[str] | Callable[[str], Iterable[str] | None]
Params = Mapping[str, str] | Callable[[str], Mapping[str, str] | None]
Kind = str | Callable[[str], str | None]
OffHost = Literal["raise", "bare"]


class Settled:
    """What an auth object keeps for an origin, so that it is worked out once."""

    __slots__ = ("held", "is_watchful", "ordinary_below", "origin", "place", "policy", "seen", "xkit")

    def __init__(self, xkit: Xkit, policy: Policy, origin: Origin | None) -> None:
        cache = xkit.broker.cache
        self.xkit = xkit
        self.policy = policy
        self.origin = origin
        #: Returns the held credential of a context, or ``None`` if the broker has to be asked.
        self.held: Callable[[str], Credential | None] = partial(cache.fresh, cache.table(policy.slug))
        if xkit.directory.listeners():
            self.held = partial(self._held_and_told, self.held)
        #: A response below this status is neither a rejection nor a redirect, and needs nothing.
        self.ordinary_below = 0 if policy.writes_url else min(policy.unremarkable_below, 300)
        self.seen: set[int] = set()
        #: What the client room keeps about the origin, in its library's terms.
        self.place: Any = None
        #: Whether every response is examined.
        self.is_watchful = False

    def watchful(self) -> Settled:
        """Return a copy for a request whose response is always examined, since a credential was rejected lately."""
        twin = copy.copy(self)
        twin.is_watchful, twin.ordinary_below = True, 0
        if self.place is not None:
            twin.place = copy.copy(self.place)
            twin.place.ordinary_below = 0
        return twin

    def _held_and_told(self, held: Callable[[str], Credential | None], context: str) -> Credential | None:
        credential = held(context)
        if credential is not None:
            self.xkit.directory.tell("cache_hit", self.policy.slug, context, credential)
        return credential


class Trip:
    """The state of one request: its context, its connector and its ``Xkit``, and the credential that it carries.

    Attributes:
        credential: the credential that the request carries, once there is one.
        written: the credential's headers, once they are needed.
    """

    credential: Credential
    written: Sending | None = None  # set on the class, since few requests need their own

    def __init__(self, settled: Settled, context: str) -> None:
        self.settled = settled
        self.context = context

    def write(self, credential: Credential, view: Callable[[], RequestView]) -> Sending:
        """Return the headers for a credential on this request.

        Raises:
            XkitAuthError: the credential, or what a plugin returned, cannot be sent.
        """
        try:
            return self.policy.write(credential, view)
        except XkitAuthError as error:
            self.explain(error)
            raise

    @property
    def sending(self) -> Sending:
        """The credential's headers on the request. After ``put_plain`` they are computed on first use."""
        if self.written is None:
            self.written = self.settled.policy.plain(self.credential)
        return self.written

    @property
    def policy(self) -> Policy:
        """The connector's policy."""
        return self.settled.policy

    @property
    def xkit(self) -> Xkit:
        """The ``Xkit`` that the credential comes from."""
        return self.settled.xkit

    def has_looked_at(self, client: object) -> bool:
        """Return whether this part of a client was examined before, and remember it: one examination is enough."""
        seen = self.settled.seen
        if id(client) in seen:
            return True
        if len(seen) >= _MOST_SEEN:
            seen.clear()
        seen.add(id(client))
        return False

    @property
    def origin(self) -> Origin | None:
        """The origin that the credential goes to, if it is known."""
        return self.settled.origin

    @property
    def is_watched(self) -> bool:
        """Whether the response is examined even if it is an ordinary one."""
        return self.settled.is_watchful

    def watch(self) -> None:
        """Examine the response, whatever its status."""
        self.settled = self.settled.watchful()

    def fetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """Return the credential, asking Xkit if need be, for ``seconds`` at most. Blocks."""
        if getattr(self.xkit.get_credential, "__func__", None) is not _GET:  # overridden by a subclass or a test
            return self.xkit.get_credential(self.policy.slug, context=self.context, rejected=rejected)
        with self.xkit._explaining():
            return self._fetched(waited(self._asking(rejected, seconds, may_block=True)))

    async def afetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """Return the credential like ``fetch``, without blocking."""
        if getattr(self.xkit.aget_credential, "__func__", None) is not _AGET:
            return await self.xkit.aget_credential(self.policy.slug, context=self.context, rejected=rejected)
        with self.xkit._explaining():
            return self._fetched(await awaited(self._asking(rejected, seconds, may_block=False)))

    def _asking(self, rejected: Credential | None, seconds: float | None, *, may_block: bool) -> Asking[Credential]:
        broker, slug = self.xkit.broker, self.policy.slug
        return broker.asking(slug, self.context, rejected, origin=self.origin, seconds=seconds, may_block=may_block)

    def _fetched(self, credential: Credential) -> Credential:
        if not self.is_watched and self.xkit.broker.cache.is_watched((self.policy.slug, self.context)):
            self.watch()
        return credential

    def note_rejected(self, step: Fetch) -> None:
        """Tell listeners that a provider rejected the credential."""
        self.xkit.directory.tell("rejected", self.policy.slug, self.context, step.rejected, step.verdict.value)

    def after_fetch(self, flow: Life, step: Fetch, current: Credential) -> Step | None:
        """Continue the flow with the fetched credential. Return the next step, or ``None`` if nothing is resent."""
        following = advance(flow, current)
        if following is None:
            why = "same_credential" if current == step.rejected else "body"
            self.xkit.directory.tell("not_resent", self.policy.slug, self.context, current, why)
        return following

    def note(self, step: Tell) -> None:
        """Act on what a response means for the credential, unless another one has to be fetched."""
        verdict, detail = step.judgement
        if step.changed:
            self.xkit.directory.tell("account_changed", self.policy.slug, self.context, step.credential)
        elif step.final:
            self.xkit.broker.leave_alone((self.policy.slug, self.context), step.credential, self.origin)
            self.xkit.directory.tell("rejected", self.policy.slug, self.context, step.credential, verdict.value)
        elif verdict is Verdict.CHALLENGE:
            self.xkit.directory.tell("challenged", self.policy.slug, self.context, step.credential, detail)
        elif verdict is Verdict.DENIED:
            self.xkit.broker.denied((self.policy.slug, self.context), step.credential)
        elif verdict is Verdict.ACCEPTED:
            self.note_accepted(step.credential)

    def is_proof(self, answer: Any) -> bool:
        """Return whether this response is to be recorded as accepting the credential."""
        return self.is_watched and 200 <= answer.status < 300

    def note_accepted(self, credential: Credential) -> None:
        """Record that a provider accepted the credential."""
        self.xkit.broker.accepted((self.policy.slug, self.context), credential, self.origin)

    def note_resent(self, credential: Credential) -> None:
        """Tell listeners that a request is resent."""
        self.xkit.directory.tell("resent", self.policy.slug, self.context, credential)

    def note_redirected(self, url: str) -> None:
        """Tell listeners of a redirect to another origin of the connector, where no credential is sent."""
        if self.policy.allows(url):
            origin = str(origin_of(url))
            self.xkit.directory.tell("redirected", self.policy.slug, self.context, self.credential, origin)

    def warn_of_another(self, name: str) -> None:
        """Warn once that other code has replaced the credential in a header."""
        self.xkit.directory.warn_once(
            f"Something has replaced the credential in the header {name} after xkit-auth had put it on: an event hook"
            " of the client, its transport or adapter, or another auth object. The provider gets that value, and if"
            " it is rejected, no new credential is fetched. Keep that code away from requests that have an XkitAuth."
        )

    def explain(self, error: XkitAuthError) -> None:
        """Add the connector, the context and what to do to an error."""
        error.connector = error.connector or self.policy.slug
        error.context = error.context or self.context
        self.xkit.explain(error)


class BaseAuth:
    """The base of every ``XkitAuth``: its arguments, and how a request gets its ``Trip``."""

    #: The client's module, whose library also makes the calls to Xkit; ``None`` if there is no client.
    _adapter: str | None
    _trip_type: type[Any] = Trip

    @says_how_to_call
    def __init__(
        self,
        connector: str | _Any,
        *,
        context: Context,
        xkit: Xkit | None = None,
        hosts: Hosts | None = None,
        params: Params | None = None,
        kind: Kind | None = None,
        off_host: OffHost = "raise",
    ) -> None:
        """Check the arguments; no call is made and no plugin is loaded before the first request.

        Args:
            connector: the connector's slug in your Xkit project, or ``ANY`` to choose it by the request's host.
            context: whose credential it is: the application's own id of a user or group. Or what returns it when a
                request is made: ``current_context``, a function without arguments, or a ``ContextVar`` of your own.
            xkit: the Xkit account; default: ``Xkit.default()``.
            hosts: the hosts that may receive the credential, instead of the connector's own.
            params: per-connection data that the connector's hosts or headers need, such as ``{"subdomain": "acme"}``.
            kind: the connector's kind of credential; default: its first.
            off_host: what to do with a URL outside the connector's hosts: ``"raise"`` ``HostNotAllowed`` before
                anything is asked or sent, or send it ``"bare"``, without the credential.

        ``hosts``, ``params`` and ``kind`` may each be a function that takes the context. A function may not return
        hosts with wildcards, since the name of a tenant could be ``*``.

        Raises:
            ConfigurationError: an argument is not valid. What depends on plugins is checked by the first request.
        """
        self._connector = ANY if connector is ANY else checked_name("connector", connector)
        self._context: Context | _Lost = checked_whose(context, xkit)
        if off_host not in ("raise", "bare"):
            raise ConfigurationError(
                'off_host= must be "raise" or "bare"', hint='"bare" sends a request elsewhere without the credential.'
            )
        self._xkit: Xkit | _Lost | None = xkit
        self._hosts = hosts if hosts is None or callable(hosts) else readable_hosts(hosts)
        self._params = params if params is None or callable(params) else params_given(params)
        self._kind = kind if callable(kind) else kind_given(kind)
        self._off_host = off_host
        self._by_origin: dict[Hashable, Settled] = {}
        self._shared_as: Hashable = None
        if xkit is not None and hosts is params is kind is None:
            # Objects that differ only by context share their ``Settled``, so that making one per user is cheap.
            self._shared_as = self._adapter, self._connector
            self._by_origin = xkit.directory.shared(self._shared_as)

    @abstractmethod
    def _url_of(self, request: Any) -> str:
        """Return the absolute URL of this request, with the origin that the client will connect to."""

    def _trip(self, origin_key: Hashable, request: Any) -> Any:
        """Return the request's ``Trip``, of the client's own class; ``None`` if it is sent without the credential.

        ``origin_key`` is the client's own key for the request's origin. The same key always means the same origin.
        """
        given = self._context
        context = given if isinstance(given, str) else context_now(given)
        settled = self._by_origin.get(origin_key)
        if settled is not None and settled.xkit.is_settled:
            return self._trip_type(settled, context)
        return self._first_trip(context, origin_key, self._url_of(request))

    def _first_trip(self, context: str, origin_key: Hashable, url: str) -> Any:
        xkit = self._account()
        if self._adapter is not None:
            xkit.broker.prefer(self._adapter)
        slug = xkit.directory.slug_for(url) if self._connector is ANY else self._connector
        policy = None
        if isinstance(slug, str):
            params, kind = _given("params", self._params, context), _given("kind", self._kind, context)
            policy = xkit.directory.policy_for(slug, hosts=self._hosts_for(context), params=params, kind=kind)
        if policy is None or not policy.allows(url):
            if self._off_host == "bare":
                return None
            raise _not_allowed(url, context, policy, xkit.directory.home)
        settled = Settled(xkit, policy, origin_of(url))
        if self._connector is not ANY and not any(map(callable, (self._hosts, self._params, self._kind))):
            if len(self._by_origin) >= _MOST_KNOWN_ORIGINS:
                self._by_origin.clear()
            self._by_origin[origin_key] = settled
            if self._shared_as is not None:  # only once the connector exists: a slug can be any string
                self._by_origin = xkit.directory.share(self._shared_as, self._by_origin)
        return self._trip_type(settled, context)

    def _misled(self, trip: Trip, what: str) -> None:
        """Refuse a request that names another host besides its URL."""
        if self._off_host == "raise":
            raise HostNotAllowed(
                f"{what} names another host than the URL: the credential would be received there",
                connector=trip.policy.slug,
                context=trip.context,
                hint="Nothing was asked and nothing was sent. Let both name the same host, or name it in the URL alone."
                ' Use off_host="bare" to send such requests without the credential.',
            )

    def _hosts_for(self, context: str) -> Iterable[str] | None:
        if not callable(self._hosts):
            return self._hosts
        hosts = _given("hosts", self._hosts, context)
        return None if hosts is None else hosts_for_one(hosts)

    def _account(self) -> Xkit:
        if isinstance(self._xkit, _Lost):
            self._xkit.complain()
        return Xkit.default() if self._xkit is None else self._xkit

    def __repr__(self) -> str:
        connector = getattr(self, "_connector", None)  # a crash reporter may call this before it is set
        return f"{self._adapter}.{type(self).__name__}({'' if connector is None else repr(connector)})"

    def __getstate__(self) -> dict[str, Any]:
        # requests pickles a response with the hooks of its request, and so with this object. The account is left out,
        # since it holds keys and credentials.
        state = {name: _kept(name, value) for name, value in self.__dict__.items() if name != "_by_origin"}
        state["_xkit"] = None if self._xkit is None else _Lost("xkit")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _by_origin={})

    def __copy__(self: _Self) -> _Self:
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def __deepcopy__(self: _Self, _memo: object) -> _Self:
        return self.__copy__()


_Self = TypeVar("_Self", bound=BaseAuth)


def checked_whose(context: Any, xkit: object) -> Context:
    """Check ``context=`` and ``xkit=`` as far as that is possible before a request, and return the context.

    Raises:
        ConfigurationError: one of them is not valid.
    """
    if xkit is not None and not isinstance(xkit, Xkit):
        raise ConfigurationError(
            f"xkit= is not an Xkit but {'the class itself' if xkit is Xkit else a_kind_of(xkit)}",
            hint="Make one, and give that: Xkit(publishable_key=…, secret_key=…).",
        )
    if isinstance(context, Xkit):
        raise ConfigurationError(
            "context= is an Xkit, which is an account and not a user",
            hint='Give the account as xkit=, and your own id of the user as context=: context="user-42", xkit=….',
        )
    comes_later = not isinstance(context, str) and (callable(context) or isinstance(context, ContextVar))
    return context if comes_later else checked_name("context", context)  # pyright: ignore[reportReturnType]


def context_now(given: Context | _Lost) -> str:
    """Return the context that a ``context=`` argument stands for at this moment.

    Raises:
        ConfigurationError: there is none, or it is not a string.
    """
    if isinstance(given, CurrentContext):
        return given()
    if isinstance(given, str):
        return checked_name("context", given)
    if isinstance(given, ContextVar):
        try:
            value: object = given.get()
        except LookupError:
            raise ConfigurationError(
                f"The context (from {given.name}) is not set here",
                hint=f"Set it before the request, in the same task or thread: {given.name}.set(…). Or leave that"
                " to the library: context=current_context, and with use_context(…) around the work for a user.",
            ) from None
        return checked_name(f"context (from {given.name})", value)
    if isinstance(given, _Lost):
        given.complain()
    context: Any = _called("context", given)
    _refuse_async("context", context, "or current_context, and find out the context before the request.")
    return checked_name("context (from the context= function)", context)


def _not_allowed(url: str, context: str, policy: Policy | None, home: Home | None) -> HostNotAllowed:
    origin = origin_of(url)
    allowed = some(policy.hosts.entries) if policy is not None else "those of the connectors in use"
    where = f"{origin}" if origin is not None else "An origin that cannot be read with certainty"
    return HostNotAllowed(
        f"{where} may not receive the credential",
        connector=policy.slug if policy is not None else None,
        context=context,
        hint=f"Allowed are {allowed or 'none yet'}, over https. Nothing was asked and nothing was sent."
        f"{_how_to_allow(origin, policy, home)}"
        ' To send such requests without the credential, use off_host="bare".',
    )


def _how_to_allow(origin: Origin | None, policy: Policy | None, home: Home | None) -> str:
    """Return what to do if the host does belong to the connector."""
    if home is not None:
        return f" {home.hint}"
    if origin is None:
        return (
            " Write the whole URL, with https:// (or wss://) and the host in ASCII, without a user name, a dot at its"
            " end, or a backslash."
        )
    if origin.scheme == "http":
        is_only_that = policy is not None and policy.allows(f"https://{origin.host}")
        return " Write https:// in the URL. For a WebSocket it is wss://." if is_only_that and origin.port == 80 else ""
    host = origin.host if origin.port == 443 else f"{origin.host}:{origin.port}"
    if policy is None:
        return f' If it is a connector\'s, name that one instead of ANY, and the host: hosts=["{host}"].'
    params = " look at params=, or" if policy.params else ""
    return f' If this host is the connector\'s, too,{params} name every host that may have it: hosts=["{host}", …].'


class _Lost:
    """A placeholder for an argument that cannot be pickled."""

    def __init__(self, argument: str) -> None:
        self.argument = argument

    def complain(self) -> NoReturn:
        raise ConfigurationError(
            f"This auth object was unpickled and has lost its {self.argument}=",
            hint="Make a new auth object instead of using the unpickled one.",
        )

    def __call__(self, _context: str) -> NoReturn:
        self.complain()


def _kept(name: str, value: Any) -> Any:
    try:
        pickle.dumps(value)
    except Exception:  # pickling runs the value's own code, which may raise anything
        return _Lost(name.lstrip("_"))
    return value


def _refuse_async(argument: str, given: Any, instead: str) -> None:
    """Check what a function of the application returned.

    Raises:
        ConfigurationError: it is a coroutine.
    """
    if iscoroutine(given):
        given.close()
        raise ConfigurationError(
            f"The function given as {argument}= is async", hint=f"Give an ordinary function, {instead}"
        )


def _called(argument: str, function: Callable[..., Any], *arguments: str) -> Any:
    """Call a function of the application.

    Raises:
        ConfigurationError: it does not take these arguments.
    """
    try:
        return function(*arguments)
    except TypeError as error:
        if getattr(error.__traceback__, "tb_next", None) is not None:
            raise
    takes = "the context alone" if arguments else "no arguments"
    raise ConfigurationError(
        f"The function given as {argument}= cannot be called as it is",
        hint=f"Let it take {takes}: it is called when a request is made, without that request.",
    )


def _given(argument: str, value: Any, context: str) -> Any:
    if not callable(value):
        return value
    given = _called(argument, value, context)
    _refuse_async(argument, given, "and await what it needs before the request.")
    return given
