"""What a student reads when a transfer goes wrong, and that nothing is left half done."""

import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from s3_proxy import Fault, proxied

from course_cloud.storage import connect, download_dir, downloads, transfers, upload_dir
from course_utils.errors import StorageError

MIB = 1 << 20
FOREVER = 10**9


@pytest.fixture
def through(moto, no_pauses, monkeypatch):
    """Return a function that makes a client whose way to moto has faults, and gives the proxy."""
    opened = []

    def go(*faults, **options):
        proxy = proxied(moto.endpoint, *faults)
        opened.append(proxy)
        server = proxy.__enter__()
        client = connect(endpoint_url=server.endpoint, **options)
        opened.append(client)
        return server, client

    yield go
    for one in reversed(opened):
        one.close() if hasattr(one, "close") else one.__exit__(None, None, None)


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def parts_left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.is_file()]


@pytest.fixture
def big(moto):
    """Put 50 MB into the bucket and return them."""
    data = os.urandom(50_000_000)
    moto.put("big.bin", data)
    return data


def test_a_download_cut_in_the_middle_of_50_mb_is_mended_without_starting_over(
    moto, through, tmp_path, big, interrupt_and_hold
):
    proxy, client = through(Fault("cut answer", "GET", "big.bin", times=2, after=3_000_000))
    assert download_dir(moto.address(), tmp_path, client=client).bytes == len(big)
    assert (tmp_path / "big.bin").read_bytes() == big
    assert parts_left(tmp_path) == []
    assert proxy.count("GET", "big.bin") == 6 + 2  # six parts, and two of them once more


def test_a_download_that_stays_broken_says_so_and_leaves_nothing(moto, through, tmp_path, big):
    late = Fault("cut answer", "GET", "big.bin", times=0, after=1000)
    _, client = through(Fault("call", "GET", "big.bin", 3, call=lambda: None), late)
    late.times = FOREVER
    with pytest.raises(StorageError) as told:
        download_dir(moto.address(), tmp_path, client=client, workers=1)
    assert "1 of 1 files could not be downloaded" in str(told.value)
    assert "broke off in the middle" in str(told.value)
    assert list(tmp_path.iterdir()) == []
    late.times = 0
    download_dir(moto.address(), tmp_path, client=client)
    assert content(tmp_path) == {"big.bin": big}


def test_an_object_that_changes_between_list_and_get_is_not_mixed(moto, through, tmp_path):
    moto.put("a.csv", b"old")
    change = Fault("call", "GET", "a.csv", call=lambda: moto.put("a.csv", b"new!"))
    _, client = through(change)
    (tmp_path / "a.csv").write_bytes(b"from last week")
    with pytest.raises(
        StorageError, match=r"changed while it was being read or written; run it again"
    ):
        download_dir(moto.address(), tmp_path, client=client)
    assert content(tmp_path) == {"a.csv": b"from last week"}
    download_dir(moto.address(), tmp_path, client=client)
    assert content(tmp_path) == {"a.csv": b"new!"}


def test_a_big_object_that_changes_between_two_of_its_parts_is_not_mixed(
    moto, through, tmp_path, big, interrupt_and_hold
):
    new = big[::-1]
    second = f"bytes={8 * MIB}-{16 * MIB - 1}"
    change = Fault("call", "GET", second, call=lambda: moto.put("big.bin", new))
    _, client = through(change)
    with pytest.raises(StorageError, match=r"changed while it was being read"):
        download_dir(moto.address(), tmp_path, client=client, workers=1)
    assert not (tmp_path / "big.bin").exists()
    download_dir(moto.address(), tmp_path, client=client)
    assert content(tmp_path) == {"big.bin": new}
    assert parts_left(tmp_path) == []


def test_an_object_that_vanishes_is_named_and_the_others_come(moto, through, tmp_path):
    for name in ("a.csv", "b.csv", "c.csv"):
        moto.put(name, b"1")
    gone = Fault(
        "call", "GET", "b.csv",
        call=lambda: moto.client.delete_object(Bucket=moto.bucket, Key="b.csv"),
    )  # fmt: skip
    _, client = through(gone)
    with pytest.raises(StorageError) as told:
        download_dir(moto.address(), tmp_path, client=client)
    assert "1 of 3 files could not be downloaded" in str(told.value)
    assert "('b.csv')" in str(told.value)
    assert "there is no such key; the nearest are" in str(told.value)
    assert "The other 2 are complete; call download_dir again" in str(told.value)
    assert set(content(tmp_path)) == {"a.csv", "c.csv"}


def test_bytes_that_do_not_match_their_checksum_never_become_a_file(moto, through, tmp_path):
    moto.put("a.csv", b"12345")
    _, client = through(Fault("lie", "GET", "a.csv"))
    with pytest.raises(StorageError, match=r"does not match the object's checksum"):
        download_dir(moto.address(), tmp_path, client=client)
    assert list(tmp_path.iterdir()) == []
    download_dir(moto.address(), tmp_path, client=client)
    assert content(tmp_path) == {"a.csv": b"12345"}


def test_a_big_lie_is_found_out_too(moto, through, tmp_path, big):
    _, client = through(Fault("lie", "GET", f"bytes={8 * MIB}-", FOREVER))
    with pytest.raises(StorageError, match=r"does not match the object's checksum"):
        download_dir(moto.address(), tmp_path, client=client)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_answers_503_twice_and_then_works_is_not_worth_a_word(
    moto, through, tmp_path
):
    moto.put("a.csv", b"1")
    _, client = through(Fault("503", "GET", "a.csv", 2), Fault("503", "PUT", "", 2))
    assert download_dir(moto.address(), tmp_path, client=client).files == 1
    assert upload_dir(tmp_path, moto.address("up"), client=client).files == 1


def test_a_server_that_is_down_for_one_file_costs_only_that_file(moto, through, tmp_path):
    for n in range(30):
        moto.put(f"{n:02}.csv", b"1")
    _, client = through(Fault("503", "GET", "07.csv", FOREVER))
    with pytest.raises(StorageError, match=r"1 of 30 files .*'07.csv'.* 503 4 times.* other 29"):
        download_dir(moto.address(), tmp_path, client=client)
    assert len(content(tmp_path)) == 29


def test_a_session_that_expires_ends_the_run_instead_of_failing_a_thousand_times(
    moto, through, tmp_path
):
    for n in range(200):
        (tmp_path / f"{n:03}.csv").write_text("1")
    proxy, client = through(Fault("expired", "PUT", "", FOREVER))
    with pytest.raises(StorageError) as told:
        upload_dir(tmp_path, moto.address(), client=client, workers=4)
    assert "200 of 200 files could not be uploaded" in str(told.value)
    assert "were not tried any more" in str(told.value)
    assert "Your AWS session has expired" in str(told.value) or "expired; run" in str(told.value)
    assert "None is complete" in str(told.value)
    assert proxy.count("PUT") < 30


def test_access_denied_is_told_and_the_rest_goes_up(moto, through, tmp_path):
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "b.csv").write_text("1")
    _, client = through(Fault("403", "PUT", "/b.csv", FOREVER))
    with pytest.raises(StorageError, match=r"1 of 2 .*access denied"):
        upload_dir(tmp_path, moto.address(), client=client)
    assert moto.client.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 1


def test_a_multipart_upload_cut_for_good_is_aborted_and_the_old_object_stays(
    moto, through, tmp_path
):
    moto.put("big.bin", b"the old one")
    (tmp_path / "big.bin").write_bytes(os.urandom(30 * MIB))
    (tmp_path / "small.csv").write_text("1")
    _, client = through(Fault("cut request", "PUT", "partNumber=3", FOREVER, after=1_000_000))
    with pytest.raises(StorageError, match=r"1 of 2 files could not be uploaded .*'big.bin'"):
        upload_dir(tmp_path, moto.address(), client=client)
    assert moto.unfinished() == []
    answer = moto.client.get_object(Bucket=moto.bucket, Key="big.bin")
    assert answer["Body"].read() == b"the old one"
    answer["Body"].close()
    assert upload_dir(tmp_path, moto.address()).files == 1  # small.csv was complete


def test_a_multipart_upload_cut_once_is_mended(moto, through, tmp_path):
    (tmp_path / "big.bin").write_bytes(os.urandom(20 * MIB))
    _, client = through(Fault("cut request", "PUT", "partNumber=2", after=1_000_000))
    assert upload_dir(tmp_path, moto.address(), client=client).files == 1
    assert upload_dir(tmp_path, moto.address(), client=client).skipped == 1
    assert moto.unfinished() == []


def test_an_upload_whose_last_answer_is_lost_is_complete_all_the_same(moto, through, tmp_path):
    (tmp_path / "big.bin").write_bytes(os.urandom(20 * MIB))
    _, client = through(Fault("lose answer", "POST", "uploadId=", FOREVER))
    assert upload_dir(tmp_path, moto.address(), client=client).files == 1
    assert moto.unfinished() == []


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_a_server_that_hangs_up_on_every_request_is_one_sentence(moto, through, tmp_path, size):
    (tmp_path / "a.bin").write_bytes(os.urandom(size))
    _, client = through(Fault("lose answer", "", "a.bin", FOREVER))
    with pytest.raises(StorageError, match=r"1 of 1 files .*hung up without an answer"):
        upload_dir(tmp_path, moto.address(), client=client)


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_an_object_that_the_server_stored_wrongly_does_not_stay(moto, through, tmp_path, size):
    (tmp_path / "a.bin").write_bytes(os.urandom(size))
    _, client = through(Fault("garble", "PUT", "a.bin", FOREVER))
    with pytest.raises(StorageError, match=r"does not match the checksum"):
        upload_dir(tmp_path, moto.address(), client=client)
    assert moto.client.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 0
    assert moto.unfinished() == []


def test_a_big_file_that_changes_while_it_goes_up_does_not_stay(moto, through, tmp_path):
    file, size = tmp_path / "a.bin", 40 * MIB
    file.write_bytes(os.urandom(size))
    change = Fault("call", "PUT", "partNumber=2", call=lambda: file.write_bytes(b"x" * size))
    _, client = through(change)
    with pytest.raises(StorageError, match=r"does not match the checksum"):
        upload_dir(tmp_path, moto.address(), client=client, workers=1)
    assert moto.client.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 0
    assert moto.unfinished() == []


def test_a_disk_that_fills_up_is_named_and_no_temporary_file_stays(moto, tmp_path, monkeypatch):
    moto.put("a.csv", b"1")
    moto.put("b.csv", b"2")
    replace = os.replace

    def full(source, target):
        if Path(target).name == "b.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(downloads.os, "replace", full)
    with pytest.raises(StorageError, match=r"write .*b\.csv on this computer: No space left"):
        download_dir(moto.address(), tmp_path)
    assert content(tmp_path) == {"a.csv": b"1"}


def test_nobody_there_is_one_sentence(no_aws, no_pauses, tmp_path, monkeypatch):
    from faulty_server import closed_port

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    client = connect(endpoint_url=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(StorageError, match=r"nobody answers at"):
        download_dir("s3://bucket/x", tmp_path / "there", client=client)
    assert not (tmp_path / "there").exists()
    client.close()


@pytest.fixture(autouse=True)
def ctrl_c_is_not_ignored():
    """Interrupt although a shell started this in the background, where Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def interrupt_and_hold():
    """Interrupt, and hold the request until the main thread has the signal and could cancel.

    On a busy machine that takes seconds, in which a transfer that is not held would end.
    """
    delivered = threading.Event()

    def deliver(number, frame):
        delivered.set()
        signal.default_int_handler(number, frame)

    def hold():
        interrupt()
        delivered.wait(30)
        time.sleep(2)

    before = signal.signal(signal.SIGINT, deliver)
    yield hold
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_whole_files_only_and_stops_soon(moto, through, tmp_path):
    for n in range(200):
        moto.put(f"{n:03}.csv", b"1" * 100)
    proxy, client = through(Fault("call", "GET", "020.csv", call=interrupt))
    with pytest.raises(KeyboardInterrupt):
        download_dir(moto.address(), tmp_path, client=client, workers=4)
    assert parts_left(tmp_path) == []
    assert set(content(tmp_path).values()) == {b"1" * 100}
    assert proxy.count("GET") < 60
    whole = len(content(tmp_path))
    assert download_dir(moto.address(), tmp_path).skipped == whole
    assert len(content(tmp_path)) == 200


def test_ctrl_c_does_not_wait_for_a_server_that_hangs(moto, through, tmp_path, monkeypatch):
    monkeypatch.setattr(transfers, "GRACE", 0.2)
    moto.put("a.csv", b"1")
    moto.put("b.csv", b"1")
    hang = Fault("hang", "GET", "a.csv", FOREVER)
    proxy, client = through(hang, Fault("call", "GET", "b.csv", call=interrupt))
    with pytest.raises(KeyboardInterrupt):
        download_dir(moto.address(), tmp_path, client=client)
    hang.times = 0
    proxy.over.set()  # the server answers after all, when nobody wants it any more
    assert parts_left(tmp_path) == []
    assert not (tmp_path / "a.csv").exists()


def test_ctrl_c_in_the_middle_of_a_multipart_upload_aborts_it(
    moto, through, tmp_path, interrupt_and_hold
):
    (tmp_path / "big.bin").write_bytes(os.urandom(40 * MIB))
    _, client = through(Fault("call", "PUT", "partNumber=3", call=interrupt_and_hold))
    with pytest.raises(KeyboardInterrupt):
        upload_dir(tmp_path, moto.address(), client=client, workers=2)
    assert moto.unfinished() == []
    assert moto.client.list_objects_v2(Bucket=moto.bucket)["KeyCount"] == 0


def test_ctrl_c_in_the_middle_of_a_big_download_leaves_nothing_half_written(
    moto, through, tmp_path, big, interrupt_and_hold
):
    fourth = f"bytes={32 * MIB}-{40 * MIB - 1}"
    _, client = through(Fault("call", "GET", fourth, call=interrupt_and_hold))
    with pytest.raises(KeyboardInterrupt):
        download_dir(moto.address(), tmp_path, client=client, workers=1)
    assert list(tmp_path.iterdir()) == []
    download_dir(moto.address(), tmp_path)
    assert content(tmp_path) == {"big.bin": big}
