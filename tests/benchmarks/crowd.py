"""A thousand requests of one user at once: how often Xkit is asked, and how long the last of them waits.

The provider answers nobody until a number of them has come, so that they really are under way together. The least that
is possible is Xkit's own delay and what the same requests take with a constant header. Requests that are refused first
are sent twice, so the measure is then two waves, one after the other on the same connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from math import inf
from statistics import median
from time import perf_counter
from typing import Any

import requests
from auths import KEYS, constant
from clients import CLIENTS, OPTIONS, Client
from provider import CONSTANT, DELAY, Provider, running
from report import Table, verdict
from requests.adapters import HTTPAdapter

from xkit_auth import Xkit

CROWD = 1_000
BAR = 1.25
REPEATS = 7
QUICK_REPEATS = 2
PATIENCE = 120.0
CLIENTS_AT_ONCE = 50
"""A client of httpx keeps twenty connections, and its pool goes over all of them and over all who wait, each time: with
one client a thousand requests take a minute."""

HELD_IN_TASKS = CROWD
HELD_IN_THREADS = 100
"""A thousand threads that wake at the same moment mostly fight for the interpreter's lock, with any auth."""

CASES = ("cold", "just rejected")

Together = Callable[..., list[float]]
"""Sends the crowd to a URL with an auth object, on new clients, in one or more waves; gives each wave's seconds."""


def run(*, quick: bool) -> list[Table]:
    """One table for each client."""
    with running() as provider:
        repeats = QUICK_REPEATS if quick else REPEATS
        return [_table(library, provider, repeats) for library in ("requests", "httpx", "httpx2")]


def _table(library: str, provider: Provider, repeats: int) -> Table:
    client = next(client for client in CLIENTS if client.library == library)
    together = _in_threads if library == "requests" else _in_tasks(client.module)
    header = constant(client, "Authorization", f"Bearer {CONSTANT}")
    together(provider.url, header)
    measured = [_measured(client, provider, together, header) for _ in range(repeats)]
    rows = []
    for case in CASES:
        times = median(each[case]["seconds"] / each[case]["possible"] for each in measured)
        calls = max(each[case]["calls"] for each in measured)
        rows.append(
            {
                "client": library,
                "case": case,
                "calls to Xkit": calls,
                "refused": round(median(each[case]["refusals"] for each in measured)),
                "seconds": median(each[case]["seconds"] for each in measured),
                "possible, seconds": median(each[case]["possible"] for each in measured),
                "ratio": times,
                "bar": BAR,
                "verdict": verdict(times if calls == 1 else inf, BAR),
            }
        )
    kind = "threads" if library == "requests" else "tasks of asyncio"
    noise = median(each[case]["noise"] for each in measured for case in CASES)
    note = (
        f"Xkit takes {DELAY:g} seconds to answer, and may be called once. The rest of what is possible was measured"
        f" just before and just after; the two differed by {noise:.0%} (median)."
    )
    return Table(f"{CROWD:,} requests of one user at once, {library} in {kind}", rows, note)


def _measured(client: Client, provider: Provider, together: Together, header: Any) -> dict[str, dict[str, float]]:
    """Both cases, each between two runs with a constant header."""
    found = {}
    held_back = HELD_IN_THREADS if client.library == "requests" else HELD_IN_TASKS

    def held(any_auth: Any, waves: int = 1) -> list[float]:
        provider.control(f"hold/{held_back}")
        return together(provider.url, any_auth, waves)

    with Xkit(**KEYS, base_url=provider.xkit_url, timeout=PATIENCE) as account:
        auth = client.ours.XkitAuth("acme", context="user", xkit=account, hosts=[provider.host])
        for case in CASES:
            before = held(header, 2)
            provider.control("count")
            seconds = sum(held(auth))
            counts = provider.control("count")
            after = held(header, 2)
            first, again = ((one + other) / 2 for one, other in zip(before, after, strict=True))
            possible = DELAY + first + again * counts["refusals"] / CROWD
            noise = max(sum(before), sum(after)) / min(sum(before), sum(after)) - 1
            found[case] = {**counts, "seconds": seconds, "possible": possible, "noise": noise}
            provider.control("expire")
    return found


def _in_threads(url: str, auth: Any, waves: int = 1) -> list[float]:
    """A thread for each request, all on one session."""
    with requests.Session() as session, ThreadPoolExecutor(CROWD) as pool:
        session.trust_env = False
        session.auth = auth
        session.mount("http://", HTTPAdapter(pool_maxsize=CROWD))

        def wave() -> float:
            start = perf_counter()
            answers = [future.result() for future in [pool.submit(session.get, url) for _ in range(CROWD)]]
            return _seconds_since(start, answers)

        return [wave() for _ in range(waves)]


def _in_tasks(library: Any) -> Together:
    """A task for each request, spread over several clients that share the auth object."""

    async def together(url: str, auth: Any, waves: int) -> list[float]:
        async with AsyncExitStack() as stack:
            clients = [library.AsyncClient(auth=auth, timeout=PATIENCE, **OPTIONS) for _ in range(CLIENTS_AT_ONCE)]
            for client in clients:
                await stack.enter_async_context(client)
            crowd = clients * (CROWD // CLIENTS_AT_ONCE)

            async def wave() -> float:
                start = perf_counter()
                return _seconds_since(start, await asyncio.gather(*(client.get(url) for client in crowd)))

            return [await wave() for _ in range(waves)]

    return lambda url, auth, waves=1: asyncio.run(together(url, auth, waves))


def _seconds_since(start: float, answers: list[Any]) -> float:
    seconds = perf_counter() - start
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200}, statuses
    return seconds
