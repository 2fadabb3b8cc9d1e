"""The command ``xkit-auth``, which is also ``python -m xkit_auth``."""

from __future__ import annotations

import os
import sys

from ._cli import what_is_missing


def main() -> None:
    """Run the command and leave with its exit code; without the extra ``cli``, do what needs none of it."""
    missing = what_is_missing("click", "rich")
    if missing is not None:
        from ._cli.plain import run

        try:
            code = run(sys.argv[1:])
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        if code is None:
            print(missing, file=sys.stderr)
        raise SystemExit(2 if code is None else code)
    from ._cli.app import app

    app(prog_name="xkit-auth")


if __name__ == "__main__":
    main()
