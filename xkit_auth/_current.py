"""Whose turn it is: the context of the request that is being served, for code that cannot be handed one."""

from __future__ import annotations

from contextvars import ContextVar, Token

from ._account import checked_name
from ._errors import ConfigurationError

current_context: ContextVar[str] = ContextVar("xkit_auth.current_context")
"""The context that ``use_context`` has set, to hand to ``context=``."""


# What the blocks around here, in this task or thread, have to put back.
_entered: ContextVar[tuple[tuple[object, Token[str]], ...]] = ContextVar("xkit_auth.entered", default=())


class use_context:  # noqa: N801 - it reads like the function that it is to its users
    """Serve one user: within the block, ``current_context`` is this context, for this task and thread alone.

    Args:
        context: the application's own id of the user or group.

    Tasks that are started within the block have it too; threads have it if they are started with a copy of the
    context, as ``asyncio.to_thread`` does.

    Raises:
        ConfigurationError: it is not a text, or empty.

    Example:
        >>> from xkit_auth import current_context, use_context
        >>> with use_context("user-42"):
        ...     current_context.get()
        'user-42'
    """

    def __init__(self, context: str) -> None:
        self._context = checked_name("context", context)

    def __enter__(self) -> str:
        _entered.set((*_entered.get(), (self, current_context.set(self._context))))
        return self._context

    def __exit__(self, exc_type: object = None, *_reason: object) -> None:
        try:
            *outer, (entered, token) = _entered.get()
            if entered is not self:
                raise ValueError("another one is inside of it")
            current_context.reset(token)
            _entered.set(tuple(outer))
        except ValueError:  # or there is none, or it is another task's
            if exc_type is None:  # what is on its way already says more
                raise ConfigurationError(
                    "A use_context block was left in another task or thread than it was entered in, or out of order",
                    hint="Enter and leave it in the same one: a dependency of FastAPI has to be async def.",
                ) from None
