"""Connections that break and objects that change while a table is on its way."""

import pandas as pd
import pytest
from faulty_s3 import Fault
from test_storage_tables import ratings

from course_cloud.storage import connect, list_keys, objects, read_table, tables, write_table
from course_utils.errors import StorageError

MB = 2**20


@pytest.fixture(scope="module")
def fifty_mb():
    """Return a table of 50 MB of CSV, and the text."""
    row = "1,1193,5,978300760\n"
    text = "user_id,movie_id,rating,timestamp\n" + row * (50 * MB // len(row))
    return text.encode()


def test_a_50_mb_download_that_breaks_off_is_taken_up_where_it_broke(moto, faulty, fifty_mb):
    address = moto.put("big.csv", fifty_mb)
    proxy = faulty(Fault("GET", times=2, cut=20 * MB))
    table = read_table(address)
    assert len(table) == fifty_mb.count(b"\n") - 1
    assert (table == [1, 1193, 5, 978300760]).all(axis=None)
    begins = [line.rpartition(" ")[2] for line in proxy.asked if "bytes=" in line]
    assert len(begins) == 2  # the rest of it, and the rest of that


def test_a_50_mb_download_that_breaks_off_for_good_says_so(moto, faulty, fifty_mb):
    address = moto.put("big.csv", fifty_mb)
    proxy = faulty(Fault("GET", times=1, cut=25 * MB), Fault("GET", cut=0))
    with pytest.raises(StorageError) as caught:
        read_table(address)
    assert str(caught.value) == (
        f"Could not read {address}: the connection to {proxy.endpoint} broke off in the middle of "
        "the object; run it again."
    )
    assert len(proxy.asked) == 1 + objects.RETRIES


def test_a_parquet_part_that_breaks_off_is_fetched_again(moto, faulty):
    table, data = ratings(200_000)
    address = moto.put("t.parquet", data)
    faulty(Fault("bytes=4-", cut=0))
    with pytest.raises(StorageError, match="broke off in the middle"):
        read_table(address)
    proxy = faulty(Fault("bytes=4-", times=2, cut=0))
    pd.testing.assert_frame_equal(read_table(address), table)
    assert sum("bytes=4-" in line for line in proxy.asked) == 3


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".dat"])
def test_an_object_that_changed_since_it_was_listed_is_not_read(s3, suffix):
    address = s3.put(f"ratings{suffix}", b"first")
    [listed] = list_keys(address)
    s3.put(f"ratings{suffix}", b"second")
    with pytest.raises(StorageError, match="the object changed"):
        read_table(listed)


def test_an_object_as_it_was_listed_is_read(s3):
    s3.put("t.csv", b"a\n1\n")
    [listed] = list_keys(s3.address())
    assert read_table(listed)["a"].tolist() == [1]


def test_a_parquet_object_that_changes_between_two_reads_is_noticed(moto, faulty):
    _, data = ratings(200_000)
    _, other = ratings(200_001)
    address = moto.put("t.parquet", data)
    faulty(Fault("bytes=4-", times=1, before=lambda: moto.put("t.parquet", other)))
    with pytest.raises(StorageError, match="the object changed"):
        read_table(address)
    assert len(read_table(address)) == 200_001


def test_a_download_that_breaks_off_is_not_ended_with_bytes_of_another_version(
    moto, faulty, fifty_mb
):
    address = moto.put("big.csv", fifty_mb)
    changed = fifty_mb.replace(b",5,", b",1,")
    faulty(
        Fault("GET", times=1, cut=20 * MB),
        Fault("bytes=", times=1, before=lambda: moto.put("big.csv", changed)),
    )
    with pytest.raises(StorageError, match="the object changed"):
        read_table(address)


def test_a_server_that_ignores_if_match_is_caught_by_its_etag(moto, faulty):
    _, data = ratings(200_000)
    address = moto.put("t.parquet", data)
    client = connect()

    def forget(params, **_):
        params["headers"].pop("If-Match", None)

    client.meta.events.register("before-call.s3.GetObject", forget)
    [listed] = list_keys(address)
    moto.put("t.parquet", ratings(1000)[1])
    with pytest.raises(StorageError, match="the object changed"):
        read_table(listed, client=client)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("partNumber=2", cut_upload=1000),
        Fault("partNumber=2", status=503, code="SlowDown"),
        Fault("partNumber=2", status=403, code="AccessDenied"),
    ],
    ids=["cut in the middle", "always 503", "access denied"],
)
def test_an_upload_in_parts_that_fails_leaves_the_old_object_and_no_parts(
    moto, faulty, monkeypatch, fault
):
    monkeypatch.setattr(tables, "MULTIPART", 5 * MB)
    address = moto.put("t.csv", b"old\n1\n")
    big = pd.DataFrame({"text": ["x" * 1000] * 12_000})
    faulty(fault)
    with pytest.raises(StorageError, match=f"Could not write {address}: "):
        write_table(big, address)
    assert moto.unfinished() == []
    assert read_table(address)["old"].tolist() == [1]


def test_an_upload_in_parts_that_breaks_once_succeeds(moto, faulty, monkeypatch):
    monkeypatch.setattr(tables, "MULTIPART", 5 * MB)
    big = pd.DataFrame({"text": ["x" * 1000] * 12_000})
    proxy = faulty(Fault("partNumber=2", times=2, cut_upload=1000))
    address = write_table(big, moto.address("t.csv"))
    assert sum("partNumber=2" in line for line in proxy.asked) == 3
    pd.testing.assert_frame_equal(read_table(address), big)
    assert moto.unfinished() == []
