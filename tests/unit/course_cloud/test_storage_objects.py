"""An object read in parts holds the same bytes as one read whole, whoever asks for what."""

import io
from types import SimpleNamespace

import pytest
from botocore.exceptions import ResponseStreamingError
from hypothesis import given
from hypothesis import strategies as st

from course_cloud.storage import objects
from course_cloud.storage.addresses import Address
from course_cloud.storage.objects import ObjectFile, fetch
from course_utils.errors import StorageError

PLACE = Address("bucket", "key")
CONTENT = bytes(range(256)) * 40


class Server:
    """Answers ranged GETs of CONTENT, and breaks off after the bytes in `breaks`."""

    meta = SimpleNamespace(endpoint_url="http://127.0.0.1")

    def __init__(self, breaks=(), ranges=True):
        self.breaks, self.ranges, self.moved = list(breaks), ranges, 0

    def get_object(self, *, Range="", **where):
        first, _, last = Range.removeprefix("bytes=").partition("-")
        start, end = 0, len(CONTENT)
        if Range and self.ranges:
            start = int(first) if first else max(0, end - int(last))
            end = int(last) + 1 if first and last else end
        data = CONTENT[start:end]
        self.moved += len(data)
        body = Breaking(data, self.breaks.pop(0) if self.breaks else None)
        answer = {"Body": body, "ETag": '"e"', "ContentLength": len(data)}
        if Range and self.ranges:
            answer["ContentRange"] = f"bytes {start}-{end - 1}/{len(CONTENT)}"
        return answer


class Breaking(io.BytesIO):
    def __init__(self, data, whole):
        super().__init__(data if whole is None else data[:whole])
        self.breaks = whole is not None and whole < len(data)

    def iter_chunks(self, size):
        yield from iter(lambda: self.read(size), b"")
        if self.breaks:
            raise ResponseStreamingError(error="cut")


@given(
    reads=st.lists(st.tuples(st.integers(0, 11_000), st.integers(-1, 3000)), max_size=8),
    tail=st.integers(1, 12_000),
    part=st.integers(500, 4000),
    ranges=st.booleans(),
)
def test_reading_here_and_there_gives_the_bytes_that_are_there(reads, tail, part, ranges):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "TAIL", tail)
        patch.setattr(objects, "PART", part)
        source, plain = ObjectFile(Server(ranges=ranges), PLACE), io.BytesIO(CONTENT)
        assert source.size == len(CONTENT)
        for start, size in reads:
            assert source.seek(start) == plain.seek(start) == source.tell()
            assert source.read(size) == plain.read(size)
            assert source.tell() == plain.tell()
        assert source.seek(-3, io.SEEK_END) == plain.seek(-3, io.SEEK_END)
        assert source.read() == plain.read()


@given(st.lists(st.integers(1, 3000), max_size=6))
def test_a_body_that_breaks_off_again_and_again_arrives_whole(breaks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "PAUSE", 0)
        data, answer = fetch(Server(breaks), PLACE)
        assert data == CONTENT
        assert answer["ContentLength"] == len(CONTENT)


def test_a_body_that_brings_nothing_new_is_given_up(monkeypatch):
    monkeypatch.setattr(objects, "PAUSE", 0)
    with pytest.raises(StorageError, match="broke off in the middle"):
        fetch(Server([100, *[0] * 9]), PLACE)


def test_a_server_without_ranges_cannot_continue_a_body_and_nothing_wrong_is_returned(monkeypatch):
    monkeypatch.setattr(objects, "PAUSE", 0)
    with pytest.raises(StorageError, match="bytes where 10,240 were asked for"):
        fetch(Server([100], ranges=False), PLACE)


def test_what_was_fetched_with_the_size_is_not_fetched_again(monkeypatch):
    monkeypatch.setattr(objects, "TAIL", 100)
    server = Server()
    source = ObjectFile(server, PLACE)
    assert source.read() == CONTENT
    assert server.moved == len(CONTENT)
    source.seek(-100, io.SEEK_END)
    source.read()
    assert server.moved == len(CONTENT)
