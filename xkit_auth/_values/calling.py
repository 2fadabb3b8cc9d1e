"""What a call says that does not fit a function of ours: not how Python counts arguments, but how to write it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from .errors import ConfigurationError

_Function = TypeVar("_Function", bound=Callable[..., Any])

_COROUTINE = 0x80  # of the module inspect, which takes its time to import


def says_how_to_call(function: _Function) -> _Function:
    """Decorate a public function: a ``TypeError`` about its arguments says how they are written.

    The arguments are in no frame when an error leaves: keys are among them, and people put one where another thing
    belongs. So an error about what was given leaves without the frames below.
    """
    if function.__code__.co_flags & _COROUTINE:

        @wraps(function)
        async def acalled(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except TypeError as error:
                _explain(error, function, args, kwargs)
                raise
            except ConfigurationError as error:
                _forget_frames(error)
                raise error.with_traceback(None) from error.__cause__
            finally:
                del args, kwargs

        return acalled  # type: ignore[return-value]

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            _explain(error, function, args, kwargs)
            raise
        except ConfigurationError as error:
            _forget_frames(error)
            raise error.with_traceback(None) from error.__cause__
        finally:
            del args, kwargs

    return called  # type: ignore[return-value]


def _forget_frames(error: ConfigurationError) -> None:
    """Leave of what led to an error no more than its cause says."""
    error.__context__ = None
    if error.__cause__ is not None:
        error.__cause__.with_traceback(None).__context__ = None


def _explain(error: TypeError, function: Callable[..., Any], args: tuple[Any, ...], names: Iterable[str]) -> None:
    """Put a better text on an error, if it is about the call itself and did not come up in the function."""
    if getattr(error.__traceback__, "tb_next", None) is not None:
        return
    from inspect import Parameter, signature  # late: importing xkit_auth must stay cheap

    is_method = function.__qualname__ != function.__name__
    name = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
    parameters = list(signature(function).parameters.values())[is_method:]
    call = _Call(
        by_place=[each.name for each in parameters if each.kind is not Parameter.KEYWORD_ONLY],
        by_name=[each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY],
        needed=[each.name for each in parameters if each.default is Parameter.empty],
        given=len(args) - is_method,
        named=list(names),
    )
    error.args = (f"{name}() {call.mistake()}. Its arguments: {call.written(*call.by_place, *call.by_name)}",)


class _Call(NamedTuple):
    """The names of a function's arguments, and how it was called."""

    by_place: list[str]
    by_name: list[str]
    needed: list[str]
    given: int
    named: list[str]

    def mistake(self) -> str:
        """What is wrong about the call, and how it is written instead."""
        known = [*self.by_place, *self.by_name]
        unknown = [name for name in self.named if name not in known]
        missing = [name for name in self.needed if name not in (*self.by_place[: self.given], *self.named)]
        if unknown:
            return f"takes no {unknown[0]}={did_you_mean(unknown[0], known, written='{}=')}"
        surplus = self.given - len(self.by_place)
        if surplus > 0:
            alone = f"{' and '.join(self.by_place)} by position, and all else" if self.by_place else "all its arguments"
            return f"takes {alone} by name: write {self.written(*(missing or self.by_name[:surplus]), value='…')}"
        if missing:
            return f"was called without {self.written(*missing)}"
        return "was given an argument twice"

    def written(self, *names: str, value: str = "") -> str:
        """Arguments as a call has them."""
        return ", ".join(f"{name}={value}" if name in self.by_name else name for name in names)


def did_you_mean(name: str, known: Iterable[str], written: str = "{}") -> str:
    """A question that names what is most like ``name``, to go behind a text; empty if nothing is."""
    from difflib import get_close_matches  # late: importing xkit_auth must stay cheap

    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {written.format(near[0])}?)" if near else ""
