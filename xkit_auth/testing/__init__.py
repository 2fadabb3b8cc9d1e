"""A stand-in for Xkit and for the providers behind it, on real loopback ports, for tests and demonstrations."""

try:
    from ._sandbox import Sandbox
except ModuleNotFoundError as missing:
    raise ImportError('xkit_auth.testing needs starlette and uvicorn: pip install "xkit-auth[sandbox]"') from missing

from ._records import Arrival, PlatformCall

__all__ = ["Arrival", "PlatformCall", "Sandbox"]
