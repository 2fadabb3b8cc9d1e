"""Whose turn it is: the context of the request that is being served, for code that cannot be handed one.

A context variable alone would give work to the wrong user. It follows tasks, and so a worker that the first request
starts would be the first user's for ever; and it does not follow generators, whose steps run as whoever asks for the
next one. So the variable holds a block that knows whether it is still open, and a generator may not hold a block.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from contextvars import ContextVar
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_ITERABLE_COROUTINE
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from .._sources import checked_name
from .._values import ConfigurationError, says_how_to_call

_T = TypeVar("_T")

# Functions that enter a context manager for whoever calls them. The last one is pytest's: it makes one of a generator.
_ENTER_FOR_ANOTHER = frozenset(("__enter__", "__aenter__", "enter_context", "enter_async_context", "call_fixture_func"))
_END_FOR_ANOTHER = frozenset(("__exit__", "__aexit__"))
_KINDS = CO_GENERATOR | CO_ASYNC_GENERATOR | CO_COROUTINE | CO_ITERABLE_COROUTINE
_GENERATORS = (CO_GENERATOR, CO_ASYNC_GENERATOR)


class _Block:
    """One ``with use_context(…)`` that has been entered.

    Attributes:
        why_not: why it says nothing any more; empty as long as it does.
        is_left: whether it has been left, by itself or too early.
        owner: whose it is. If that is gone and the block was never left, nobody will leave it, and whoever runs here
            next, as the next job of a thread does, would be this user.
        outer: the block around it, as long as it is open.
        under: the generator that was running when a function entered it. If that function was not ``with``, the block
            may be open while the generator waits, and then it is not for whoever runs meanwhile.
    """

    __slots__ = ("context", "is_left", "may_be_outlived", "outer", "owner", "under", "why_not")

    def __init__(self, owner: use_context, context: str, outer: _Block | None, under: FrameType | None) -> None:
        self.owner = weakref.ref(owner)
        self.context = context
        self.may_be_outlived = owner.tasks_may_outlive
        self.outer = outer
        self.under = under
        self.is_left = False
        self.why_not = ""

    def said(self) -> str:
        """Whose turn it is.

        Raises:
            ConfigurationError: the block no longer says so.
        """
        why_not = self.why_not or self._why_it_is_nobodys()
        if not why_not:
            return self.context
        raise ConfigurationError(
            f"The use_context block that is set here {why_not}: nobody knows whose turn it is",
            context=self.context,
            hint="In the application, say with use_context(…) around each piece of such work whose it is, or hand it an"
            " auth object of its own, with that user as context=. If all that the task does is for this one user, as in"
            " the background after an answer, allow it where the block begins: use_context(…, tasks_may_outlive=True).",
        )

    def _why_it_is_nobodys(self) -> str:
        if not self.is_left and self.owner() is None:
            return "was entered and never left"
        return "" if self.under is None or _is_running(self.under) else "is held by a generator that waits"

    def leave(self) -> None:
        """It ends in good order."""
        self.is_left, self.outer, self.under = True, None, None
        if not self.may_be_outlived:
            self.why_not = "has ended, and this task or thread, which began within it, goes on"


_innermost: ContextVar[_Block | None] = ContextVar("xkit_auth.current_context", default=None)


class CurrentContext:
    """The context that ``use_context`` has set, to hand to ``context=``."""

    __slots__ = ()
    name = _innermost.name

    @overload
    def get(self) -> str: ...
    @overload
    def get(self, default: _T, /) -> str | _T: ...

    def get(self, *default: Any) -> Any:
        """The context of the innermost block.

        Args:
            default: what to give if there is no block here.

        Raises:
            LookupError: there is no block here, and no default.
            ConfigurationError: there is one, but it has ended, or a generator holds it that is not running.
        """
        block = _innermost.get()
        if block is not None:
            return block.said()
        if default:
            return default[0]
        raise LookupError(f"{self.name} is not set: no use_context block is open here; open one with use_context(…)")

    def __call__(self) -> str:
        """The context of the innermost block.

        Raises:
            ConfigurationError: there is none, or it has ended.
        """
        block = _innermost.get()
        if block is not None:
            return block.said()
        raise ConfigurationError(
            f"The context (from {self.name}) is None: no use_context block is open here",
            hint="Say in the application whose turn it is: with use_context(…). A thread of your own has the block of"
            " whoever starts it only if it runs in contextvars.copy_context().",
        )

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __reduce__(self) -> str:
        return "current_context"  # there is one in each process


current_context = CurrentContext()


class use_context:  # noqa: N801 - it reads like the function that it is to its users
    """Serve one user: within the block, ``current_context`` is this context, for this task and thread alone.

    Args:
        context: the application's own id of the user or group.
        tasks_may_outlive: whether what is started within the block may go on as this user when it has ended.

    Tasks that are started within the block have it too, as long as it is open; threads have it if they are started with
    a copy of the context, as ``asyncio.to_thread`` does. What goes on after the block, such as a worker that the first
    request starts for all that follow, is refused, so that it does not do the work of all as this one user.

    A generator cannot hold the block, unless ``contextlib`` makes a context manager of it: its steps run as whoever
    asks for the next one, and whoever asks would be this user between two of them.

    Raises:
        ConfigurationError: it is not a text, or empty; or, when the block is entered, a generator would hold it.

    Example:
        >>> from xkit_auth import current_context, use_context
        >>> with use_context("user-42"):
        ...     current_context.get()
        'user-42'
    """

    @says_how_to_call
    def __init__(self, context: str, *, tasks_may_outlive: bool = False) -> None:
        self._context = checked_name("context", context)
        self.tasks_may_outlive = tasks_may_outlive
        self._open: set[_Block] = set()

    def __enter__(self) -> str:
        block = _Block(self, self._context, _innermost.get(), _generator_around(sys._getframe(1)))
        self._open.add(block)
        _innermost.set(block)
        return self._context

    def __exit__(self, exc_type: object = None, *_reason: object) -> None:
        problem = self._leave()
        if problem and exc_type is None:  # what is on its way already says more
            raise ConfigurationError(
                f"A use_context block was left {problem}",
                hint="Enter and leave it in the same task and thread, the inner one first: a dependency of FastAPI has"
                " to be async def. Nobody's turn is certain here until every block has been left.",
            )

    if not TYPE_CHECKING:  # to type checkers it is none

        def __call__(self, *_: object, **__: object) -> NoReturn:
            """Called where it decorates a function, whose user would be the same for every call."""
            raise ConfigurationError(
                "use_context is no decorator", hint="Write a with block in the function: with use_context(user_id): …"
            )

    def _leave(self) -> str:
        """Leave the innermost block of this object, and give what was wrong about that, if anything was."""
        inside: list[_Block] = []
        block = _innermost.get()
        while block is not None and block.owner() is not self:
            inside.append(block)
            block = block.outer
        if block is None:
            _end_at_once(self._open)
            return "in another task or thread than it was entered in, or more often than it was entered"
        outer, was_left = block.outer, block.is_left
        self._open.discard(block)
        block.leave()
        if inside:
            _end_at_once((block, *inside))
            inside[-1].outer = outer
            return "before a block inside of it: they are out of order"
        _innermost.set(outer)
        return "in another task or thread before it was left here" if was_left else ""


def _end_at_once(blocks: Iterable[_Block]) -> None:
    for block in tuple(blocks):
        block.why_not = "was left out of order, or in another task or thread than it was entered in"


def _generator_around(frame: FrameType | None) -> FrameType | None:
    """The running generator that called, step by step, the function that holds a block which is entered now.

    Raises:
        ConfigurationError: the generator itself would hold the block.
    """
    is_holder = True  # or enters it for the frame behind, however many functions of its own it calls for that
    is_handed_on = False
    while frame is not None:
        kind = frame.f_code.co_flags & _KINDS
        is_manager = kind in _GENERATORS and _is_context_manager(frame)
        if kind in _GENERATORS and not is_manager:
            if is_holder:
                raise _no_place_for_a_block(frame)
            return frame
        is_holder = is_manager or frame.f_code.co_name in _ENTER_FOR_ANOTHER
        is_handed_on = is_handed_on or is_holder
        if kind not in _GENERATORS and kind and not is_handed_on:
            return None  # its own with block: whatever drives a coroutine drives its context, too
        frame = frame.f_back
    return None


def _is_running(generator: FrameType) -> bool:
    """Whether a frame is on the stack of a thread. Its ``f_back`` does not tell: from Python 3.12 on, that of a frame
    whose generator has ended stays what it was.
    """
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            if frame is generator:
                return True
            frame = frame.f_back
    return False


def _is_context_manager(generator: FrameType) -> bool:
    driver = generator.f_back
    return driver is not None and driver.f_code.co_name in _ENTER_FOR_ANOTHER | _END_FOR_ANOTHER


def _no_place_for_a_block(generator: FrameType) -> ConfigurationError:
    return ConfigurationError(
        f"The generator {generator.f_code.co_qualname} must not hold a use_context block: between two of its steps,"
        " others would be served as this user, and its own steps as another one",
        hint="In the application, hand the generator an auth object of its own, with its user as context=; or let each"
        " step call a function that enters the block and leaves it again.",
    )
