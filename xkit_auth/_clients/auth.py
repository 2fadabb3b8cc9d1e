"""What the auth objects of all libraries share: their arguments, and how a request finds its credential."""

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
    """What an auth object has worked out and need not work out again."""

    __slots__ = ("held", "is_watchful", "ordinary_below", "origin", "place", "policy", "seen", "xkit")

    def __init__(self, xkit: Xkit, policy: Policy, origin: Origin | None) -> None:
        cache = xkit.broker.cache
        self.xkit = xkit
        self.policy = policy
        self.origin = origin
        #: The credential of a context, if it is held and needs nobody's attention.
        self.held: Callable[[str], Credential | None] = partial(cache.fresh, cache.table(policy.slug))
        if xkit.directory.listeners():
            self.held = partial(self._held_and_told, self.held)
        #: Below this status an answer is neither a refusal nor a redirect, and there is nothing to put right on it.
        self.ordinary_below = 0 if policy.writes_url else min(policy.unremarkable_below, 300)
        self.seen: set[int] = set()
        #: What an adapter has found out about the origin, in its library's own terms.
        self.place: Any = None
        #: Whether every answer is looked at.
        self.is_watchful = False

    def watchful(self) -> Settled:
        """The same for a request whose answer is looked at in any case, since a credential was turned down lately."""
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
    """One request's way: whose credential it takes, for which connector, through which Xkit.

    Attributes:
        credential: the one that the request carries, once there is one.
        written: its headers, if they have been written down.
    """

    credential: Credential
    written: Sending | None = None  # on the class, for few requests set it: what is not set costs the others nothing

    def __init__(self, settled: Settled, context: str) -> None:
        self.settled = settled
        self.context = context

    def write(self, credential: Credential, view: Callable[[], RequestView]) -> Sending:
        """The headers for a credential on this request.

        Raises:
            XkitAuthError: the credential or the plugin's answer cannot be sent.
        """
        try:
            return self.policy.write(credential, view)
        except XkitAuthError as error:
            self.explain(error)
            raise

    @property
    def sending(self) -> Sending:
        """The headers that the request carries. Those of ``put_plain`` are written down when somebody wants to know."""
        if self.written is None:
            self.written = self.settled.policy.plain(self.credential)
        return self.written

    @property
    def policy(self) -> Policy:
        """The connector, settled."""
        return self.settled.policy

    @property
    def xkit(self) -> Xkit:
        """The account that is asked."""
        return self.settled.xkit

    def has_looked_at(self, client: object) -> bool:
        """Whether this part of a client has been looked at already; each is worth looking at once."""
        seen = self.settled.seen
        if id(client) in seen:
            return True
        if len(seen) >= _MOST_SEEN:
            seen.clear()
        seen.add(id(client))
        return False

    @property
    def origin(self) -> Origin | None:
        """Where the credential goes, as far as that is known before."""
        return self.settled.origin

    @property
    def is_watched(self) -> bool:
        """Whether it counts how the provider answers."""
        return self.settled.is_watchful

    def watch(self) -> None:
        """Look at the answer, whatever it is."""
        self.settled = self.settled.watchful()

    def fetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """The credential, from Xkit if need be, which is waited for so many seconds at the most. Blocks."""
        if getattr(self.xkit.get_credential, "__func__", None) is not _GET:  # of a subclass, or in a test
            return self.xkit.get_credential(self.policy.slug, context=self.context, rejected=rejected)
        with self.xkit._explaining():
            return self._fetched(waited(self._asking(rejected, seconds, may_block=True)))

    async def afetch(self, rejected: Credential | None = None, seconds: float | None = None) -> Credential:
        """The same for tasks."""
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
        """A provider turned the credential down."""
        self.xkit.directory.tell("rejected", self.policy.slug, self.context, step.rejected, step.verdict.value)

    def after_fetch(self, life: Life, step: Fetch, current: Credential) -> Step | None:
        """Go on with the credential that was wanted. The next step; ``None`` if nothing is sent again."""
        following = advance(life, current)
        if following is None:
            why = "same_credential" if current == step.rejected else "body"
            self.xkit.directory.tell("not_resent", self.policy.slug, self.context, current, why)
        return following

    def note(self, step: Tell) -> None:
        """What a provider said about the credential, other than that it asks for another one."""
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
        """Whether somebody wants to know that an answer accepts the credential, and this can be one."""
        return self.is_watched and 200 <= answer.status < 300

    def note_accepted(self, credential: Credential) -> None:
        """A provider accepted the credential."""
        self.xkit.broker.accepted((self.policy.slug, self.context), credential, self.origin)

    def note_resent(self, credential: Credential) -> None:
        """A request was sent again."""
        self.xkit.directory.tell("resent", self.policy.slug, self.context, credential)

    def note_redirected(self, url: str) -> None:
        """A redirect leads to another origin. If that is one of the connector's, too, its user may wonder."""
        if self.policy.allows(url):
            origin = str(origin_of(url))
            self.xkit.directory.tell("redirected", self.policy.slug, self.context, self.credential, origin)

    def warn_of_another(self, name: str) -> None:
        """Something has put another value into a header that carried the credential."""
        self.xkit.directory.warn_once(
            f"Something has replaced the credential in the header {name} after xkit-auth had put it on: an event hook"
            " of the client, its transport or adapter, or another auth object. That is what the provider gets, and if"
            " it is refused, no new credential is fetched. Let it leave requests alone that have an XkitAuth."
        )

    def explain(self, error: XkitAuthError) -> None:
        """Put on an error what its reader needs."""
        error.connector = error.connector or self.policy.slug
        error.context = error.context or self.context
        self.xkit.explain(error)


class BaseAuth:
    """The arguments of every ``XkitAuth``, and the way from a request to its ``Trip``."""

    #: The adapter's module; ``None`` if there is none, and so no library to make calls to Xkit with.
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
        """Check the arguments; nothing is asked or looked for before the first request.

        Args:
            connector: the connector's slug in your Xkit project, or ``ANY`` to choose it by the request's host.
            context: whose credential it is: the application's own id of a user or group; or what gives it when a
                request is made: ``current_context``, a function without arguments, or a ``ContextVar`` of your own.
            xkit: the Xkit account; default: the process's own, ``Xkit.default()``.
            hosts: the hosts that may receive the credential, instead of the connector's own.
            params: per-connection data that the connector's hosts or headers need, such as ``{"subdomain": "acme"}``.
            kind: which of the connector's kinds of credential it is; default: its first.
            off_host: what to do with a URL outside the connector's hosts: ``"raise"`` ``HostNotAllowed`` before
                anything is asked or sent, or send it ``"bare"``, without the credential.

        ``hosts``, ``params`` and ``kind`` may each be a function that is given the context. The hosts of a function may
        be no wildcards: the name of a tenant could be ``*``.

        Raises:
            ConfigurationError: an argument makes no sense. What depends on plugins is found out with the first request.
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
            # Objects that differ by nothing but the context share what they find out, so that one can be made for each.
            self._shared_as = self._adapter, self._connector
            self._by_origin = xkit.directory.shared(self._shared_as)

    @abstractmethod
    def _url_of(self, request: Any) -> str:
        """The absolute URL of this request, with the origin that the client will connect to."""

    def _trip(self, origin_key: Hashable, request: Any) -> Any:
        """The way of a request, of the adapter's own kind of ``Trip``; ``None`` if it goes without the credential.

        ``origin_key`` is the adapter's own name for the request's origin, cheap to make; the same key must mean the
        same origin always.
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
            if self._shared_as is not None:  # not before there is such a connector: slugs can come from anywhere
                self._by_origin = xkit.directory.share(self._shared_as, self._by_origin)
        return self._trip_type(settled, context)

    def _misled(self, trip: Trip, what: str) -> None:
        """A request whose URL may receive the credential, and that names another host besides: not that one either."""
        if self._off_host == "raise":
            raise HostNotAllowed(
                f"{what} names another host than the URL: there the credential would be received by somebody else",
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
        connector = getattr(self, "_connector", None)  # a crash reporter may ask before there is one
        return f"{self._adapter}.{type(self).__name__}({'' if connector is None else repr(connector)})"

    def __getstate__(self) -> dict[str, Any]:
        # requests pickles a response together with the hooks of its request, and so with this object. The account
        # stays behind: it holds keys and credentials.
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
    """The context, as far as it can be looked at before a request; ``xkit=`` is looked at, too.

    Raises:
        ConfigurationError: one of them makes no sense.
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
    """The context that a ``context=`` argument means at this moment.

    Raises:
        ConfigurationError: there is none, or it is not a text.
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
                " to the library: context=current_context, and with use_context(…) around what is done for a user.",
            ) from None
        return checked_name(f"context (from {given.name})", value)
    if isinstance(given, _Lost):
        given.complain()
    context: Any = _called("context", given)
    _refuse_async("context", context, "or current_context, and find out whose turn it is before.")
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
        f"{_way_in(origin, policy, home)}"
        ' To send such requests without the credential, use off_host="bare".',
    )


def _way_in(origin: Origin | None, policy: Policy | None, home: Home | None) -> str:
    """What to do if the host is the connector's after all."""
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
    """In the place of an argument that a pickle does not carry."""

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
    """Look at what a function of the application gave.

    Raises:
        ConfigurationError: it is a coroutine.
    """
    if iscoroutine(given):
        given.close()
        raise ConfigurationError(
            f"The function given as {argument}= is async", hint=f"Give an ordinary function, {instead}"
        )


def _called(argument: str, function: Callable[..., Any], *arguments: str) -> Any:
    """What a function of the application gives.

    Raises:
        ConfigurationError: it takes other arguments than it is called with.
    """
    try:
        return function(*arguments)
    except TypeError as error:
        if getattr(error.__traceback__, "tb_next", None) is not None:
            raise
    takes = "the context alone" if arguments else "no arguments"
    raise ConfigurationError(
        f"The function given as {argument}= cannot be called as it is",
        hint=f"Let it take {takes}: it is called when a request is made, with nothing of that request.",
    )


def _given(argument: str, value: Any, context: str) -> Any:
    if not callable(value):
        return value
    given = _called(argument, value, context)
    _refuse_async(argument, given, "and look up before whatever has to be awaited.")
    return given
