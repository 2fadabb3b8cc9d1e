"""Libraries that replace parts of the clients for the whole process: no call to Xkit goes through these."""

from __future__ import annotations

import contextlib

import pytest

USER = "user-1"


@contextlib.contextmanager
def requests_cache(folder):
    library = pytest.importorskip("requests_cache")
    library.install_cache(str(folder / "answers"))
    try:
        yield
    finally:
        library.uninstall_cache()


def vcrpy(folder):
    return pytest.importorskip("vcr").use_cassette(str(folder / "cassette.yaml"), record_mode="all")


def vcrpy_that_has_recorded_nothing(folder):
    return pytest.importorskip("vcr").use_cassette(str(folder / "cassette.yaml"), record_mode="none")


def responses(_folder):
    return pytest.importorskip("responses").RequestsMock()


def requests_mock(_folder):
    return pytest.importorskip("requests_mock").Mocker()


def respx_below_httpx(_folder):
    return pytest.importorskip("respx").mock(using="httpcore")


def respx(_folder):
    return pytest.importorskip("respx").mock(using="httpx")


WAYS = [requests_cache, vcrpy, vcrpy_that_has_recorded_nothing, responses, requests_mock, respx, respx_below_httpx]


@pytest.mark.parametrize("at_work", WAYS)
def test_each_call_reaches_xkit_and_leaves_nothing_behind(sandbox, driver, tmp_path, at_work):
    sandbox.connect("acme", USER)
    xkit = sandbox.xkit()
    xkit.broker.prefer(f"xkit_auth.{driver.library}")
    with at_work(tmp_path):
        first = xkit.get_credential("acme", context=USER)
        sandbox.rotate("acme", USER)
        assert xkit.get_credential("acme", context=USER, rejected=first) != first
    assert sandbox.call_count() == 2
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()
    assert b"authorization" not in kept
    assert b"connections/" not in kept
