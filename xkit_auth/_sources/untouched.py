"""What of an HTTP library calls to Xkit go through, as it was before anybody replaced it for the whole process.

Test libraries, recorders and caches do that: what they record has our keys in it, and what they answer is no answer of
Xkit's. So the methods that they are known to replace are kept from when the adapter was imported. If that was too late,
or if they have replaced what cannot be kept, such as sockets, Xkit is not asked.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from inspect import getattr_static
from types import FunctionType
from typing import Any

from .._values import ConfigurationError

_MOST_WRAPPERS = 16
_SOCKETS_OF_OTHERS = ("httpretty", "mocket", "pytest_socket")


def check_sockets() -> None:
    """See whether sockets are those of the system, or of a loop such as gevent's.

    Raises:
        ConfigurationError: a test library has replaced them.
    """
    package = socket.socket.__module__.partition(".")[0]
    if package in _SOCKETS_OF_OTHERS:
        raise _in_the_way(f"{package} has replaced socket.socket")


class Kept:
    """Methods of a library's classes as they were when this was made."""

    def __init__(self, methods: Iterable[tuple[type[Any], str]]) -> None:
        self._methods: dict[tuple[type[Any], str], Callable[..., Any]] = {}
        self._replaced: list[str] = []
        for owner, name in methods:
            method = original(getattr_static(owner, name))
            self._methods[owner, name] = method
            if not is_its_own(method):
                self._replaced.append(f"{owner.__module__}.{owner.__name__}.{name}")

    def method(self, owner: type[Any], name: str) -> Callable[..., Any]:
        """The method of a class."""
        return self._methods[owner, name]

    def check(self) -> None:
        """See whether they were the library's own.

        Raises:
            ConfigurationError: something had replaced one of them.
        """
        if self._replaced:
            raise _in_the_way(f"something had replaced {self._replaced[0]} before xkit-auth was imported")


def original(method: Any) -> Any:
    """What is inside the wrappers of those who measure, such as OpenTelemetry, if they say what they have wrapped."""
    for _ in range(_MOST_WRAPPERS):
        if is_its_own(method):
            break
        method = getattr(method, "__wrapped__", method)
    return method


def is_its_own(method: object) -> bool:
    """Whether a method is what stands in the module that it says it is from, and no wrapper around that."""
    if type(method) is not FunctionType:
        return False
    return method.__globals__ is vars(sys.modules.get(method.__module__, sys))


def _in_the_way(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"Xkit was not asked: {what}, and would see the keys, or answer in Xkit's place",
        hint="In a test, let the Sandbox of xkit_auth.testing stand in for Xkit, and import xkit_auth before the test"
        " library is at work. Elsewhere, take the library away.",
    )
