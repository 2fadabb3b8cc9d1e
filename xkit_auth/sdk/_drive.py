"""The flow of a request, for callers that are neither requests nor httpx: once for threads and once for tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, NamedTuple

from .._clients import Fetch, Send, Trip, advance, after_answer
from .._connectors import Sending
from .._values import Credential, XkitAuthError
from ._redacted import redacted


class _Wanted(NamedTuple):
    rejected: Credential | None


Life = Generator[_Wanted | Sending, Any, Any]


def _itself(result: Any) -> Any:
    return result


def life_of(
    trip: Trip,
    view: Callable[[], Any],
    seen: Callable[[Any], Any],
    *,
    replayable: bool,
    answer_of: Callable[[Any], Any] = _itself,
) -> Life:
    """Yields what is wanted: a credential, or an attempt with what carries one. Is sent what came of it.

    Args:
        trip: whose request it is.
        view: the request, for plugins.
        seen: makes of an attempt's result what the trip's policy can judge; ``None`` if that is no answer to it.
        replayable: whether there may be a second attempt.
        answer_of: the provider's answer in an attempt's result, for an error that it leads to.

    Returns:
        The result of the last attempt.
    """
    result: Any = None
    carried: list[Credential] = []
    try:
        credential = yield _Wanted(None)
        carried.append(credential)
        result = yield trip.write(credential, view)
        answer = seen(result)
        if answer is None:
            return result
        life = after_answer(
            trip.policy, credential, answer, view, is_whole_again=lambda: replayable, is_proof=trip.is_proof
        )
        step = next(life, None)
        while step is not None:
            outcome: Any = None
            if isinstance(step, Fetch):
                trip.note_rejected(step)
                step = trip.after_fetch(life, step, (yield _Wanted(step.rejected)))
                continue
            elif isinstance(step, Send):
                trip.note_resent(step.sending.credential)
                carried.append(step.sending.credential)
                result = yield step.sending
                outcome = seen(result)
            else:
                trip.note(step)
            step = advance(life, outcome)
    except XkitAuthError as error:
        trip.explain(error)
        if result is not None and error.response is None:
            error.response = redacted(answer_of(result), carried)
        raise
    return result


def run(life: Life, trip: Trip, attempt: Callable[[Sending], Any]) -> Any:
    """Live it, blocking."""
    step = next(life)
    while True:
        try:
            outcome = trip.fetch(step.rejected) if isinstance(step, _Wanted) else attempt(step)
        except XkitAuthError as error:
            outcome = life.throw(error)  # which explains it, and raises it again
        try:
            step = life.send(outcome)
        except StopIteration as end:
            return end.value


async def arun(life: Life, trip: Trip, attempt: Callable[[Sending], Awaitable[Any]]) -> Any:
    """Live it in a task."""
    step = next(life)
    while True:
        try:
            outcome = await (trip.afetch(step.rejected) if isinstance(step, _Wanted) else attempt(step))
        except XkitAuthError as error:
            outcome = life.throw(error)  # which explains it, and raises it again
        try:
            step = life.send(outcome)
        except StopIteration as end:
            return end.value
