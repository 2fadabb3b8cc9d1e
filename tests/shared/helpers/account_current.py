"""What the tests of current and current in generators share."""

from __future__ import annotations

import pytest

from xkit_auth import ConfigurationError, current_context


def now():
    return current_context.get(None)


@pytest.fixture(autouse=True)
def nothing_is_left_set():
    yield
    assert now() is None


def refused(function, *args):
    with pytest.raises(ConfigurationError, match="nobody knows whose turn it is") as caught:
        function(*args)
    return caught.value
