"""Auth objects of httpx and httpx2 that go together on one request, each with its whole flow."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from inspect import isawaitable
from typing import Any

from ..._values import ConfigurationError
from .. import BaseAllOf, advance
from .auth import OneLibrary
from .mark import Aftermath


class HttpxAllOf(OneLibrary, BaseAllOf):
    """``AllOf`` for both libraries. A subclass names its library.

    What an outer flow wants sent goes through the whole flow of the next one, and the answer that this ends with goes
    back to the outer one. So a retry of each is seen by those outside it as a single answer.
    """

    def __init__(self, *auths: Any) -> None:
        """Check that these go together; the first is the outermost."""
        super().__init__(*auths)
        self._outer = auths[0]
        self._inner = auths[1] if len(auths) == 2 else type(self)(*auths[1:])

    def _takes(self, auth: Any) -> bool:
        return isinstance(auth, self._library.Auth)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by ``Client``."""
        sent = response = None
        with Aftermath() as after, closing(self._outer.sync_auth_flow(request)) as outer:
            wanted = next(outer)
            while wanted is not None:
                with closing(self._inner.sync_auth_flow(wanted)) as inner:
                    attempt = next(inner)
                    while attempt is not None:
                        sent, response = attempt, (yield attempt)
                        attempt = after(sent, response, advance(inner, response))
                wanted = after(sent, response, advance(outer, response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by ``AsyncClient``: the same."""
        sent = response = None
        with Aftermath() as after:
            async with aclosing(self._outer.async_auth_flow(request)) as outer:
                wanted = await anext(outer)
                while wanted is not None:
                    async with aclosing(self._inner.async_auth_flow(wanted)) as inner:
                        attempt = await anext(inner)
                        while attempt is not None:
                            sent, response = attempt, (yield attempt)
                            attempt = after(sent, response, await _advance(inner, response))
                    wanted = after(sent, response, await _advance(outer, response))


async def _advance(flow: AsyncGenerator[Any, Any], response: Any) -> Any:
    try:
        return await flow.asend(response)
    except StopAsyncIteration:
        return None


class HttpxAfterAuth(OneLibrary):
    """``AfterAuth`` for both libraries."""

    def __init__(self, hook: Callable[[Any], object]) -> None:
        """Take the function that is called with each answer.

        Raises:
            ConfigurationError: it is not a function.
        """
        if not callable(hook):
            raise ConfigurationError("AfterAuth takes a function", hint="Write it like AfterAuth(check_status).")
        self._hook = hook

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by ``Client``."""
        self._hook((yield request))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by ``AsyncClient``, which may have an async hook."""
        said = self._hook((yield request))
        if isawaitable(said):
            await said

    def __repr__(self) -> str:
        return "AfterAuth(…)"
