"""Certificates are verified, always; and the mirror helps out, under the same conditions."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import releases_writer as writer
import trustme
from faulty_server import serving
from test_datasets_download import ARCHIVE, FAULTS, Sources, refusal
from test_datasets_formats import assert_is_small

from course_utils.datasets import load_movielens
from course_utils.errors import CourseWarning


def certificate(ca: trustme.CA, *, expired: bool) -> ssl.SSLContext:
    end = datetime.now(UTC) + timedelta(days=-1 if expired else 30)
    begin = datetime.now(UTC) - timedelta(days=60)
    issued = ca.issue_cert("localhost", not_before=begin, not_after=end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return context


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("expired", [True, False])
def test_certificates_are_verified(
    trusted: bool, expired: bool, tmp_path: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server in four ways, so that in each case a single thing is wrong, and in one nothing."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with serving(ARCHIVE, tls=certificate(ca, expired=expired)) as server:
        sources(server.url("localhost"))
        if trusted and not expired:
            assert_is_small(load_movielens("ml-1m", data_home=tmp_path / "home"))
            assert server.asked
            return
        message = refusal("ml-1m", tmp_path / "home")
    assert server.asked == []
    what = "an expired" if trusted else "an untrusted"
    assert f"localhost has {what} TLS certificate. " in message


def test_verification_is_never_switched_off(repository_root: Path) -> None:
    scripts = sorted((repository_root / "course_utils").rglob("*.py"))
    assert repository_root / "course_utils" / "datasets" / "releases.py" in scripts
    for script in scripts:
        code = script.read_text("utf-8").replace(" ", "")
        for switch in ("verify=False", "CERT_NONE", "_create_unverified", "disable_warnings",
                       "check_hostname=False", '"verify":False'):  # fmt: skip
            assert switch not in code, script


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_the_mirror_helps_out(fault: str, said: str, tmp_path: Path, sources: Sources) -> None:
    with serving(ARCHIVE, fault) as first, serving(ARCHIVE) as mirror:
        sources(first.url("localhost"), mirror.url())
        with pytest.warns(CourseWarning) as caught:
            ml = load_movielens("ml-1m", data_home=tmp_path)
    assert_is_small(ml)
    assert [str(w.message) for w in caught] == [f"localhost {said}. ml-1m came from 127.0.0.1."]
    assert caught[0].filename == __file__
    assert (tmp_path / "ml-1m.zip").read_bytes() == ARCHIVE
    assert_is_small(load_movielens("ml-1m", data_home=tmp_path))  # and no second warning


def test_the_mirror_is_not_asked_when_grouplens_delivers(tmp_path: Path, sources: Sources) -> None:
    with serving(ARCHIVE) as first, serving(ARCHIVE) as mirror:
        sources(first.url(), mirror.url())
        load_movielens("ml-1m", data_home=tmp_path)
    assert (first.asked, mirror.asked) == (["/datasets/ml-1m.zip"], [])


def test_both_are_named_when_both_fail(tmp_path: Path, sources: Sources) -> None:
    with serving(ARCHIVE, "503") as first, serving(b"PK no archive") as mirror:
        sources(first.url("localhost"), mirror.url())
        message = refusal("ml-1m", tmp_path)
    assert (
        "ml-1m could not be downloaded: localhost answered 503 Service Unavailable; 127.0.0.1 sent "
        "a file whose SHA-256 is not the one on record. Try again later"
    ) in message


def test_the_mirror_is_held_to_the_checksum(tmp_path: Path, sources: Sources) -> None:
    older = writer.archive_bytes("ml-1m", {"README.txt": b"an older one"})
    with serving(older) as first, serving(older) as mirror:
        sources(first.url("localhost"), mirror.url())
        assert refusal("ml-1m", tmp_path).count("SHA-256 is not the one on record") == 2
