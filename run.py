#!/usr/bin/env python3
"""Run the demo or the tests on a machine that has only Python and git.

python3 run.py demo              show xkit-auth at work against a sandbox on this machine
python3 run.py test              run the tests, the linters and the docs' examples on this Python
python3 run.py test --all        run every check, on every supported Python that is installed
python3 run.py test TOX ARGS     run tox, e.g. `test -e py311,lint` or `test -m here -- -k revoked`

Each makes its own virtual environment below .run/ and uses it again the next time.
"""

# An older Python must be able to read this file to the end, to say that it is too old: no syntax newer than 3.6.
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this is the file that finds out
    sys.exit(
        "xkit-auth needs Python 3.11 or newer, and this is {}.{} ({}).\n"
        "Start me with a newer one, for example: python3.11 run.py demo".format(*sys.version_info[:2], sys.executable)
    )

ROOT = Path(__file__).resolve().parent
PLUGINS = ("plugins/xkit-auth-slack", "plugins/xkit-auth-github")
# The same as `requires` in tox.ini; where they differ, tox fetches itself what it lacks.
TOX = ("tox>=4.30", "tox-uv>=1.25")


def main(arguments: list[str]) -> int:
    """Do what was asked for and return the exit code."""
    command, rest = "".join(arguments[:1]), arguments[1:]
    if command == "demo":
        editable = [part for folder in (".[cli]", *PLUGINS) for part in ("--editable", folder)]
        programs = prepare("demo", "xkit-auth, what its demo needs, and its plugins", editable)
        return call([programs / "xkit-auth", "demo", *rest])
    if command == "test":
        programs = prepare("test", "tox, which runs the checks", TOX)
        return call([programs / "tox", *tox_arguments(rest)])
    print(__doc__)
    return 0 if command in ("help", "-h", "--help") else 2


def tox_arguments(arguments: list[str]) -> list[str]:
    """Say which environments of tox.ini are meant; whoever gives other arguments says so themselves."""
    if arguments[:1] == ["--all"]:
        return arguments[1:]
    return arguments or ["-m", "here"]


def prepare(name: str, what: str, requirements: Sequence[str]) -> Path:
    """Return the folder of programs of a virtual environment that has the requirements."""
    venv = ROOT / ".run" / name
    programs = venv / ("Scripts" if os.name == "nt" else "bin")
    stamp = venv / "installed"
    still_there = stamp.is_file() and (programs / "python").exists()
    if still_there and stamp.read_text(encoding="utf-8") == fingerprint(requirements):
        say(f"Using the virtual environment in {venv.relative_to(ROOT)}.")
        return programs

    say(f"Making a virtual environment in {venv.relative_to(ROOT)}.")
    if call([sys.executable, "-m", "venv", "--clear", venv]) != 0:
        sys.exit("This Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv")
    say(f"Installing {what}.")
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    if call([programs / "python", "-m", "pip", "install", *options, *requirements]) != 0:
        sys.exit("pip could not install it, and says why above. Once that is put right, run me again.")
    stamp.write_text(fingerprint(requirements), encoding="utf-8")
    return programs


def fingerprint(requirements: Sequence[str]) -> str:
    """Say in short what an environment is made of: which Python, where, what is asked for, and what that asks for."""
    projects = [(ROOT / folder / "pyproject.toml").read_text(encoding="utf-8") for folder in (".", *PLUGINS)]
    parts = [sys.version, sys.base_prefix, str(ROOT), *requirements, *projects]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def call(command: Sequence[str | Path]) -> int:
    """Run a command in the checkout and return its exit code."""
    return subprocess.call([str(part) for part in command], cwd=ROOT)


def say(text: str) -> None:
    """Print at once, so that it stands before what the next command prints."""
    print(f"run.py: {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
