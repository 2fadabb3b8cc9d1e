"""Finding one of our errors in what an SDK has made of it."""

from __future__ import annotations

from .._values import XkitAuthError


def find_error(exception: BaseException) -> XkitAuthError | None:
    """The error of xkit-auth that an exception of an SDK was raised for, or ``None``.

    SDKs wrap what goes wrong in errors of their own. This looks at the exception itself, its causes, what was being
    handled when it was raised, and the members of exception groups. What was being handled may be about another call
    than the one that failed: its ``context`` and ``connector`` say whose it is.

    Example:
        >>> from xkit_auth import NotConnected
        >>> from xkit_auth.sdk import find_error
        >>> try:
        ...     try:
        ...         raise NotConnected("Nobody has connected")
        ...     except NotConnected as error:
        ...         raise RuntimeError("the SDK's own words") from error
        ... except RuntimeError as wrapped:
        ...     type(find_error(wrapped)).__name__
        'NotConnected'
    """
    waiting: list[BaseException | None] = [exception]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        if isinstance(each, XkitAuthError):
            return each
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
    return None
