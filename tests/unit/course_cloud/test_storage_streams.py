"""An object read in parts holds the same bytes as one read whole, whoever asks for what."""

import io
from itertools import pairwise
from types import SimpleNamespace

import pytest
from botocore.exceptions import ResponseStreamingError
from hypothesis import given
from hypothesis import strategies as st

from course_cloud.storage import streams
from course_cloud.storage.addresses import Address
from course_cloud.storage.streams import Body, Parts, joined
from course_utils.errors import StorageError

PLACE = Address("bucket", "key")
CONTENT = bytes(range(256)) * 40


class Server:
    """Answers ranged GETs of CONTENT, and breaks off after the bytes in `breaks`."""

    meta = SimpleNamespace(endpoint_url="http://127.0.0.1")

    def __init__(self, breaks=()):
        self.breaks, self.moved = list(breaks), 0

    def get_object(self, *, Range="bytes=0-", **where):
        first, _, last = Range.removeprefix("bytes=").partition("-")
        start, end = (
            (int(first), int(last or len(CONTENT) - 1) + 1) if first else (-int(last), None)
        )
        data = CONTENT[start:end]
        self.moved += len(data)
        whole = self.breaks.pop(0) if self.breaks else None
        body = Breaking(data, whole)
        return {
            "Body": body, "ETag": '"e"', "ContentLength": len(data),
            "ContentRange": f"bytes x-y/{len(CONTENT)}",
        }  # fmt: skip


class Breaking(io.BytesIO):
    def __init__(self, data, whole):
        super().__init__(data if whole is None else data[:whole])
        self.breaks = whole is not None and whole < len(data)

    def read(self, size=-1):
        data = super().read(size)
        if not data and self.breaks:
            raise ResponseStreamingError(error="cut")
        return data


spans = st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda pair: tuple(sorted(pair)))


@given(st.lists(spans), st.integers(0, 50))
def test_joined_ranges_cover_what_was_asked_for_and_lie_apart(ranges, gap):
    together = joined(ranges, gap)
    for start, end in ranges:
        assert start == end or any(a <= start and end <= b for a, b in together)
    for (_, end), (start, _) in pairwise(together):
        assert start - end > gap
    ends = {0, *(number for span in ranges for number in span)}
    assert {number for span in together for number in span} <= ends


@given(
    fetched=st.lists(st.tuples(st.integers(0, 10_239), st.integers(0, 10_239)), max_size=4),
    reads=st.lists(st.tuples(st.integers(0, 11_000), st.integers(-1, 3000)), max_size=8),
    tail=st.integers(1, 12_000), part=st.integers(500, 4000), gap=st.integers(0, 2000),
)  # fmt: skip
def test_reading_here_and_there_gives_the_bytes_that_are_there(fetched, reads, tail, part, gap):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "TAIL", tail)
        patch.setattr(streams, "PART", part)
        source, plain = Parts(Server(), PLACE), io.BytesIO(CONTENT)
        source.fetch([span for span in fetched if span[0] < span[1]])
        for start, size in reads:
            assert source.seek(start) == plain.seek(start) == source.tell()
            assert source.read(size) == plain.read(size)


@given(st.lists(st.integers(1, 3000), max_size=6), st.integers(1, 5000))
def test_a_body_that_breaks_off_again_and_again_arrives_whole(breaks, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "PAUSE", 0)
        with Body(Server(breaks), PLACE) as body:
            assert b"".join(iter(lambda: body.read(size), b"")) == CONTENT


def test_a_body_that_brings_nothing_new_is_given_up(monkeypatch):
    monkeypatch.setattr(streams, "PAUSE", 0)
    server = Server([100, *[0] * 9])
    with Body(server, PLACE) as body:
        assert body.read(100) == CONTENT[:100]
        with pytest.raises(StorageError, match="broke off in the middle"):
            body.read(100)


def test_what_was_fetched_is_not_fetched_again(monkeypatch):
    monkeypatch.setattr(streams, "TAIL", 100)
    server = Server()
    source = Parts(server, PLACE)
    source.fetch([(0, 1000)])
    moved = server.moved
    source.read(1000)
    source.seek(-100, io.SEEK_END)
    source.read()
    assert server.moved == moved == 1100
