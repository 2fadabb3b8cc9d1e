"""Bodies that nobody can be certain of."""

from __future__ import annotations

import io

import pytest

from xkit_auth._clients.whole import Rewinder


class Wordless(io.BytesIO):
    def read(self, size=-1):
        return None


class StandsStill(io.BytesIO):
    def read(self, size=-1):
        data = super().read(size)
        super().seek(-len(data), io.SEEK_CUR)
        return data


@pytest.mark.parametrize(("kind", "length"), [(Wordless, None), (StandsStill, None)])
def test_what_reads_oddly_is_not_whole_again(kind, length):
    source = kind(b"body")
    rewinder = Rewinder(source, None, length)
    source.seek(4)
    assert not rewinder.is_whole_again()


def test_without_an_announced_length_a_file_that_goes_back_is_whole():
    source = io.BytesIO(b"body")
    rewinder = Rewinder(source, None, None)
    source.read()
    assert rewinder.is_whole_again()
    assert source.tell() == 0
