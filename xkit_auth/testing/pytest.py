"""A pytest plugin: one sandbox for the whole run, in place of production from the first import of your code on.

Name it in the ``conftest.py`` of your root folder::

    pytest_plugins = ["xkit_auth.testing.pytest"]

or, if a ``conftest.py`` itself imports code that makes an ``Xkit``, in your settings of pytest, as
``-p xkit_auth.testing.pytest``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from . import Sandbox

__all__ = ["xkit_sandbox"]

_SANDBOX = pytest.StashKey[Sandbox]()
_STACK = pytest.StashKey[ExitStack]()


@pytest.fixture
def xkit_sandbox(pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    """The sandbox, as if it were new: nobody is connected, and no ``Xkit`` that asks it remembers anything."""
    sandbox = pytestconfig.stash[_SANDBOX]
    sandbox.reset()
    yield sandbox
    sandbox.reset()


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Named with ``-p``: begin before any ``conftest.py`` is imported."""
    _begin(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Named in a ``conftest.py``: begin before any test is imported."""
    _begin(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave everything as it was."""
    if _STACK in config.stash:
        config.stash[_STACK].close()


def _begin(config: pytest.Config) -> None:
    if _SANDBOX in config.stash:
        return
    stack = config.stash[_STACK] = ExitStack()
    sandbox = config.stash[_SANDBOX] = stack.enter_context(Sandbox())
    stack.enter_context(sandbox.stand_in())
