"""Bodies that cannot be sent twice: they never arrive short, and the next request is right."""

from __future__ import annotations

import gzip
import io
import mmap
import os
import threading

import pytest

from helpers.bodies_sent_again import (
    BODY,
    CHUNKED,
    bodies,
    path,  # noqa: F401
)


def is_left_alone_and_healed_for_later(sandbox, driver, acme, **request):
    """The caller gets the refusal, nothing is sent again, and the next request has the new credential."""
    with driver.session(auth=acme.auth) as send:
        assert send("POST", acme.url, **request).status_code == 401
        assert len(sandbox.arrivals("acme")) == 1
        assert send("POST", acme.url, content=b"x").status_code == 200
    assert sandbox.call_count() == 1
    return sandbox.arrivals("acme")[0].body


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
