"""Bodies that are sent again whole after a refusal."""

from __future__ import annotations

import io
import tempfile
import zipfile
from contextlib import closing

import pytest

from helpers.bodies_sent_again import (
    BODY,
    CHUNKED,
    bodies,
    path,  # noqa: F401
)

# Files that are what they say


def a_file(path):
    return path.open("rb")


def a_raw_file(path):
    return path.open("rb", buffering=0)


def bytes_in_memory(path):
    return io.BytesIO(path.read_bytes())


def a_spooled_file(path):
    file = tempfile.SpooledTemporaryFile(max_size=10**7)  # noqa: SIM115
    file.write(path.read_bytes())
    file.seek(0)
    return file


def a_temporary_file(path):
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115
    file.write(path.read_bytes())
    file.seek(0)
    return file


def a_member_of_a_zip_file(path):
    archive = io.BytesIO()  # which needs no closing when the member is closed
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("body", path.read_bytes())
    return zipfile.ZipFile(archive).open("body")


class Progress:
    """A wrapper that counts, as tqdm's ``wrapattr`` makes them: the rest is the file's."""

    def __init__(self, file):
        self._file = file
        self.seen = 0

    def read(self, size=-1):
        data = self._file.read(size)
        self.seen += len(data)
        return data

    def __iter__(self):
        return iter(self._file)

    def __getattr__(self, name):
        return getattr(self._file, name)


def a_file_with_a_bar(path):
    return Progress(path.open("rb"))


HONEST = [
    a_file,
    a_raw_file,
    bytes_in_memory,
    a_spooled_file,
    a_temporary_file,
    a_member_of_a_zip_file,
    a_file_with_a_bar,
]


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("make", HONEST)
def test_what_can_go_back_is_sent_again_whole(sandbox, driver, acme, path, make):
    with closing(make(path)) as file:
        assert driver.send("POST", acme.url, auth=acme.auth, content=file).status == 200
    assert bodies(sandbox) == [BODY, BODY]


@pytest.mark.drivers(sync=True, httpx=True)
@pytest.mark.parametrize("make", HONEST)
def test_what_can_go_back_is_sent_again_whole_in_chunks(sandbox, driver, acme, path, make):
    with closing(make(path)) as file:
        assert driver.send("POST", acme.url, auth=acme.auth, content=file, headers=CHUNKED).status == 200
    assert bodies(sandbox) == [BODY, BODY]


@pytest.mark.parametrize("make", HONEST)
def test_a_form_of_what_can_go_back_is_sent_again_whole(sandbox, driver, acme, path, make):
    if driver.library == "requests" and make is a_temporary_file:
        pytest.skip("from Python 3.12 on, requests does not take it for a file")
    with closing(make(path)) as file:
        assert driver.send("POST", acme.url, auth=acme.auth, files={"file": ("name", file)}).status == 200
    refused, again = bodies(sandbox)
    assert refused == again
    assert BODY in again


@pytest.mark.drivers(sync=True)
def test_a_file_is_sent_again_from_where_it_stood(sandbox, driver, acme, path):
    with path.open("rb") as file:
        file.seek(1000)
        headers = {} if driver.library == "requests" else CHUNKED  # httpx and old releases of httpx2 announce all of it
        assert driver.send("POST", acme.url, auth=acme.auth, content=file, headers=headers).status == 200
    assert bodies(sandbox) == [BODY[1000:]] * 2


@pytest.mark.filterwarnings("ignore:Requests has determined the content-length")
@pytest.mark.drivers(requests=True)
def test_a_file_of_text_is_sent_again_whole(sandbox, driver, acme, path):
    with path.open() as file:
        assert driver.send("POST", acme.url, auth=acme.auth, content=file).status == 200
    assert bodies(sandbox) == [BODY, BODY]


@pytest.mark.drivers(sync=True, httpx=True)
def test_a_list_of_bytes_is_sent_again_if_it_is_the_same(sandbox, driver, acme):
    chunks = [BODY, b"end"]
    assert driver.send("POST", acme.url, auth=acme.auth, content=chunks).status == 200
    assert bodies(sandbox) == [BODY + b"end"] * 2


@pytest.mark.drivers(sync=True, httpx=True)
def test_a_list_that_was_changed_meanwhile_is_not_sent_again(sandbox, driver, acme):
    chunks = [BODY, b"end"]

    def forget(_response):
        chunks.clear()

    with driver.session(auth=acme.auth, event_hooks={"response": [forget]}) as send:
        assert send("POST", acme.url, content=chunks).status_code == 401
    assert bodies(sandbox) == [BODY + b"end"]


def test_a_form_without_files_is_sent_again_whole(sandbox, driver, acme):
    files = {"file": ("name", BODY), "note": (None, "text")}
    assert driver.send("POST", acme.url, auth=acme.auth, files=files, data={"a": ["1", "2"]}).status == 200
    refused, again = bodies(sandbox)
    assert refused == again


@pytest.mark.drivers(sync=True)
def test_an_answer_that_is_no_refusal_leaves_a_file_where_it_stands(sandbox, driver, acme, path, xkit):
    xkit.forget("acme")
    with path.open("rb") as file:
        assert driver.send("POST", f"{acme.url}/status/404", auth=acme.auth, content=file).status == 404
        assert file.tell() == len(BODY)
