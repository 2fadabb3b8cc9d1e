"""What it costs once, at the first request, to load every connector of this project's plugins.

Each time is taken in a new interpreter, with the modules compiled and the core already there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from report import Table, verdict

REPEATS = 41
QUICK_REPEATS = 11
BAR_MS = 20

PROGRAM = """
import sys, time
from importlib.metadata import entry_points
from xkit_auth import PRESENT, Connector, Contains, Default, Failure, Placement, Verdict, hookimpl
from xkit_auth.plugins import Plugins

rule = Failure(Verdict.DENIED, status=403, challenge={"error": PRESENT})
Connector("warm", hosts=["warm.example"], failures=[rule])
entries = list(entry_points(group="xkit_auth"))
start = time.perf_counter()
connectors = [connector for entry in entries for connector in entry.load().xkit_auth_connectors()]
loaded = time.perf_counter()
Plugins()
print(loaded - start, time.perf_counter() - loaded, len(connectors))
"""

REFERENCE = "import time; start = time.perf_counter(); import httpx; print(time.perf_counter() - start)"


def run(*, quick: bool) -> list[Table]:
    """One table."""
    loading, looking, references, number = [], [], [], 0
    for repeat in range((QUICK_REPEATS if quick else REPEATS) + 1):
        loaded, looked, count = _printed(PROGRAM)
        (reference,) = _printed(REFERENCE)
        if repeat:  # the first compiles what is not compiled yet
            loading.append(loaded)
            looking.append(looked)
            references.append(reference)
        number = int(count)
    rows = []
    for name, times in ((f"load {number} connectors", loading), ("look for plugins and check them", looking)):
        is_bound = times is loading
        rows.append(
            {
                "what": name,
                "ms": median(times) * 1e3,
                "fastest, ms": min(times) * 1e3,
                "ratio": median(ours / theirs for ours, theirs in zip(times, references, strict=True)),
                "bar, ms": BAR_MS if is_bound else None,
                "verdict": verdict(median(times) * 1e3, BAR_MS) if is_bound else "",
            }
        )
    return [
        Table(
            "Loading connectors",
            rows,
            "Ratios are to `import httpx`. Looking for plugins reads what is said of every installed package.",
        )
    ]


def _printed(program: str) -> list[float]:
    command = [sys.executable, "-P", "-c", program]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(text) for text in ran.stdout.split()]
