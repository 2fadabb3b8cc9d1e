"""Measure xkit-auth: `tox -e bench`, or `python tests/benchmarks/run.py [--quick] [--json FILE] [--only PART]`.

It compares within one run on one machine; figures of two runs, let alone of two machines, say little. What each part
measures is the first sentence of its file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xkit_auth

PARTS = ("warm", "scale", "crowd", "throughput", "memory", "imports", "loading")
PACKAGES = (
    "xkit-auth",
    "requests",
    "httpx",
    "httpx2",
    "authlib",
    "google-auth",
    "requests-oauthlib",
    "httpx-auth",
)


def main() -> None:
    """Run the parts that are wanted."""
    options = _options()
    about = _about()
    print(f"{about['python']} on {about['machine']}, {'quick' if options.quick else 'full'}")
    print(", ".join(f"{name} {number}" for name, number in about["versions"].items()))
    if not about["installed"]:
        print("xkit-auth is not installed from a wheel here, so the figures of `imports` are not those of a user.")
    results: dict[str, Any] = {}
    missed = []
    for name in options.only or PARTS:
        part = importlib.import_module(name)
        print(f"\n## {(part.__doc__ or name).splitlines()[0]}")
        start = time.monotonic()
        tables = part.run(quick=options.quick)
        for table in tables:
            print(f"\n{table}", flush=True)
            missed += table.missed()
        results[name] = {table.title: table.rows for table in tables}
        print(f"\n({name} took {time.monotonic() - start:.0f} seconds)", flush=True)
    print("\n## Not reached\n")
    print("\n".join(f"* {each}" for each in missed) or "Every bar is reached.")
    if options.json:
        options.json.write_text(json.dumps({**about, "quick": options.quick, "parts": results}, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="less work, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file, too")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"one of {', '.join(PARTS)}")
    return parser.parse_args()


def _about() -> dict[str, Any]:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}",
        "installed": "site-packages" in Path(xkit_auth.__file__).parts,
        "versions": {name: _version_of(name) for name in PACKAGES},
    }


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    main()
