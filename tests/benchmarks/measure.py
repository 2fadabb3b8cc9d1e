"""How things are timed: side by side, in many small alternating batches, and never as one number.

A machine that does other work at the same time makes single timings worthless. Some habits help. Subjects take turns
in small batches, in a new order each round, so that a busy moment hits all of them alike. The first requests of a batch
are not timed: the processor's caches still hold what the subject before has left there. Of each subject's batches the
fastest counts, since noise only ever adds. And what is reported is a ratio of two subjects within one repeat, as the
median over many repeats.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

UNTIMED = 5

Send = Callable[..., Any]
"""Makes one request. On an async client it returns something to await."""


class Subject(NamedTuple):
    """Something whose requests are timed."""

    name: str
    send: Send


class Effort(NamedTuple):
    """How much work a measurement may do: ``repeats`` times ``rounds`` batches of ``size`` requests each."""

    repeats: int
    rounds: int
    size: int


Repeat = dict[str, float]
"""Seconds per request, by the subject's name: the fastest of its batches."""


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Keep the collector from running in the middle of somebody's batch."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def timed(subjects: Sequence[Subject], effort: Effort, *, is_async: bool, runner: asyncio.Runner) -> list[Repeat]:
    """Time all subjects side by side. The runner is the event loop in which async clients were made."""
    shuffled = random.Random(0)
    order = list(subjects)
    repeats = []

    def batch(send: Send) -> float:
        return runner.run(_async_batch(send, effort.size)) if is_async else _batch(send, effort.size)

    for subject in order:
        batch(subject.send)  # the first requests find things out that later ones know
    for _ in range(effort.repeats):
        fastest = dict.fromkeys((subject.name for subject in order), float("inf"))
        with no_garbage_collection():
            for _ in range(effort.rounds):
                shuffled.shuffle(order)
                for name, send in order:
                    fastest[name] = min(fastest[name], batch(send))
        repeats.append({name: seconds / effort.size for name, seconds in fastest.items()})
    return repeats


def _batch(send: Send, size: int) -> float:
    for _ in range(UNTIMED):
        send()
    start = perf_counter()
    for _ in range(size):
        send()
    return perf_counter() - start


async def _async_batch(send: Send, size: int) -> float:
    for _ in range(UNTIMED):
        await send()
    start = perf_counter()
    for _ in range(size):
        await send()
    return perf_counter() - start


def ratio(repeats: Sequence[Repeat], name: str, reference: str) -> float:
    """How many times as long one subject takes as the other."""
    return median(each[name] / each[reference] for each in repeats)


def microseconds(repeats: Sequence[Repeat], name: str) -> float:
    """What a subject's request costs."""
    return median(each[name] for each in repeats) * 1e6


def beyond(repeats: Sequence[Repeat], name: str, reference: str) -> float:
    """Microseconds by which a subject's request costs more than the other's."""
    return median(each[name] - each[reference] for each in repeats) * 1e6
