"""What a user has who installs one extra and nothing else: no test of pytest, which would bring more.

check.py modules CLIENT    each public module can be imported, or says what to install; the command explains itself
check.py example CLIENT    the README's first program, on this client, against the sandbox
"""

from __future__ import annotations

import asyncio
import io
import pkgutil
import re
import subprocess
import sys
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

CLIENTS = ("requests", "httpx", "httpx2")
NOT_OURS_TO_BRING = ("click", "pytest", "rich", "socks", "socksio", "trio", "wrapt")
README = Path(__file__).parents[2] / "README.md"


def modules(client: str) -> None:
    """Import what a user may import, and run the command."""
    others = [name for name in CLIENTS if name != client]
    there = [name for name in (*NOT_OURS_TO_BRING, *others, "starlette", "uvicorn") if find_spec(name)]
    assert not there, f"this environment is not bare: it has {there}"
    needs = {f"xkit_auth.{name}": f"xkit-auth[{name}]" for name in (*others, "sdk")}
    for module in public_modules():
        said = refusal(module)
        assert (said is None) is (module not in needs), f"{module}: {said}"
        assert said is None or f"install {needs[module]}, from" in said, f"{module}: {said}"
    for command in (["xkit-auth"], [sys.executable, "-m", "xkit_auth"]):
        shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
        assert "connectors" in shown.stdout, shown
        assert not shown.stderr, shown


def refusal(module: str) -> str | None:
    """What is said to whoever imports a module, if that cannot be."""
    try:
        import_module(module)
    except ImportError as error:
        return str(error)
    return None


def public_modules() -> list[str]:
    """The modules without an underscore, but for the one that pytest loads."""
    found = []
    for package in ("xkit_auth", "xkit_auth.testing"):
        paths = import_module(package).__path__
        found += [package, *(f"{package}.{each.name}" for each in pkgutil.iter_modules(paths) if each.name[0] != "_")]
    return sorted({*found} - {"xkit_auth.testing.pytest"})


def example(client: str, beside: str) -> None:
    """Run the program for a user who is connected, and for one who is not yet."""
    sys.path.append(beside)
    from xkit_auth import Xkit
    from xkit_auth.testing import Sandbox

    program = re.search(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert program is not None
    with Sandbox() as sandbox, sandbox.stand_in():
        assert run(program[1], client).startswith("Please connect Slack: ")
    with Sandbox() as sandbox, sandbox.stand_in():
        sandbox.connect("slack", "user-42")
        assert run(program[1], client) == "Hello, user-42\n"
        sandbox.expire("slack", "user-42")
        assert run(program[1], client) == "Hello, user-42\n"
        assert sandbox.call_count() == 2
        assert asyncio.run(Xkit.default().aget_credential("slack", context="user-42")).reveal()


def run(program: str, client: str) -> str:
    """What a program for requests prints when it is written for this client."""
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(program.replace("requests", client), "README.md", "exec"), {"__name__": "__main__"})
    return said.getvalue()


if __name__ == "__main__":
    {"modules": modules, "example": example}[sys.argv[1]](*sys.argv[2:])
