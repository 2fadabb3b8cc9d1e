"""What was done to an object, and the way back."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import wrapt

from .._values import ConfigurationError, ConflictWarning

_NOTHING = object()
# What bindings have put where, by the id of the object and a name: not every object could be looked up itself.
_in_place: WeakValueDictionary[tuple[int, str], Any] = WeakValueDictionary()
# Every wrapper of a binding, since a copy of a bound object has it, too.
_wrappers: WeakValueDictionary[int, Any] = WeakValueDictionary()


class _Change(NamedTuple):
    owner: Any
    name: str
    before: Any
    ours: Any

    def undo(self) -> None:
        """Put back what was there."""
        _in_place.pop((id(self.owner), self.name), None)
        if self.before is _NOTHING:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.before)

    def undo_if_ours(self, lost: list[_Change]) -> None:
        """The same, if nobody has put something else there meanwhile; or else count it among the lost."""
        if current(self.owner, self.name) is self.ours:
            self.undo()
        else:
            lost.append(self)


def current(owner: Any, name: str) -> Any:
    """What an object itself has under a name; what only its class has does not count, unless that keeps it for it."""
    if hasattr(getattr(type(owner), name, None), "__set__") or not hasattr(owner, "__dict__"):
        return getattr(owner, name, _NOTHING)
    return vars(owner).get(name, _NOTHING)


class Binding:
    """What ``bind`` has done to an object. It lasts until ``release``, or the end of a ``with`` block.

    Example:
        >>> import requests
        >>> from xkit_auth.sdk import bind
        >>> session = requests.Session()
        >>> with bind(session, "slack", context="user-42"):
        ...     session.auth
        xkit_auth.requests.XkitAuth('slack')
        >>> session.auth is None
        True
    """

    def __init__(self) -> None:
        self._changes: list[_Change] = []
        self._undoings: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of one object, and remember what was there.

        Raises:
            ConfigurationError: the object does not allow that, or it is bound already.
        """
        before = current(owner, name)
        is_mine = any(change.ours is before for change in self._changes)
        if before is not None and _in_place.get((id(owner), name)) is before and not is_mine:
            raise ConfigurationError(
                f"This {type(owner).__name__} is bound already",
                hint="Release its binding first, or give bind() a context that says whose turn it is.",
            )
        try:
            setattr(owner, name, value)
        except (AttributeError, TypeError):
            kind = type(owner).__name__
            raise ConfigurationError(
                f"{kind} does not allow that its {name} is set, so that bind() cannot put anything there",
                hint="Bind the HTTP client inside it, or give that client its auth object yourself.",
            ) from None
        ours = current(owner, name)
        self._changes.append(_Change(owner, name, before, ours))
        with suppress(TypeError):  # None, or another value that is nobody's in particular
            _in_place[id(owner), name] = ours

    def wrap(self, owner: Any, name: str, method: Callable[..., Any], wrapper: Callable[..., Any]) -> None:
        """Put a wrapper around a method of one object, which does nothing any more once this is released.

        Raises:
            ConfigurationError: the object does not allow that, is bound already, or is a copy of one that was.
        """
        binding = self

        def while_bound(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            return wrapper(wrapped, instance, args, kwargs) if binding else wrapped(*args, **kwargs)

        is_mine = any(change.ours is method for change in self._changes)
        if id(method) in _wrappers and not is_mine:
            raise ConfigurationError(
                f"This {type(owner).__name__} is bound already, or is a copy of one that was",
                hint="Release the binding of the original, and bind an object that is made anew.",
            )
        made = wrapt.FunctionWrapper(method, while_bound)
        self.put(owner, name, made)
        _wrappers[id(made)] = made

    def undo_with(self, function: Callable[[], None]) -> None:
        """Call this when it is released, before anything is put back."""
        self._undoings.append(function)

    def release(self) -> None:
        """Put back exactly what was there before, as far as it is still ours. A second call does nothing."""
        self._release(stacklevel=3)

    def _release(self, stacklevel: int) -> None:
        with self._lock:
            changes, self._changes = self._changes, []
            undoings, self._undoings = self._undoings, []
        lost: list[_Change] = []
        with ExitStack() as stack:  # which goes on if one of them fails
            for change in changes:
                stack.callback(change.undo_if_ours, lost)
            for function in undoings:
                stack.callback(function)
        for change in lost:
            text = (
                f"{type(change.owner).__name__}.{change.name} was changed after bind(), so release() leaves it as it is"
            )
            warnings.warn(text, ConflictWarning, stacklevel=stacklevel)

    def __bool__(self) -> bool:
        """Whether anything is bound."""
        return bool(self._changes)

    def __enter__(self) -> Binding:
        return self

    def __exit__(self, *_reason: object) -> None:
        self._release(stacklevel=3)

    def __repr__(self) -> str:
        bound = ", ".join(f"{type(change.owner).__name__}.{change.name}" for change in self._changes)
        return f"Binding({bound or 'released'})"
