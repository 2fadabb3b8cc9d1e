"""What was done to an object, and the way back."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from .._errors import ConfigurationError, ConflictWarning

_NOTHING = object()


class _Change(NamedTuple):
    owner: Any
    name: str
    before: Any
    ours: Any

    def undo(self) -> None:
        """Put back what was there, if what is there now is still ours."""
        if current(self.owner, self.name) is not self.ours:
            warnings.warn(
                f"{type(self.owner).__name__}.{self.name} was changed after bind(), so release() leaves it as it is",
                ConflictWarning,
                stacklevel=4,
            )
        elif self.before is _NOTHING:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.before)


def current(owner: Any, name: str) -> Any:
    """What an object itself has under a name; what only its class has does not count, unless that is a property."""
    if isinstance(getattr(type(owner), name, None), property):
        return getattr(owner, name)
    return vars(owner).get(name, _NOTHING) if hasattr(owner, "__dict__") else getattr(owner, name, _NOTHING)


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
        """Set an attribute of one object, and remember what was there."""
        before = current(owner, name)
        try:
            setattr(owner, name, value)
        except AttributeError:
            kind = type(owner).__name__
            raise ConfigurationError(
                f"{kind} does not allow that its {name} is set, so that bind() cannot put anything there",
                hint="Bind the HTTP client inside it, or give that client its auth object yourself.",
            ) from None
        self._changes.append(_Change(owner, name, before, current(owner, name)))

    def undo_with(self, function: Callable[[], None]) -> None:
        """Call this when it is released, before anything is put back."""
        self._undoings.append(function)

    def release(self) -> None:
        """Put back exactly what was there before, as far as it is still ours. A second call does nothing."""
        with self._lock:
            changes, self._changes = self._changes, []
            undoings, self._undoings = self._undoings, []
        for function in reversed(undoings):
            function()
        for change in reversed(changes):
            change.undo()

    def __bool__(self) -> bool:
        """Whether anything is bound."""
        return bool(self._changes)

    def __enter__(self) -> Binding:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.release()

    def __repr__(self) -> str:
        bound = ", ".join(f"{type(change.owner).__name__}.{change.name}" for change in self._changes)
        return f"Binding({bound or 'released'})"
