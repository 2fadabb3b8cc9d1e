"""Whose turn it is: the context of the request that is being served, for code that cannot be handed one."""

from __future__ import annotations

from contextvars import ContextVar, Token

from ._account import checked_name

current_context: ContextVar[str] = ContextVar("xkit_auth.current_context")
"""The context that ``use_context`` has set, to hand to ``context=``."""


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
        self._tokens: list[Token[str]] = []

    def __enter__(self) -> str:
        self._tokens.append(current_context.set(self._context))
        return self._context

    def __exit__(self, *_reason: object) -> None:
        current_context.reset(self._tokens.pop())
