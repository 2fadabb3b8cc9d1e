"""``with_credential``: give a function the current credential, and call it once more if that was turned down."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec, Protocol, TypeVar, overload

import wrapt

from .._account import Xkit
from .._clients import Context
from .._connectors import Sending
from .._sources import checked_name
from .._values import ConfigurationError, Credential, XkitAuthError, is_like_a_key, says_how_to_call
from .._values import plain as plain_text
from ._call import Call, Outcome, Rejected, checked_arguments
from ._drive import arun, run
from ._signature import checked, completed, is_async, refuse_unfinished, stand_in, unbound, without

_P = ParamSpec("_P")
_R = TypeVar("_R")
_R_co = TypeVar("_R_co", covariant=True)
_S = TypeVar("_S")
_S_contra = TypeVar("_S_contra", contravariant=True)


class _TakesToken(Protocol[_P, _R_co]):
    """A function whose first argument is the credential's."""

    def __call__(self, token: str, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...


class _TakesTokenInMethod(Protocol[_S_contra, _P, _R_co]):
    """A method whose first argument is the credential's."""

    def __call__(_this, self: _S_contra, token: str, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...  # noqa: N805


class _Decorator(Protocol):
    """What takes the argument ``token`` away where it stands first: types cannot say that of any other place."""

    @overload
    def __call__(self, function: _TakesToken[_P, _R], /) -> Callable[_P, _R]: ...
    @overload
    def __call__(self, function: _TakesTokenInMethod[_S, _P, _R], /) -> Callable[Concatenate[_S, _P], _R]: ...
    @overload
    def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, _R]: ...


@overload
def with_credential(
    connector: str,
    *,
    context: Context,
    argument: Literal["token"] = ...,
    xkit: Xkit | None = ...,
    rejected: Rejected | None = ...,
    retry: bool = ...,
) -> _Decorator: ...
@overload
def with_credential(
    connector: str,
    *,
    context: Context,
    argument: str | Mapping[str, str],
    xkit: Xkit | None = ...,
    rejected: Rejected | None = ...,
    retry: bool = ...,
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...


@says_how_to_call
def with_credential(
    connector: str,
    *,
    context: Context,
    argument: str | Mapping[str, str] = "token",
    xkit: Xkit | None = None,
    rejected: Rejected | None = None,
    retry: bool = True,
) -> Any:
    """Pass the current credential to a function, and call it once more if the call fails because that was turned down.

    Warning:
        The function may run twice. What it does before the provider turns the credential down is then done twice: keep
        the function as small as the one call to the SDK, or say ``retry=False``.

    Args:
        connector: the connector's slug in your Xkit project.
        context: whose credential it is, as for ``XkitAuth``.
        argument: the name of the argument that gets it; or, for a credential of several parts, the names of arguments
            with the part that each gets. The decorated function is called without them; who passes one all the same
            has it their way.
        xkit: the Xkit account; default: the process's own.
        rejected: which exception means that the credential was turned down: a class, several, or a function that
            says so of one. Default: what the connector's plugin says of it, and else what the connector's rules say of
            the answer that it brings.
        retry: whether to call the function again. Without it, the next call gets another credential.

    The function may be sync or async, and a method. Its name, its type hints and its signature stay, but for the
    argument. Type checkers, too, see it without the argument if that is called ``token`` and comes first (in a method,
    after ``self``). Of one in another place types cannot say that it is gone: give that a default, such as
    ``token: str = ""``, so that they know that a caller may leave it out. If the second call fails, too, that is the
    caller's.

    Raises:
        ConfigurationError: the function has no such argument, or is a generator, which could not be called again.

    Example:
        >>> from xkit_auth.sdk import with_credential
        >>> @with_credential("slack", context="user-42", argument="token")
        ... def channels(limit: int, *, token: str = "") -> list[str]:
        ...     return ["what an SDK gives for token=token"]
        >>> import inspect
        >>> inspect.signature(channels).parameters.keys()
        odict_keys(['limit'])
    """
    slug = checked_name("connector", connector)
    checked_arguments(context, xkit, rejected)
    fields = _fields_of(argument)
    plan = _Plan(fields, retry, partial(Call, slug, context, xkit, rejected))

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        plain = checked(function, fields)
        called: Any = partial(_acalled if is_async(plain) else _called, plan)
        decorated: Any = wrapt.decorator(adapter=stand_in(plain, fields))(called)(unbound(function))
        return decorated  # type: ignore[no-any-return]

    return decorate


def _fields_of(argument: object) -> dict[str, str | None]:
    if isinstance(argument, str) and argument and not is_like_a_key(plain_text(argument)):
        return {plain_text(argument): None}
    if isinstance(argument, Mapping) and argument:
        texts: list[Any] = [*argument.keys(), *argument.values()]
        if all(isinstance(text, str) and text and not is_like_a_key(plain_text(text)) for text in texts):
            return {plain_text(name): plain_text(part) for name, part in argument.items()}
    raise ConfigurationError(
        "argument= is neither the name of an argument nor a mapping of arguments to parts of the credential",
        hint='Write it like argument="token", or argument={"username": "email", "password": "api_token"}.',
    )


class _Plan(NamedTuple):
    fields: Mapping[str, str | None]
    retry: bool
    call: Callable[[], Call]


class _Arguments:
    """What a function is called with: what its caller gives, and the credential in its place."""

    def __init__(self, plan: _Plan, wrapped: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._fields = plan.fields
        self._signature = inspect.signature(wrapped)
        self._given = without(self._signature, plan.fields).bind(*args, **kwargs)

    def with_the(self, credential: Credential) -> inspect.BoundArguments:
        """All of them. Keep the result out of local variables: tracebacks show those."""
        fields = self._fields.items()
        return completed(self._signature, self._given, {name: credential.reveal(field) for name, field in fields})


def _called(plan: _Plan, wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
    if any(name in kwargs for name in plan.fields):
        return wrapped(*args, **kwargs)
    arguments, call = _Arguments(plan, wrapped, args, kwargs), plan.call()

    def attempt(sending: Sending) -> Outcome:
        complete = partial(arguments.with_the, sending.credential)
        complete()  # so that a part which the credential has not is no failure of the function
        try:
            outcome = Outcome(wrapped(*complete().args, **complete().kwargs), None)
        except Exception as error:
            return Outcome(None, error)
        refuse_unfinished(outcome.value)
        return outcome

    try:
        outcome: Outcome = run(call.life(retry=plan.retry), call, attempt)
    except XkitAuthError as error:
        call.blame(error)
        raise
    return outcome.unpacked()


async def _acalled(plan: _Plan, wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
    if any(name in kwargs for name in plan.fields):
        return await wrapped(*args, **kwargs)
    arguments, call = _Arguments(plan, wrapped, args, kwargs), plan.call()

    async def attempt(sending: Sending) -> Outcome:
        complete = partial(arguments.with_the, sending.credential)
        complete()  # so that a part which the credential has not is no failure of the function
        try:
            return Outcome(await wrapped(*complete().args, **complete().kwargs), None)
        except Exception as error:
            return Outcome(None, error)

    try:
        outcome: Outcome = await arun(call.life(retry=plan.retry), call, attempt)
    except XkitAuthError as error:
        call.blame(error)
        raise
    return outcome.unpacked()
