"""`load_movielens`: find a release, read it, check it, and remember the result."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from course_utils.datasets.cache import cache_folder, read_cache, write_cache
from course_utils.datasets.download import download as download_archive
from course_utils.datasets.download import user_cache
from course_utils.datasets.releases import Release, find_release
from course_utils.datasets.sources import Archive, Folder, locate
from course_utils.datasets.tables import Tables, read_tables
from course_utils.errors import CourseWarning, DataError


@dataclass(frozen=True, repr=False)
class MovieLens:
    """The tables of one release, with the same column names whatever the release calls them.

    Attributes
    ----------
    name
        The release, for example ``"ml-1m"``.
    ratings
        ``user_id`` int32, ``movie_id`` int32, ``rating`` float32, ``timestamp`` int64 in Unix
        seconds, UTC; rows in the order of the file.
    movies
        ``movie_id`` int32, ``title`` as published (``"Matrix, The (1999)"``), ``genres`` joined
        by ``|``, ``year`` Int16, missing where the title has none.
    users, tags, links
        As published, in snake_case; None where the release has none.
    """

    name: str
    ratings: pd.DataFrame
    movies: pd.DataFrame
    users: pd.DataFrame | None = None
    tags: pd.DataFrame | None = None
    links: pd.DataFrame | None = None

    def __repr__(self) -> str:
        return (
            f"MovieLens({self.name!r}: {len(self.ratings):,} ratings, {len(self.movies):,} movies, "
            f"{self.ratings['user_id'].nunique():,} users)"
        )


def requested_name() -> str:
    """Return the release that ``COURSE_DATASET`` names, ``"sample"`` when it is unset."""
    return find_release(os.environ.get("COURSE_DATASET") or "sample").name


def describe(name: str) -> str:
    """Say in a few words what a release is, so that nobody takes simulated people for real ones."""
    if name == "sample":
        return "real film titles, simulated people and ratings"
    return "real ratings from MovieLens"


def load_movielens(
    name: str | None = None, *, data_home: str | Path | None = None, download: bool = True
) -> MovieLens:
    """Load a release of MovieLens.

    The release is looked for as ``<folder>/<name>/`` or ``<folder>/<name>.zip``, first in the
    folder that ``COURSE_DATA_DIR`` names, then in the user's cache, and is downloaded there
    when it is in neither. ``"sample"`` comes with the package and is looked for nowhere else.

    Parameters
    ----------
    name
        ``"sample"``, ``"ml-100k"``, ``"ml-1m"``, ``"ml-10m"``, ``"ml-20m"``, ``"ml-25m"``,
        ``"ml-32m"``, ``"ml-latest-small"`` or ``"ml-latest"``. When left out, what the
        environment variable ``COURSE_DATASET`` says, or else ``"sample"``.
    data_home
        A folder to look in, and to download to, instead of the two above.
    download
        Whether a release that is in no folder may be downloaded.

    Returns
    -------
    MovieLens
        The tables, in the order of the files.

    Raises
    ------
    DataError
        For an unknown name, a release that is nowhere, and a row that cannot be right: a field
        missing, a rating off the release's scale, an id that is no integer, a NUL or undecodable
        byte, an empty file, a (user, movie) pair twice. The message names file and line.
    DownloadError
        When no source delivers.

    Warns
    -----
    CourseWarning
        For ratings of movies that the release does not list, for an archive that is not the
        published one, and for a download that a mirror had to serve.

    Notes
    -----
    An archive is never unpacked. Its parsed tables are kept as Parquet beside it, under
    ``.parsed/``, keyed by its SHA-256, or in the user's cache where its folder is read-only.
    A release in a folder is parsed each time, and so is one with rows to warn of. The tag genome
    of ml-20m and later is not read. A whole file is held in memory while it is parsed: 0.9 GB for
    the ratings of ml-32m.

    Examples
    --------
    >>> ml = load_movielens("sample")
    >>> ml.movies.loc[ml.movies["title"] == "Matrix, The (1999)", ["title", "genres", "year"]]
    ... # doctest: +SKIP
    """
    release = find_release(name) if name is not None else find_release(requested_name())
    source = _find(release, data_home, download)
    return MovieLens(release.name, **_read(source, release))


def _find(release: Release, data_home: str | Path | None, download: bool) -> Folder | Archive:
    if release.name == "sample":
        return Folder(_sample_folder())
    home = Path(data_home).expanduser() if data_home is not None else user_cache()
    places = [home] if data_home is not None else [*_data_dir(), home]
    source = locate(release, places)
    if source is not None:
        return source
    if not download:
        looked = " and ".join(str(place) for place in places)
        raise DataError(
            f"{release.name} is not in {looked}, and download=False; put the folder "
            f"{release.name}/ or {release.archive} there, or allow the download."
        )
    return Archive(download_archive(release, home), release.folders)


def _data_dir() -> list[Path]:
    named = os.environ.get("COURSE_DATA_DIR")
    if not named:
        return []
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(f"COURSE_DATA_DIR is {named}, which is not a folder; correct or unset it.")
    return [folder]


def _sample_folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    installed = package / "_sample"  # where the wheel puts it
    return installed if installed.is_dir() else package.parent / "data" / "sample"


def _read(source: Folder | Archive, release: Release) -> Tables:
    if isinstance(source, Folder):
        tables, notes = read_tables(source, release)
    else:
        tables, notes = _read_through_cache(source, release)
    for note in notes:
        warnings.warn(note, CourseWarning, stacklevel=3)
    return tables


def _read_through_cache(archive: Archive, release: Release) -> tuple[Tables, list[str]]:
    sha256 = archive.sha256()
    if release.sha256 and sha256 != release.sha256:
        warnings.warn(
            f"{archive.path} is not the published archive of {release.name} (its SHA-256 begins "
            f"{sha256[:8]}, not {release.sha256[:8]}); it is read all the same.",
            CourseWarning,
            stacklevel=4,
        )
    places = [archive.path.parent]
    if not os.access(archive.path.parent, os.W_OK):
        places = [user_cache()]
    folder = cache_folder(places[0], release.name, sha256)
    kept = read_cache(folder, release.tables)
    if kept is not None:
        return kept, []
    tables, notes = read_tables(archive, release)
    if not notes:  # whoever loads it again must read the notes again
        write_cache(folder, tables)
    return tables, notes
