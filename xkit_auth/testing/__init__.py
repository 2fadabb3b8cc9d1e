"""For tests: a check that every connector should pass, and a sandbox.

The sandbox is a stand-in for Xkit and for the providers behind it, on real loopback ports, for tests and
demonstrations. It needs the extra ``sandbox``; the check needs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._contract import Answer, ConnectorContract, check_connector

if TYPE_CHECKING:
    from ._records import Arrival, PlatformCall
    from ._sandbox import Sandbox

__all__ = ["Answer", "Arrival", "ConnectorContract", "PlatformCall", "Sandbox", "check_connector"]

_OF_THE_SANDBOX = {"Arrival": "._records", "PlatformCall": "._records", "Sandbox": "._sandbox"}


def __getattr__(name: str) -> object:
    if name not in _OF_THE_SANDBOX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        value = globals()[name] = getattr(import_module(_OF_THE_SANDBOX[name], __name__), name)
    except ModuleNotFoundError as missing:
        from .._values import to_install

        raise ImportError(f"xkit_auth.testing needs starlette and uvicorn: {to_install('sandbox')}") from missing
    return value
