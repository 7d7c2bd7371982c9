"""A download arrives whole and verified or leaves nothing; what failed is said in one sentence."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import releases_writer as writer
import requests
from faulty_server import closed_port, serving
from test_datasets_formats import assert_is_small

from course_utils.datasets import load_movielens, releases
from course_utils.errors import CourseError, DataError, DownloadError

ARCHIVE = writer.archive_bytes("ml-1m")
Sources = Callable[..., None]


def left_behind(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def refusal(name: str, home: Path) -> str:
    """Load in vain; return the sentence that says why, after looking for what must not remain."""
    with pytest.raises(DownloadError) as caught:
        load_movielens(name, data_home=home)
    error = caught.value
    assert isinstance(error, CourseError)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__, "a chained traceback"
    assert left_behind(home) == []
    message = str(error)
    assert "\n" not in message
    assert f"fetch {name}.zip by other means and set COURSE_DATA_DIR to the folder" in message
    assert 'load_movielens("sample") needs no network' in message
    return message


@pytest.mark.parametrize("name", writer.NAMES)
def test_every_release_arrives_and_is_asked_for_once(
    name: str, cache_home: Path, sources: Sources
) -> None:
    data = writer.archive_bytes(name)
    with serving(data) as server:
        sources(server.url(), name=name)
        assert_is_small(load_movielens(name))
        assert_is_small(load_movielens(name))
    assert server.asked == [f"/datasets/{name}.zip"]
    assert_is_small(load_movielens(name))  # with nobody serving
    archives = [path for path in cache_home.rglob("*.zip") if path.read_bytes() == data]
    assert archives == [releases.user_cache() / f"{name}.zip"]


FAULTS = [
    ("503", "answered 503 Service Unavailable"),
    ("404", "answered 404 Not Found"),
    ("truncates", "broke off in the middle of the file"),
    ("hangs", "did not answer within 0.5 seconds"),
    ("hangs in the middle", "went silent in the middle of the file"),
    ("hangs up", "could not be reached"),
    ("redirects for ever", "sent an answer that cannot be used (TooManyRedirects)"),
    ("bad gzip", "sent an answer that cannot be used (ContentDecodingError)"),
    ("bad length", "sent an answer that cannot be used (ValueError)"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_what_a_server_did_is_said(fault: str, said: str, tmp_path: Path, sources: Sources) -> None:
    with serving(ARCHIVE, fault) as server:
        sources(server.url("localhost"))
        message = refusal("ml-1m", tmp_path)
    assert message.startswith(f"ml-1m could not be downloaded: localhost {said}. Try again later")
    assert server.asked


def test_a_wrong_checksum_is_refused(tmp_path: Path, sources: Sources) -> None:
    with serving(writer.archive_bytes("ml-1m", {"README.txt": b"an older one"})) as server:
        sources(server.url())
        message = refusal("ml-1m", tmp_path)
    assert "127.0.0.1 sent a file whose SHA-256 is not the one on record" in message


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>Sign in to this network</html>", ARCHIVE[:-30], ARCHIVE[: len(ARCHIVE) // 2]],
)
def test_what_is_no_zip_is_refused_without_a_checksum_too(
    data: bytes, tmp_path: Path, sources: Sources
) -> None:
    with serving(data) as server:
        sources(server.url(), name="ml-latest")
        message = refusal("ml-latest", tmp_path)
    assert "127.0.0.1 sent something that is not a whole zip archive" in message


def test_a_connection_that_is_not_made_says_how_long_it_waited() -> None:
    """The first of the two time limits, which a loopback address cannot be made to reach."""
    said = releases._what_went_wrong(requests.exceptions.ConnectTimeout("timed out"))
    assert said == f"did not answer within {releases.TIMEOUT[0]:g} seconds"


def test_nobody_listens(tmp_path: Path, sources: Sources) -> None:
    sources(f"http://localhost:{closed_port()}")
    assert "localhost could not be reached." in refusal("ml-1m", tmp_path)
    sources("http://files.grouplens.invalid")
    assert "files.grouplens.invalid could not be reached." in refusal("ml-1m", tmp_path)


def test_download_false_says_where_it_looked(
    tmp_path: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(ARCHIVE) as server:
        sources(server.url())
        monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
        with pytest.raises(DataError, match="download=False") as caught:
            load_movielens("ml-1m", download=False)
    assert f"ml-1m is not in {tmp_path} and {releases.user_cache()}, and" in str(caught.value)
    assert "put the folder ml-1m/ or ml-1m.zip there, or allow the download" in str(caught.value)
    assert server.asked == []


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, sources: Sources) -> None:
    (tmp_path / "file").write_text("in the way")
    with serving(ARCHIVE) as server:
        sources(server.url(), server.url())
        with pytest.raises(DownloadError) as caught:
            load_movielens("ml-1m", data_home=tmp_path / "file" / "home")
    assert f"ml-1m cannot be written to {tmp_path}/file/home (" in str(caught.value)
    assert caught.value.__suppress_context__
    assert server.asked == []


def test_two_at_once_both_get_the_whole_file(tmp_path: Path, sources: Sources) -> None:
    results: list[object] = []
    with serving(ARCHIVE) as server:
        sources(server.url())
        both = [
            threading.Thread(
                target=lambda: results.append(load_movielens("ml-1m", data_home=tmp_path))
            )
            for _ in range(2)
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert len(results) == 2
    for ml in results:
        assert_is_small(ml)
    assert [path for path in left_behind(tmp_path) if "/" not in path] == ["ml-1m.zip"]


def test_an_interrupted_download_leaves_nothing(
    tmp_path: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooch.core

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.core, "hash_matches", interrupt)
    with serving(ARCHIVE) as server:
        sources(server.url())
        with pytest.raises(KeyboardInterrupt):
            load_movielens("ml-1m", data_home=tmp_path)
    assert server.asked
    assert left_behind(tmp_path) == []
