"""``AllOf`` and ``AfterAuth`` for httpx and httpx2."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from inspect import isawaitable
from typing import Any

from ..._values import ConfigurationError
from .. import BaseAllOf, advance
from .auth import OneLibrary
from .mark import OriginGuard


class HttpxAllOf(OneLibrary, BaseAllOf):
    """``AllOf`` for both libraries. A subclass names its library.

    Each request that an outer flow yields goes through the whole flow of the next one, and the outer one gets the last
    response. So an outer flow does not see the retries of an inner one.
    """

    def __init__(self, *auths: Any) -> None:
        """Check that these can be combined; the first is the outermost."""
        super().__init__(*auths)
        self._outer = auths[0]
        self._inner = auths[1] if len(auths) == 2 else type(self)(*auths[1:])

    def _takes(self, auth: Any) -> bool:
        return isinstance(auth, self._library.Auth)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Run the flows of all auth objects; called by ``Client``."""
        sent = response = None
        with OriginGuard() as guard, closing(self._outer.sync_auth_flow(request)) as outer:
            wanted = next(outer)
            while wanted is not None:
                with closing(self._inner.sync_auth_flow(wanted)) as inner:
                    attempt = next(inner)
                    while attempt is not None:
                        sent, response = attempt, (yield attempt)
                        attempt = guard(sent, response, advance(inner, response))
                wanted = guard(sent, response, advance(outer, response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Run the flows of all auth objects; called by ``AsyncClient``."""
        sent = response = None
        with OriginGuard() as guard:
            async with aclosing(self._outer.async_auth_flow(request)) as outer:
                wanted = await anext(outer)
                while wanted is not None:
                    async with aclosing(self._inner.async_auth_flow(wanted)) as inner:
                        attempt = await anext(inner)
                        while attempt is not None:
                            sent, response = attempt, (yield attempt)
                            attempt = guard(sent, response, await _advance(inner, response))
                    wanted = guard(sent, response, await _advance(outer, response))


async def _advance(flow: AsyncGenerator[Any, Any], response: Any) -> Any:
    try:
        return await flow.asend(response)
    except StopAsyncIteration:
        return None


class HttpxAfterAuth(OneLibrary):
    """``AfterAuth`` for both libraries."""

    def __init__(self, hook: Callable[[Any], object]) -> None:
        """Take the function to call with each response.

        Raises:
            ConfigurationError: it is not callable.
        """
        if not callable(hook):
            raise ConfigurationError("AfterAuth takes a function", hint="Write it like AfterAuth(check_status).")
        self._hook = hook

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Call the hook with the response; called by ``Client``."""
        self._hook((yield request))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Call the hook, which may be async, with the response; called by ``AsyncClient``."""
        result = self._hook((yield request))
        if isawaitable(result):
            await result

    def __repr__(self) -> str:
        return "AfterAuth(…)"
