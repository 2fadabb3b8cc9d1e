"""What a held credential takes beyond its own text and its context's.

Run as a script it fills a cache and prints what that took: a process that has never used memory for something else.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

from auths import KEYS, xkit
from report import Table, verdict

from xkit_auth import Connection
from xkit_auth._sources.account import DEFAULT_BASE_URL, Account
from xkit_auth._sources.platform import Answer, credential_of, read_connection

HELD = 200_000
QUICK_HELD = 50_000
BAR = 450
LIFETIME = 3_600


def run(*, quick: bool) -> list[Table]:
    """One table."""
    number = QUICK_HELD if quick else HELD
    rows = []
    for kind, lifetime in (("without expiry", 0), ("with expiry", LIFETIME)):
        traced, resident = _bytes_for_each(number, lifetime)
        rows.append(
            {"credential": kind, "bytes": traced, "resident": resident, "bar": BAR, "verdict": verdict(traced, BAR)}
        )
    note = (
        f"{number:,} credentials, each from an answer of Xkit's as it is read. `bytes` is what Python has allocated,"
        " without the texts; `resident` is by how much the process has grown, which also counts what the allocator"
        " keeps for itself, and is empty where that cannot be known."
    )
    return [Table("Memory for each held credential", rows, note)]


def _bytes_for_each(number: int, lifetime: int) -> tuple[float, float | None]:
    command = [sys.executable, Path(__file__), str(number), str(lifetime or 0)]
    traced, resident = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return traced, resident


def _measured(number: int, lifetime: int) -> tuple[float | None, float | None]:
    contexts = [f"user-{each}" for each in range(number)]
    resident = _fill(contexts, lifetime, trace=False)
    return _fill(contexts, lifetime, trace=True), resident


def _fill(contexts: list[str], lifetime: int, *, trace: bool) -> float | None:
    """Hold a credential for each context; give the bytes that this takes for each of them."""
    account = Account(**KEYS, base_url=DEFAULT_BASE_URL)
    keeper = xkit(max_entries=2 * len(contexts))
    cache = keeper.broker.cache
    gc.collect()
    if trace:
        tracemalloc.start()
    before = _resident()
    texts = 0
    for context in contexts:
        connection = _connection(account, context, lifetime)
        credential = credential_of(connection)
        cache.store(("acme", context), credential, rejected=None)
        texts += sys.getsizeof(credential.reveal())
    del connection, credential
    gc.collect()
    if trace:
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return (taken - texts) / len(contexts)
    after = _resident()
    return None if before is None or after is None else (after - before - texts) / len(contexts)


def _connection(account: Account, context: str, lifetime: int) -> Connection:
    authorization = {"status": "active", "access_token": f"token-of-{context}"}
    if lifetime:
        authorization["expires_in"] = lifetime
    body = json.dumps({"connection": {"enabled": True, "authorization": authorization}}).encode()
    return read_connection(Answer(200, {}, body), account, "acme", context, wall=0.0)


def _resident() -> int | None:
    """The bytes of this process that are in memory, where the system tells."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(_measured(*map(int, sys.argv[1:]))))
