"""githubkit and PyGithub: both take an auth object of their own kind, so theirs leads to ours.

githubkit keeps one HTTP cache for the whole process, which does not ask whose token it is; a bound object goes without.
"""

from __future__ import annotations

import dataclasses
import sys
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
    from githubkit.auth import BaseAuthStrategy

    ours = auth.for_httpx()

    class XkitAuthStrategy(BaseAuthStrategy):
        def get_auth_flow(self, github: Any) -> Any:
            return ours

    auth.put(github, "auth", XkitAuthStrategy())
    auth.put(github, "config", dataclasses.replace(github.config, http_cache=False))
    for name in ("_GitHubCore__sync_client", "_GitHubCore__async_client"):  # made already, inside `with github:`
        client = getattr(github, name).get()
        if client is not None:
            auth.fill(client)


# PyGithub


def _bind_pygithub(target: Any, auth: Any) -> None:
    from github.Auth import Auth
    from github.Requester import WithRequester

    ours = auth.for_requests()

    class XkitAuth(Auth, WithRequester[Any]):
        """PyGithub makes a new requester for each lazy copy, and shows it to an auth object of this kind."""

        @property
        def token_type(self) -> str:
            return "Bearer"

        @property
        def token(self) -> str:
            return ""

        def authentication(self, headers: dict[str, str]) -> None:
            pass  # the session that sends does it, for each request

        def mask_authentication(self, headers: dict[str, str]) -> None:
            pass

        def withRequester(self, requester: Any) -> Any:  # noqa: N802 - PyGithub's name
            make = requester._Requester__connectionClass
            requester._Requester__connectionClass = lambda *args, **kwargs: _filled(make(*args, **kwargs))
            return super().withRequester(requester)

    def _filled(connection: Any) -> Any:
        connection.session.auth = ours
        return connection

    requester = target.requester
    made_by_theirs = requester._Requester__connectionClass
    auth.put(requester, "_Requester__auth", XkitAuth())
    auth.put(requester, "_Requester__connectionClass", lambda *args, **kwargs: _filled(made_by_theirs(*args, **kwargs)))
    auth.put(requester, "_Requester__connection", None)
    auth.when_released(lambda: _let_go(requester))


def _let_go(requester: Any) -> None:
    """Close the connection that was made meanwhile, so that what was there before can take its place."""
    if requester._Requester__connection is not None:
        requester._Requester__connection.close()
        requester._Requester__connection = None
