"""What to say to whoever imports a name that another module has, or a module whose library is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec

from .calling import did_you_mean

_CLIENTS = ("xkit_auth.requests", "xkit_auth.httpx", "xkit_auth.httpx2")
_PLACES = {
    "XkitAuth": _CLIENTS,
    "AllOf": _CLIENTS,
    "NoAuth": _CLIENTS[:1],
    "AfterAuth": _CLIENTS[1:],
    **dict.fromkeys(("Binder", "Binding", "bind", "find_error", "with_credential"), ("xkit_auth.sdk",)),
    **dict.fromkeys(("Answer", "ConnectorContract", "Sandbox", "check_connector"), ("xkit_auth.testing",)),
    "installed_connectors": ("xkit_auth.plugins",),
}


def not_here(name: str, public: Iterable[str]) -> Exception:
    """The error for a name that ``xkit_auth`` does not have, which says where it is or what is like it."""
    places = _PLACES.get(name)
    if places is not None:
        problem = f"{name} is not in xkit_auth itself: import it from {_either(places)}{_why(places)}"
    else:
        problem = f"module 'xkit_auth' has no attribute {name!r}{did_you_mean(name, (*public, *_PLACES))}"
    if _is_imported() and (places is not None or find_spec(f"xkit_auth.{name}") is None):
        return ImportError(problem, name="xkit_auth")
    return AttributeError(problem, name=name)


def no_switch(module: str, name: str) -> Exception:
    """The error for a name that the module of one of the httpx clients does not have."""
    if name == "NoAuth":
        return ImportError(f"{module} has no NoAuth, for none is needed there: auth=None switches a client's auth off")
    return AttributeError(f"module {module!r} has no attribute {name!r}", name=name)


def _either(places: Iterable[str]) -> str:
    *most, last = places
    return f"{', '.join(most)} or {last}" if most else last


def _why(places: tuple[str, ...]) -> str:
    return ", for the HTTP client that you use" if len(places) > 1 else ""


def _is_imported() -> bool:
    """Whether ``from xkit_auth import …`` looks for it: that would say nothing of the text of an ``AttributeError``."""
    return sys._getframe(3).f_code.co_name == "_handle_fromlist"


def lacking(module: str, extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The same error with the extra to install, if what is missing is what that brings; else as it is."""
    if error.name is None or error.name.partition(".")[0] not in (extra, "httpcore", "httpcore2"):
        return error
    return ModuleNotFoundError(f"{module} needs {extra}, which is not installed: {to_install(extra)}", name=error.name)


def to_install(*extras: str, packages: Iterable[str] = ()) -> str:
    """How to get extras of this package, or packages beside it, for a hint.

    Where they come from is for one page to say: a name that an index does not know yet may be anybody's tomorrow.
    """
    named = [*(f"xkit-auth[{extra}]" for extra in extras), *packages]
    return f'install {" ".join(named)}, from where the page "Install xkit-auth" of the documentation says'
