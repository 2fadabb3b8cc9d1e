"""githubkit and PyGithub: both take an auth object of their own kind, so theirs leads to ours.

githubkit keeps one HTTP cache for the whole process, which does not ask whose token it is; a bound object goes without.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any


def bound(target: object, auth: Any) -> bool:
    """Bind a ``githubkit.GitHub`` or a ``github.Github``; whether it is one."""
    if _is_a(target, "githubkit", "GitHub"):
        _bind_githubkit(target, auth)
    elif _is_a(target, "github", "Github"):
        _bind_pygithub(target, auth)
    else:
        return False
    return True


def _is_a(target: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(target, kind)


# githubkit


def _bind_githubkit(github: Any, auth: Any) -> None:
    import httpx
    from githubkit.auth import BaseAuthStrategy

    ours = auth.for_httpx()

    class XkitAuthStrategy(BaseAuthStrategy):
        def get_auth_flow(self, github: Any) -> Any:
            return WhileBound()

    class WhileBound(httpx.Auth):
        """For clients that are made meanwhile, inside ``with github:``, and may be there longer than the binding."""

        def sync_auth_flow(self, request: Any) -> Any:
            return self._current().sync_auth_flow(request)

        def async_auth_flow(self, request: Any) -> Any:
            return self._current().async_auth_flow(request)

        def _current(self) -> Any:
            return ours if github.auth is strategy else github.auth.get_auth_flow(github)

    strategy = XkitAuthStrategy()
    auth.put(github, "auth", strategy)
    auth.put(github, "config", dataclasses.replace(github.config, http_cache=False))
    for name in ("_GitHubCore__sync_client", "_GitHubCore__async_client"):  # made already, inside `with github:`
        client = getattr(github, name).get()
        if client is not None:
            _fill(client, auth)


def _fill(client: Any, auth: Any) -> None:
    auth.fill(client)
    auth.put(client, "_transport", _without_cache(client._transport))
    auth.put(client, "_mounts", {pattern: _without_cache(mounted) for pattern, mounted in client._mounts.items()})


def _without_cache(transport: Any) -> Any:
    return getattr(transport, "next_transport", transport)


# PyGithub


def _bind_pygithub(target: Any, auth: Any) -> None:
    from github.Auth import Auth
    from github.Requester import WithRequester

    requester = target.requester
    ours, theirs, made_by_theirs = auth.for_requests(), requester.auth, requester._Requester__connectionClass

    class XkitAuth(Auth, WithRequester[Any]):
        """PyGithub makes a new requester for each lazy copy, and shows it to an auth object of this kind."""

        @property
        def token_type(self) -> str:
            return "Bearer"

        @property
        def token(self) -> str:
            return ""

        def authentication(self, headers: dict[str, str]) -> None:
            if theirs is not None and not is_bound():  # otherwise the session that sends does it, for each request
                theirs.authentication(headers)

        def mask_authentication(self, headers: dict[str, str]) -> None:
            pass

        def withRequester(self, requester: Any) -> Any:  # noqa: N802 - PyGithub's name
            requester._Requester__connectionClass = filling(requester._Requester__connectionClass)
            return super().withRequester(requester)

    mine = XkitAuth()

    def is_bound() -> bool:  # lazy copies may be there longer than the binding
        return requester.auth is mine

    def authenticated(request: Any) -> Any:
        return ours(request) if is_bound() else request

    def filling(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            connection = make(*args, **kwargs)
            connection.session.auth = authenticated
            return connection

        return made

    auth.put(requester, "_Requester__auth", mine)
    auth.put(requester, "_Requester__connectionClass", filling(made_by_theirs))
    auth.put(requester, "_Requester__connection", None)
    auth.when_released(lambda: _let_go(requester))


def _let_go(requester: Any) -> None:
    """Close the connection that was made meanwhile, so that what was there before can take its place."""
    if requester._Requester__connection is not None:
        requester._Requester__connection.close()
        requester._Requester__connection = None
