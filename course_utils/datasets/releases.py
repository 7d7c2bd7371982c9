"""The releases of MovieLens: their layouts, the search for one, and its download."""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from course_utils.errors import CourseWarning, DataError, DownloadError

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
# Byte-identical copies that the `recommenders` project put up when GroupLens' certificate expired.
MIRROR = "https://huggingface.co/datasets/Recommenders/MovieLens/resolve/main"
TIMEOUT = (10.0, 30.0)  # seconds to wait for a connection, and for the next bytes on it

Layout = Literal["100k", "dat", "csv"]

WHOLE_STARS = (1.0, 5.0, 1.0)
HALF_STARS = (0.5, 5.0, 0.5)


@dataclass(frozen=True)
class Release:
    """One release of MovieLens as it is published.

    Attributes
    ----------
    name
        The name that `load_movielens` takes.
    layout
        ``"100k"`` (tabs and pipes), ``"dat"`` (``::``) or ``"csv"``.
    encoding
        Of the text files. Decoding is strict.
    scale
        Lowest rating, highest rating, step between ratings.
    year
        Year of publication.
    folder
        The folder inside the archive, if it differs from the release's name.
    sha256, size
        Of the archive, size in bytes. None where the release is unversioned and changes.
    mirrored
        Whether `MIRROR` holds a copy.
    unique_pairs
        Whether a (user, movie) pair can occur only once. The benchmark releases are frozen and
        have no repeated pairs; ml-latest and ml-latest-small are remade now and then.
    """

    name: str
    layout: Layout
    encoding: str
    scale: tuple[float, float, float]
    year: int | None = None
    folder: str = ""
    sha256: str | None = None
    size: int | None = None
    mirrored: bool = False
    unique_pairs: bool = True

    @property
    def archive(self) -> str:
        """File name of the archive, for example ``"ml-1m.zip"``."""
        return f"{self.name}.zip"

    @property
    def folders(self) -> tuple[str, ...]:
        """Names that the release's folder may have, the most likely first."""
        return tuple(dict.fromkeys((self.folder or self.name, self.name)))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the published tables."""
        if self.layout == "csv":
            return ("ratings", "movies", "tags", "links")
        return ("ratings", "movies", "tags" if self.name == "ml-10m" else "users")

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of the archive, in order of preference."""
        sources = (GROUPLENS, MIRROR) if self.mirrored else (GROUPLENS,)
        return tuple(f"{source}/{self.archive}" for source in sources)


# Checksums and sizes of the archives as GroupLens published them. Those of ml-10m and ml-32m
# agree with the MD5 sums that GroupLens lists beside the archives.
RELEASES: dict[str, Release] = {
    release.name: release
    for release in (
        Release("sample", "dat", "latin-1", WHOLE_STARS),
        Release(
            "ml-100k", "100k", "latin-1", WHOLE_STARS, year=1998,
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            size=4_924_029, mirrored=True,
        ),
        Release(
            "ml-1m", "dat", "latin-1", WHOLE_STARS, year=2003,
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            size=5_917_549, mirrored=True,
        ),
        Release(
            "ml-10m", "dat", "utf-8", HALF_STARS, year=2009, folder="ml-10M100K",
            sha256="813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
            size=65_566_137, mirrored=True,
        ),
        Release(
            "ml-20m", "csv", "utf-8", HALF_STARS, year=2015,
            sha256="96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
            size=198_702_078, mirrored=True,
        ),
        Release(
            "ml-25m", "csv", "utf-8", HALF_STARS, year=2019,
            sha256="8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
            size=261_978_986,
        ),
        Release(
            "ml-32m", "csv", "utf-8", HALF_STARS, year=2024,
            sha256="e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
            size=238_950_008,
        ),
        Release(
            "ml-latest-small", "csv", "utf-8", HALF_STARS,  # the edition of September 2018
            sha256="696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
            size=978_202, unique_pairs=False,
        ),
        Release("ml-latest", "csv", "utf-8", HALF_STARS, unique_pairs=False),
    )
}  # fmt: skip


def find_release(name: str) -> Release:
    """Return the release called `name`, or raise a `DataError` that lists the names there are."""
    if name not in [*RELEASES]:
        raise DataError(
            f"There is no release called {name!r}; choose one of {', '.join(RELEASES)}."
        )
    return RELEASES[name]


@dataclass(frozen=True)
class Folder:
    """A release unpacked in a folder; `folders` are names that a folder in it may have."""

    path: Path
    folders: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Return the names of its files and of those in its folders, as ``folder/file``."""
        paths = sorted([*self.path.glob("*"), *self.path.glob("*/*")])
        return [path.relative_to(self.path).as_posix() for path in paths if path.is_file()]

    def find(self, file: str, inside: str | None = None) -> str | None:
        """Return the name of `file`, or ``rating.csv`` for ``ratings.csv`` as Kaggle has it.

        A file at the top, or in a folder of the release's name, counts more than others, which
        must be the only one; None where there is none. `inside` names the only folder to look in.
        """
        parts = [name.rpartition("/") for name in self.names()]
        names = (file, file.replace("s.csv", ".csv"))
        found = [p for name in names for p in parts if p[2] == name and inside in (None, p[0])]
        usual = [p for folder in (*self.folders, "") for p in found if p[0] == folder]
        chosen = usual or (found if len(found) == 1 else [])
        return "".join(chosen[0]) if chosen else None

    def read(self, name: str) -> bytes:
        """Return the bytes of a file that `find` found."""
        return (self.path / name).read_bytes()

    def label(self, name: str) -> str:
        """Return the name of a file for messages."""
        return str(self.path / name)


@dataclass(frozen=True)
class Archive(Folder):
    """A release as the zip archive that is published; nothing is ever unpacked to disk."""

    def names(self) -> list[str]:
        """Return the names of its members."""
        found: list[str] = self._do(zipfile.ZipFile.namelist)
        return found

    def read(self, name: str) -> bytes:
        """Return the bytes of a member, which may be a hundred times those of the archive."""
        most = 100 * self.path.stat().st_size + 2**20  # whatever size it declares
        content = bytes(self._do(lambda archive: archive.open(name).read(most + 1)))
        if len(content) > most:
            raise DataError(f"{self.label(name)} has more than {most:,} bytes; delete the archive.")
        return content

    def label(self, name: str) -> str:
        """Return the name of a member for messages."""
        return f"{self.path}:{name}"

    def _do(self, work: Callable[[zipfile.ZipFile], Any]) -> Any:
        with self.path.open("rb") as file:  # an OSError of the disk is not caught below
            try:
                with zipfile.ZipFile(file) as archive:
                    return work(archive)
            except MemoryError:
                raise
            except Exception as why:  # on a damaged archive zipfile raises nearly anything
                said = str(why)[:80] or type(why).__name__
                raise DataError(
                    f"{self.path} is not a whole zip archive ({said}); delete it and load again."
                ) from None


def locate(release: Release, places: list[Path], file: str) -> Folder | None:
    """Find `release` in or as one of `places`: its folder, if that holds `file`, or its archive."""
    for place in places:
        paths = [place / name for name in release.folders]
        named = [Folder(path, release.folders) for path in paths if path.is_dir()]
        itself = [Folder(place)] if place.name in release.folders else []
        archive = place / release.archive
        if whole := [folder for folder in (*named, *itself) if folder.find(file)]:
            return whole[0]
        if archive.is_file():
            return Archive(archive, release.folders)
        if named:  # it says what is missing
            return named[0]
    return None


def user_cache() -> Path:
    """Return the download folder: the course's folder in the user's cache directory."""
    return Path(_pooch().os_cache("course_utils"))


def download_archive(release: Release, folder: Path) -> Path:
    """Download the archive of `release` into `folder` and return its path.

    The file appears whole and verified, or not at all: it is written under a temporary name, its
    SHA-256 is compared with the one on record, and it is renamed. A release without a checksum is
    only tested to be a whole zip archive. TLS certificates are always verified. GroupLens is asked
    first, then the mirror, of which a CourseWarning tells.

    Raises
    ------
    DownloadError
        When no source delivers; the message says what each of them answered. Also when `folder`,
        which is made when missing, cannot be written to.
    """
    from requests.exceptions import RequestException

    failures: list[str] = []
    for url in release.urls:
        source = urlsplit(url).hostname or url
        try:
            path = _retrieve(url, release, folder)
        except (RequestException, ValueError, zipfile.BadZipFile) as error:
            failures.append(f"{source} {_what_went_wrong(error)}")
            continue
        except OSError as error:  # the disk; a RequestException is an OSError too
            raise DownloadError(
                f"{release.name} cannot be written to {folder} ({error}); make room there, or "
                "name a folder of yours as data_home."
            ) from None
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
    """Say in a few words what a source did, to follow its name."""
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
    return f"sent an answer that cannot be used ({type(error).__name__})"


def _pooch() -> Any:
    with warnings.catch_warnings():
        # tqdm, which pooch imports, warns without notebook widgets; its text bar is enough
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pooch

    return pooch
