"""``bind``: give an object its credential, in its slot if it has one."""

from __future__ import annotations

from types import ModuleType

from .._account import Xkit
from .._clients import Context, Hosts, Kind, OffHost, Params, context_now
from .._sources import checked_name
from .._values import (
    ANY,
    MASK,
    ConfigurationError,
    XkitAuthError,
    _Any,
    looks_secret,
    remedy_for,
    says_how_to_call,
    told,
)
from ._binder import Binder
from ._binding import Binding


@says_how_to_call
def bind(
    target: object,
    connector: str | _Any,
    *,
    context: Context,
    xkit: Xkit | None = None,
    hosts: Hosts | None = None,
    params: Params | None = None,
    kind: Kind | None = None,
    off_host: OffHost = "raise",
) -> Binding:
    """Give a client, or an object of an SDK, the credential of an Xkit connection.

    A session of requests and a client of httpx or httpx2 get an auth object in their slot; on the latter two, redirects
    go without the credential on whatever transport. Objects of SDKs are the affair of plugins, which know what to fill
    or to wrap. Nothing but this one object is touched: no class, no module, no other instance. Whoever shares the HTTP
    client inside it shares the credential.

    Args:
        target: the object.
        connector: the connector's slug in your Xkit project, or ``ANY``.
        context, xkit, hosts, params, kind, off_host: as for ``XkitAuth``.

    Returns:
        The handle that takes it off again.

    Raises:
        ConfigurationError: nobody knows how to bind this object, it is bound already, or it has a credential of its own
            that would win.

    Example:
        >>> import httpx
        >>> from xkit_auth.sdk import bind
        >>> with httpx.Client() as client, bind(client, "slack", context="user-42"):
        ...     client.auth
        xkit_auth.httpx.XkitAuth('slack')
    """
    connector = ANY if connector is ANY else checked_name("connector", connector)
    arguments = {
        "context": context, "xkit": xkit, "hosts": hosts, "params": params, "kind": kind, "off_host": off_host
    }  # fmt: skip
    binder = Binder(connector, arguments)
    try:
        if not binder.fill(target) and not _asked(target, connector, context, xkit, binder):
            raise _unknown(target, connector)
    except BaseException:
        binder.binding.release()
        raise
    return binder.binding


def _unknown(target: object, connector: str | _Any) -> ConfigurationError:
    if isinstance(target, (type, ModuleType)):
        return ConfigurationError(
            f"bind() was given {target.__name__} itself", hint="Make an object of it, and bind that."
        )
    return ConfigurationError(
        f"Nobody knows how to bind an object of the class {type(target).__module__}.{type(target).__qualname__}",
        connector=None if connector is ANY else str(connector),
        hint="Bind the HTTP client inside it, or install the plugin that knows this SDK. The plugin that brings the"
        " connector is asked: if your slug is one of your own, say in Xkit(connectors=…) which connector it means.",
    )


def _asked(target: object, connector: str | _Any, context: Context, xkit: Xkit | None, binder: Binder) -> bool:
    account = Xkit.default() if xkit is None else xkit
    hook = account.directory.hook_for("xkit_auth_bind", connector if isinstance(connector, str) else None)
    if hook is None:
        return False
    cause: Exception | None = None
    try:
        answer = hook(target=target, auth=binder)
        if answer is True or not answer:
            return bool(answer)
    except XkitAuthError:
        raise
    except Exception as error:
        text = told(error, _held_texts(account, connector, context))
        # The target may have credentials of its own, which nobody here knows.
        text = f"{type(error).__name__}: {MASK}" if looks_secret(text) else text
        cause = None if MASK in text else error
        problem, remedy = f"raised {text}", remedy_for(error)
    else:
        problem, remedy = "returned neither True nor None", "Correct the plugin."
    raise ConfigurationError(f"The plugin's xkit_auth_bind {problem}", hint=f"{remedy} Nothing was bound.") from cause


def _held_texts(account: Xkit, connector: str | _Any, context: Context) -> tuple[str, ...]:
    """The texts of this user's credential, if one is held. Keep them out of sight."""
    try:
        cache, name = account.broker.cache, context_now(context)
    except Exception:  # whose turn it is nobody knows at the moment
        return ()
    held = cache.fresh(cache.table(str(connector)), name)
    return () if held is None else tuple(held._texts())
