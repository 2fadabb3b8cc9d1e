"""The command line: ``app.py`` has the commands, ``demo.py`` the steps of the demo, ``timeline.py`` how they look.

All of it needs the extra ``cli``, but for this file, ``plain.py`` and what that imports.
"""

from __future__ import annotations

from importlib.util import find_spec

from .._values import to_install


def what_is_missing(*libraries: str) -> str | None:
    """One line that says what to install, if one of these libraries is not there; ``None`` if all are."""
    missing = [name for name in libraries if find_spec(name) is None]
    if not missing:
        return None
    return f"Not installed: {', '.join(missing)}. To have the whole command, {to_install('cli')}."
