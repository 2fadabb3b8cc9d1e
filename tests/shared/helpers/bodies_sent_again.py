"""What the tests of bodies sent again and bodies not sent again share."""

from __future__ import annotations

import pytest

BODY = b"0123456789abcdef" * 4096


CHUNKED = {"transfer-encoding": "chunked"}


def bodies(sandbox):
    return [each.body for each in sandbox.arrivals("acme")]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "body"
    path.write_bytes(BODY)
    return path
