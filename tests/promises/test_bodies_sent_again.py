"""Hard case C1: a body is sent again only if it is known to be whole again. Whatever happens, none arrives short."""

from __future__ import annotations

import gzip
import io
import mmap
import os
import tempfile
import threading
import zipfile
from contextlib import closing

import pytest

BODY = b"0123456789abcdef" * 4096
CHUNKED = {"transfer-encoding": "chunked"}


def bodies(sandbox):
    return [each.body for each in sandbox.arrivals("acme")]


def is_left_alone_and_healed_for_later(sandbox, driver, acme, **request):
    """The caller gets the refusal, nothing is sent again, and the next request has the new credential."""
    with driver.session(auth=acme.auth) as send:
        assert send("POST", acme.url, **request).status_code == 401
        assert len(sandbox.arrivals("acme")) == 1
        assert send("POST", acme.url, content=b"x").status_code == 200
    assert sandbox.call_count() == 1
    return sandbox.arrivals("acme")[0].body


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


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "body"
    path.write_bytes(BODY)
    return path


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


# Files that are not


class Fickle(io.BytesIO):
    """A file that behaves itself until all of it was read."""

    is_sent = False

    def read(self, size=-1):
        data = super().read(size)
        if not (data or self.is_sent):
            self.is_sent = True
            self.change()
        return data

    def change(self):
        """What happens once it was read."""


class IsUsedUp(Fickle):
    def read(self, size=-1):
        return b"" if self.is_sent else super().read(size)


class SaysAlwaysTheSame(IsUsedUp):
    def tell(self):
        return 0 if self.is_sent else super().tell()

    def seek(self, position, whence=0):
        return 0 if self.is_sent else super().seek(position, whence)


class OnlyBelievesItMoves(SaysAlwaysTheSame):
    at = len(BODY)

    def tell(self):
        return self.at if self.is_sent else super().tell()

    def seek(self, position, whence=0):
        self.at = position if whence == 0 else len(BODY)
        return self.at if self.is_sent else super(Fickle, self).seek(position, whence)


class StaysWhereItIs(Fickle):
    def seek(self, position, whence=0):
        return None if self.is_sent else super().seek(position, whence)


class GoesElsewhere(Fickle):
    def seek(self, position, whence=0):
        return super().seek(position + (self.is_sent and whence == 0), whence)


class IsShorterNow(Fickle):
    def change(self):
        self.truncate(len(BODY) // 2)


class IsLongerNow(Fickle):
    def change(self):
        self.write(BODY)


class IsClosedMeanwhile(Fickle):
    def change(self):
        self.close()


class RaisesWhatItLikes(Fickle):
    def seek(self, position, whence=0):
        if self.is_sent:
            raise RuntimeError("the tape is worn")
        return super().seek(position, whence)


class SaysNothing(io.BytesIO):
    def seekable(self):
        return None


class CannotTell(Fickle):
    def tell(self):
        return None if self.is_sent else super().tell()


class SeeksInATask(io.BytesIO):
    def seekable(self):
        return self._ask()

    async def _ask(self):
        return True


LIARS = [
    IsUsedUp,
    SaysAlwaysTheSame,
    OnlyBelievesItMoves,
    StaysWhereItIs,
    GoesElsewhere,
    IsShorterNow,
    IsLongerNow,
    IsClosedMeanwhile,
    RaisesWhatItLikes,
    SaysNothing,
    CannotTell,
    SeeksInATask,
]


#: Without a length that was announced nobody can know that they have changed: their second end is theirs.
CHANGED = [IsShorterNow, IsLongerNow]


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("kind", LIARS)
def test_what_lies_about_its_position_is_not_sent_again(sandbox, driver, acme, kind):
    assert is_left_alone_and_healed_for_later(sandbox, driver, acme, content=kind(BODY)) == BODY


@pytest.mark.drivers(sync=True, httpx=True)
@pytest.mark.parametrize("kind", [each for each in LIARS if each not in CHANGED])
def test_what_lies_about_its_position_is_not_sent_again_in_chunks(sandbox, driver, acme, kind):
    assert is_left_alone_and_healed_for_later(sandbox, driver, acme, content=kind(BODY), headers=CHUNKED) == BODY


@pytest.mark.drivers(sync=True, httpx=True)
@pytest.mark.parametrize("kind", LIARS)
def test_a_form_of_what_lies_about_its_position_is_not_sent_again(sandbox, driver, acme, kind):
    got = is_left_alone_and_healed_for_later(sandbox, driver, acme, files={"file": ("name", kind(BODY))})
    assert BODY in got


@pytest.mark.drivers(sync=True)
def test_a_pipe_is_not_sent_again(sandbox, driver, acme):
    reader, writer = os.pipe()

    def write():
        with os.fdopen(writer, "wb") as file:
            file.write(BODY)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reader, "rb") as file:
        got = is_left_alone_and_healed_for_later(sandbox, driver, acme, content=file, headers=CHUNKED)
    thread.join()
    assert got == BODY


@pytest.mark.drivers(sync=True, httpx=True)
def test_a_compressed_file_never_arrives_short(sandbox, driver, acme, tmp_path):
    path = tmp_path / "body.gz"
    path.write_bytes(gzip.compress(BODY))
    with gzip.open(path) as file:
        driver.send("POST", acme.url, auth=acme.auth, content=file, headers=CHUNKED)
    assert set(bodies(sandbox)) == {BODY}


@pytest.mark.drivers(requests=True)
def test_a_mapped_file_never_arrives_short(sandbox, driver, acme, path):
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        driver.send("POST", acme.url, auth=acme.auth, content=mapped)
    assert set(bodies(sandbox)) == {BODY}


class OnlyRead:
    """What requests-toolbelt's encoders are like: they know their length and can be read once."""

    def __init__(self):
        self._file = io.BytesIO(BODY)
        self.len = len(BODY)

    def read(self, size=-1):
        return self._file.read(size)

    def __iter__(self):
        return iter(self._file)


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("make", [OnlyRead, lambda: map(bytes, [BODY]), lambda: (each for each in [BODY])])
def test_what_can_be_read_once_is_not_sent_again(sandbox, driver, acme, make):
    assert is_left_alone_and_healed_for_later(sandbox, driver, acme, content=make()) == BODY


# Streams of the caller's own


def streams(driver):
    class Stream(driver.lib.SyncByteStream, driver.lib.AsyncByteStream):
        """One that has what the libraries' own have, and can be read once."""

        def __init__(self):
            self._stream = [BODY]
            self.fields = []

        def __iter__(self):
            while self._stream:
                yield self._stream.pop()

        async def __aiter__(self):
            for chunk in self:
                yield chunk

    class Bytes(driver.lib.ByteStream):
        """One of bytes that are used up."""

        _is_used = False

        def __iter__(self):
            used, self._is_used = self._is_used, True
            return iter([] if used else [BODY])

        async def __aiter__(self):
            for chunk in self:
                yield chunk

    return {"a class": Stream, "of bytes": lambda: Bytes(BODY)}


def sent_by_hand(driver, acme, stream):
    """The status of a request with a stream of the caller's own."""
    request = driver.lib.Request("POST", acme.url, stream=stream)
    request.headers.update({"host": request.url.netloc.decode(), "content-length": str(len(BODY))})
    with driver.session(auth=acme.auth) as send:
        held = [cell.cell_contents for cell in send.__closure__]
        client = next(each for each in held if hasattr(each, "send") and hasattr(each, "cookies"))
        if driver.loop is None:
            return client.send(request).status_code
        portal = next(each for each in held if hasattr(each, "start_task_soon"))
        return portal.call(client.send, request).status_code


@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("kind", ["a class", "of bytes"])
def test_a_stream_of_the_callers_own_is_not_sent_again(sandbox, driver, acme, kind):
    assert sent_by_hand(driver, acme, streams(driver)[kind]()) == 401
    assert bodies(sandbox) == [BODY]
    assert sandbox.call_count() == 1


@pytest.mark.drivers(httpx=True, sync=True)
def test_a_body_that_a_hook_has_put_in_the_place_of_another_is_not_sent_again(sandbox, driver, acme):
    from importlib import import_module

    stream = import_module(f"{driver.library}._content").IteratorByteStream

    def other_body(request):
        request.stream = stream(io.BytesIO(BODY))
        request.headers["content-length"] = str(len(BODY))

    with driver.session(auth=acme.auth, event_hooks={"request": [other_body]}) as send:
        assert send("POST", acme.url, content=io.BytesIO(b"first")).status_code == 401
    assert bodies(sandbox) == [BODY]


# Bodies for tasks


class File:
    """What files of anyio and aiofiles are like."""

    def __init__(self, file):
        self._file = file

    async def read(self, size=-1):
        return self._file.read(size)

    async def seek(self, position, whence=0):
        return self._file.seek(position, whence)

    async def tell(self):
        return self._file.tell()

    def seekable(self):
        return True

    async def __aiter__(self):
        while chunk := self._file.read(65_536):
            yield chunk


class FileOfAiofiles(File):
    async def seekable(self):
        return True


class FileOfHttpx(File):
    async def aread(self, size=-1):
        return self._file.read(size)


class PlainAside(File):
    """One that seeks at once, but is read by whoever iterates over it."""

    def read(self, size=-1):
        return self._file.read(size)

    def seek(self, position, whence=0):
        return self._file.seek(position, whence)

    def tell(self):
        return self._file.tell()


class SeeksForNothing(PlainAside):
    def __init__(self, file):
        super().__init__(file)
        self._chunks = [BODY]

    async def __aiter__(self):
        while self._chunks:
            yield self._chunks.pop()


async def generator(_file):
    yield BODY


@pytest.mark.drivers(tasks=True)
@pytest.mark.parametrize("make", [File, FileOfAiofiles, FileOfHttpx, PlainAside, SeeksForNothing, generator])
def test_a_body_for_tasks_is_not_sent_again(sandbox, driver, acme, make):
    got = is_left_alone_and_healed_for_later(sandbox, driver, acme, content=make(io.BytesIO(BODY)))
    assert got == BODY


@pytest.mark.drivers(tasks=True)
def test_a_file_of_anyio_is_not_sent_again(sandbox, driver, acme, path):
    import anyio

    with path.open("rb") as file:
        got = is_left_alone_and_healed_for_later(sandbox, driver, acme, content=anyio.wrap_file(file))
    assert got == BODY
