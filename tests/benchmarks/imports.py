"""What `import xkit_auth` costs beside `import httpx`: time, and modules.

Each import happens in a new interpreter, which times it itself, so that its own start does not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from report import MISSED, Table, verdict

REPEATS = 41
QUICK_REPEATS = 11
BAR = 0.25

# httpx also imports its own command, if click and rich are there, as they are with the extra `cli` of ours. That costs
# as much again. Who installs httpx alone has neither, so the one without them is what we are held against.
WITHOUT = "sys.modules['click'] = sys.modules['rich'] = None"
REFERENCE = "httpx"
IMPORTS = {
    "xkit_auth": ("xkit_auth", WITHOUT),
    "xkit_auth.requests": ("xkit_auth.requests", WITHOUT),
    "xkit_auth.httpx": ("xkit_auth.httpx", WITHOUT),
    "xkit_auth.httpx2": ("xkit_auth.httpx2", WITHOUT),
    "requests": ("requests", WITHOUT),
    "httpx2": ("httpx2", WITHOUT),
    REFERENCE: ("httpx", WITHOUT),
    "httpx with click and rich": ("httpx", ""),
}

PROGRAM = """
import sys, time
{first}
before = set(sys.modules)
start = time.perf_counter()
import {name}
seconds = time.perf_counter() - start
print(seconds, *(set(sys.modules) - before))
"""

UNWANTED = {"requests", "httpx", "httpx2", "httpcore", "urllib3", "asyncio", "wrapt", "pluggy"}


def run(*, quick: bool) -> list[Table]:
    """One table."""
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    modules: dict[str, set[str]] = {}
    for repeat in range((QUICK_REPEATS if quick else REPEATS) + 1):
        for name, (module, first) in IMPORTS.items():
            taken, modules[name] = _imported(module, first)
            if repeat:  # the first compiles what is not compiled yet
                seconds[name].append(taken)
    rows = []
    for name in IMPORTS:
        times = median(ours / theirs for ours, theirs in zip(seconds[name], seconds[REFERENCE], strict=True))
        is_bound = name == "xkit_auth"
        rows.append(
            {
                "import": name,
                "ms": median(seconds[name]) * 1e3,
                "fastest, ms": min(seconds[name]) * 1e3,
                "modules": len(modules[name]),
                "ratio": times,
                "bar": BAR if is_bound else None,
                "verdict": verdict(times, BAR) if is_bound else "",
            }
        )
    brought = sorted(UNWANTED & modules["xkit_auth"])
    rows[0]["verdict"] = MISSED if brought else rows[0]["verdict"]
    note = (
        f"`import xkit_auth` brings in {', '.join(brought) or 'no HTTP library, no asyncio, no wrapt and no pluggy'}."
    )
    return [Table("Import", rows, f"Ratios are to `import httpx` without click and rich. {note}")]


def _imported(name: str, first: str) -> tuple[float, set[str]]:
    # -P: what is in the folder at hand is not what is installed.
    command = [sys.executable, "-P", "-c", PROGRAM.format(name=name, first=first)]
    # Compiled modules may be kept: nobody has them compiled anew each time.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, *modules = ran.stdout.split()
    return float(seconds), set(modules)
