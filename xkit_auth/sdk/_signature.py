"""What a decorated function looks like: itself, without the argument that it gets from us."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from .._errors import ConfigurationError

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def checked(function: Any, names: Iterable[str]) -> Callable[..., Any]:
    """The plain function in it.

    Raises:
        ConfigurationError: it cannot be called twice, or does not take these arguments.
    """
    plain: Any = getattr(function, "__func__", function)  # of a classmethod or staticmethod
    if not callable(plain) or isinstance(plain, type):
        raise ConfigurationError("with_credential decorates a function", hint="Put it on a function or a method.")
    name = getattr(plain, "__name__", type(plain).__name__)
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise ConfigurationError(
            f"{name} is a generator: a part of what it gives may be used when its credential is turned down",
            hint="Decorate a function that makes one call and returns, and call that from the generator.",
        )
    parameters = inspect.signature(plain).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    for wanted in names:
        is_taken = parameters[wanted].kind in _NAMED if wanted in parameters else takes_any
        if not is_taken:
            raise ConfigurationError(
                f"{name} has no argument {wanted!r} that can be passed by its name",
                hint='Name the one that takes the credential: with_credential(…, argument="api_key").',
            )
    return plain  # type: ignore[no-any-return]


def without(plain: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    """A stand-in that looks like the function does to those who call the decorated one."""
    names = tuple(names)
    signature = inspect.signature(plain)
    kept = [parameter for name, parameter in signature.parameters.items() if name not in names]

    def adapter() -> None:
        """Never called."""

    async def async_adapter() -> None:
        """Never called, and known for a coroutine function."""

    stand_in: Any = async_adapter if inspect.iscoroutinefunction(plain) else adapter
    stand_in.__signature__ = signature.replace(parameters=kept)
    return stand_in  # type: ignore[no-any-return]
