"""What a decorated function looks like, itself without the argument that it gets from us, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial, update_wrapper
from types import MappingProxyType
from typing import Any

from .._values import ConfigurationError, quoted

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def checked(function: Any, names: Iterable[str]) -> Callable[..., Any]:
    """The plain function in it.

    Raises:
        ConfigurationError: it cannot be called twice, or does not take these arguments.
    """
    plain: Any = function.__func__ if isinstance(function, (classmethod, staticmethod)) else function
    if not callable(plain) or isinstance(plain, type):
        raise ConfigurationError("with_credential decorates a function", hint="Put it on a function or a method.")
    name = getattr(plain, "__name__", type(plain).__name__)
    if any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in _forms_of(plain)):
        raise ConfigurationError(
            f"{name} is a generator: a part of what it gives may be used when its credential is turned down",
            hint="Decorate a function that makes one call and returns, and call that from the generator.",
        )
    try:
        parameters = inspect.signature(plain).parameters
    except ValueError:  # a builtin that does not tell
        parameters = MappingProxyType({})
    for wanted in names:
        is_taken = parameters[wanted].kind in _NAMED if wanted in parameters else _rest_of(parameters) is not None
        if not is_taken:
            raise ConfigurationError(
                f"{name} has no argument {quoted(wanted)} that can be passed by its name",
                hint='Name the one that takes the credential: with_credential(…, argument="api_key").',
            )
    return plain  # type: ignore[no-any-return]


def unbound(function: Any) -> Any:
    """What does the same as a bound method: of the latter, ``inspect`` sees through every stand-in.

    It is no function of ours, whose frame would show the arguments in a traceback with local variables.
    """
    return update_wrapper(partial(function), function) if inspect.ismethod(function) else function


def is_async(plain: Callable[..., Any]) -> bool:
    """Whether what it returns is awaited."""
    by_itself, _, by_its_class = _forms_of(plain)
    return inspect.iscoroutinefunction(by_itself) or inspect.iscoroutinefunction(by_its_class)


def _forms_of(plain: Any) -> tuple[Any, ...]:
    return plain, inspect.unwrap(plain), getattr(type(plain), "__call__", None)  # noqa: B004 - of a callable object


def refuse_unfinished(value: object) -> None:
    """Look at what a plain function has returned: what goes on later cannot be called again.

    Raises:
        ConfigurationError: it is a generator, or something to be awaited.
    """
    if inspect.iscoroutine(value):
        value.close()
    if inspect.isawaitable(value) or inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise ConfigurationError(
            "The decorated function returned a generator or something to be awaited, which could not be done again",
            hint="Decorate the async function itself, or a function that makes one call and returns.",
        )


def _rest_of(parameters: Mapping[str, inspect.Parameter]) -> str | None:
    """The name of ``**kwargs``, if there is one."""
    rest = (name for name, parameter in parameters.items() if parameter.kind is inspect.Parameter.VAR_KEYWORD)
    return next(rest, None)


def without(signature: inspect.Signature, names: Iterable[str]) -> inspect.Signature:
    """What is left for the caller to pass."""
    names = tuple(names)
    return signature.replace(parameters=[each for name, each in signature.parameters.items() if name not in names])


def stand_in(plain: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    """A function that looks like the decorated one."""

    def adapter() -> None:
        """Never called."""

    async def async_adapter() -> None:
        """Never called, and known for a coroutine function."""

    made: Any = async_adapter if is_async(plain) else adapter
    made.__signature__ = without(inspect.signature(plain), names)
    return made  # type: ignore[no-any-return]


def completed(
    signature: inspect.Signature, given: inspect.BoundArguments, passed: Mapping[str, str]
) -> inspect.BoundArguments:
    """The arguments of the caller and ours, each in its place. Keep the result out of sight."""
    arguments: dict[str, Any] = {**given.arguments, **{n: v for n, v in passed.items() if n in signature.parameters}}
    others = {name: value for name, value in passed.items() if name not in signature.parameters}
    rest = _rest_of(signature.parameters)
    if rest is not None and others:
        arguments[rest] = {**arguments.get(rest, {}), **others}
    return inspect.BoundArguments(signature, arguments)
