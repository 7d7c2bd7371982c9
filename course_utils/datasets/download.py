"""Fetch the archive of a release: GroupLens first, then the mirror; one sentence when both fail."""

from __future__ import annotations

import logging
import warnings
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from course_utils.datasets.releases import Release
from course_utils.errors import CourseWarning, DownloadError

# Seconds to wait for a connection, and for the next bytes on it.
TIMEOUT = (10.0, 30.0)


def user_cache() -> Path:
    """Return the folder that downloads go to: the operating system's cache for this user."""
    return Path(_pooch().os_cache("course_utils"))


def _pooch() -> Any:
    with warnings.catch_warnings():
        # tqdm, behind pooch, misses notebook widgets; its bar in plain text does as well
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pooch

    return pooch


def download(release: Release, folder: Path) -> Path:
    """Download the archive of `release` into `folder` and return its path.

    The file appears whole and verified, or not at all: it is written under a temporary name,
    checked against the SHA-256 on record, and renamed. TLS certificates are always verified.

    Parameters
    ----------
    release
        What to download. Where it carries no checksum (ml-latest is remade now and then),
        the download is only checked to be a whole zip archive.
    folder
        Where to put it. Made when missing.

    Raises
    ------
    DownloadError
        When no source delivers; the message says what each of them answered. Also when `folder`
        cannot be written to.
    """
    failures: list[str] = []
    for url in release.urls:
        source = urlsplit(url).hostname or url
        try:
            path = _retrieve(url, release, folder)
        except Exception as error:
            if _is_ours(error):
                raise DownloadError(
                    f"{release.name} cannot be written to {folder} ({error}); make room there, or "
                    "name a folder of yours as data_home."
                ) from None
            failures.append(f"{source} {_what_went_wrong(error)}")
            continue
        if failures:
            said = "; ".join(failures)
            warnings.warn(
                f"{said}. {release.name} came from {source}.", CourseWarning, stacklevel=4
            )
        return path
    raise DownloadError(
        f"{release.name} could not be downloaded: {'; '.join(failures)}. Try again later, or fetch "
        f"{release.archive} by other means and set COURSE_DATA_DIR to the folder that holds it; "
        'load_movielens("sample") needs no network.'
    )


def _retrieve(url: str, release: Release, folder: Path) -> Path:
    pooch = _pooch()

    pooch.get_logger().setLevel(logging.WARNING)  # the progress bar is enough
    path = Path(
        pooch.retrieve(
            url,
            known_hash=f"sha256:{release.sha256}" if release.sha256 else None,
            fname=release.archive,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT),
        )
    )
    if not zipfile.is_zipfile(path):
        path.unlink()
        raise zipfile.BadZipFile
    return path


def _what_went_wrong(error: Exception) -> str:
    """Say in a few words what a source did, to follow its name. Unknown errors are raised again."""
    import requests.exceptions as http

    if isinstance(error, http.SSLError):
        expired = "certificate has expired" in str(error)
        return f"has {'an expired' if expired else 'an untrusted'} TLS certificate"
    if isinstance(error, http.HTTPError):
        return f"answered {error.response.status_code} {error.response.reason}".rstrip()
    if isinstance(error, http.ConnectTimeout | http.ReadTimeout):
        seconds = TIMEOUT[isinstance(error, http.ReadTimeout)]
        return f"did not answer within {seconds:g} seconds"
    if isinstance(error, http.ChunkedEncodingError):
        return "broke off in the middle of the file"
    if isinstance(error, http.ConnectionError):
        timed_out = "timed out" in str(error)  # how requests reports a silence between two chunks
        return "went silent in the middle of the file" if timed_out else "could not be reached"
    if isinstance(error, zipfile.BadZipFile):
        return "sent something that is not a whole zip archive"
    if isinstance(error, ValueError) and "hash" in str(error):  # pooch's word for a bad checksum
        return "sent a file whose SHA-256 is not the one on record"
    if isinstance(error, http.RequestException | ValueError):
        return f"sent an answer that cannot be used ({type(error).__name__})"
    raise error


def _is_ours(error: Exception) -> bool:
    """Say whether it is the disk that failed: requests' errors are OSErrors too."""
    from requests.exceptions import RequestException

    return isinstance(error, OSError) and not isinstance(error, RequestException)
