"""Ten thousand users over loopback, whose credentials expire at random: requests in a second, and what refusals cost.

A refused request is sent twice and waits for Xkit, so less than a constant header is possible: "work" is how many
requests and calls to Xkit the provider saw for each request that was asked for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter
from typing import Any

import requests
from auths import KEYS, LONG, USER, constant, hold
from clients import CLIENTS, OPTIONS, Client
from provider import CONSTANT, Provider, running, token_of
from report import Table
from requests.adapters import HTTPAdapter

from xkit_auth import Xkit

USERS = 10_000
LUCK = 100
"""One request in so many finds that its user's credential has just expired."""

THREADS = 16
TASKS = 50
SLICE = 5_000
REPEATS = 7
QUICK_REPEATS = 2

Slice = Callable[[Iterable[str]], float]
"""Makes a request for each of these users; gives the seconds until the last answer."""


def run(*, quick: bool) -> list[Table]:
    """One table for all clients."""
    repeats = QUICK_REPEATS if quick else REPEATS
    rows = []
    for client in CLIENTS:
        if client.library == "requests" or client.is_async:
            with running() as provider:
                rows.append(_row(client, provider, repeats))
    note = (
        f"One request in {LUCK} is refused. requests has {THREADS} threads, httpx and httpx2 have {TASKS} tasks of"
        " asyncio. Every user's first credential is held at the start. There is no bar."
    )
    return [Table(f"{USERS:,} users whose credentials expire", rows, note)]


def _row(client: Client, provider: Provider, repeats: int) -> dict[str, Any]:
    measured = _on_requests if client.library == "requests" else _on_httpx
    with Xkit(**KEYS, base_url=provider.xkit_url, max_age=LONG, max_entries=2 * USERS) as account:
        for number in range(USERS):
            hold(account, f"user-{number}", token=token_of(f"user-{number}"))
        auth = client.ours.XkitAuth("acme", context=USER, xkit=account, hosts=[provider.host])
        header = constant(client, "Authorization", f"Bearer {CONSTANT}")
        provider.control(f"luck/{LUCK}")
        pairs = measured(client, provider, [header, auth], repeats)
    header_seconds, our_seconds, work = (median(each) for each in zip(*pairs, strict=True))
    return {
        "client": client.name,
        "requests/s, constant header": round(SLICE / header_seconds),
        "requests/s, xkit-auth": round(SLICE / our_seconds),
        "ratio": median(ours / theirs for theirs, ours, _ in pairs),
        "work": work,
    }


def _pairs(provider: Provider, slices: list[Slice], repeats: int) -> list[tuple[float, float, float]]:
    """Seconds with the constant header, seconds with ours, and how much work ours made."""
    shuffled = random.Random(0)
    pairs = []
    for repeat in range(repeats + 1):
        users = [f"user-{shuffled.randrange(USERS)}" for _ in range(SLICE)]
        header_seconds = slices[0](users)
        provider.control("count")
        our_seconds = slices[1](users)
        counts = provider.control("count")
        if repeat:  # the first opens the connections
            work = (counts["requests"] + counts["calls"]) / SLICE
            pairs.append((header_seconds, our_seconds, work))
    return pairs


def _on_requests(_client: Client, provider: Provider, auths: list[Any], repeats: int) -> Any:
    with ThreadPoolExecutor(THREADS) as pool:

        def slice_with(auth: Any) -> Slice:
            session = requests.Session()
            session.trust_env = False
            session.auth = auth
            session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))

            def one(user: str) -> int:
                USER.set(user)
                return session.get(provider.url).status_code

            def together(users: Iterable[str]) -> float:
                start = perf_counter()
                assert set(pool.map(one, users)) == {200}
                return perf_counter() - start

            return together

        return _pairs(provider, [slice_with(auth) for auth in auths], repeats)


def _on_httpx(client: Client, provider: Provider, auths: list[Any], repeats: int) -> Any:
    with asyncio.Runner() as runner:

        def slice_with(auth: Any) -> Slice:
            opened = client.module.AsyncClient(auth=auth, timeout=60, **OPTIONS)

            async def worker(users: Any) -> None:
                for user in users:
                    USER.set(user)
                    answer = await opened.get(provider.url)
                    assert answer.status_code == 200

            async def together(users: Iterable[str]) -> float:
                start = perf_counter()
                queue = iter(users)
                await asyncio.gather(*(worker(queue) for _ in range(TASKS)))
                return perf_counter() - start

            return lambda users: runner.run(together(users))

        return _pairs(provider, [slice_with(auth) for auth in auths], repeats)
