"""`load_movielens`: find a release, read its tables, validate them, and cache the result.

The parsed tables of an archive are kept as Parquet beside it, so that a second load needs no
parsing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from course_utils.datasets import parsing
from course_utils.datasets.releases import (
    Archive,
    Folder,
    Layout,
    Release,
    download_archive,
    find_release,
    locate,
    user_cache,
)
from course_utils.errors import CourseWarning, DataError

Tables = dict[str, pd.DataFrame]

CACHE_FORMAT = 1  # raise it when the tables change, so that old caches are no longer found

# File, columns and form of each table: the header of a CSV file, the delimiter of any other.
FILES: dict[Layout, dict[str, tuple[str, parsing.Columns, str]]] = {
    "100k": {
        "ratings": ("u.data", parsing.RATING, "\t"),
        "movies": ("u.item", parsing.ITEM_100K, "|"),
        "users": ("u.user", parsing.USER_100K, "|"),
    },
    "dat": {
        "ratings": ("ratings.dat", parsing.RATING, "::"),
        "movies": ("movies.dat", parsing.MOVIE, "::"),
        "users": ("users.dat", parsing.USER_1M, "::"),
        "tags": ("tags.dat", parsing.TAG, "::"),
    },
    "csv": {
        "ratings": ("ratings.csv", parsing.RATING, "userId,movieId,rating,timestamp"),
        "movies": ("movies.csv", parsing.MOVIE, "movieId,title,genres"),
        "tags": ("tags.csv", parsing.TAG, "userId,movieId,tag,timestamp"),
        "links": ("links.csv", parsing.LINK, "movieId,imdbId,tmdbId"),
    },
}

# "(1995)" ends a title; a series has "(2006–2007)" or "(2009– )", and its first year counts.
YEAR = r"\(([0-9]{4})(?:\s*[-–]\s*(?:[0-9]{4})?\s*)?\)\s*$"


@dataclass(frozen=True, repr=False)
class MovieLens:
    """The tables of one release, with the same column names for every release.

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
        As published, in snake_case; None where the release or your copy of it has none.
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
    """Say in a few words whether the people of a release are simulated or real."""
    if name == "sample":
        return "real film titles, simulated people and ratings"
    return "real ratings from MovieLens"


def load_movielens(
    name: str | None = None, *, data_home: str | Path | None = None, download: bool = True
) -> MovieLens:
    """Load a release of MovieLens.

    The release is searched as ``<folder>/<name>/`` or ``<folder>/<name>.zip``, first in the folder
    that ``COURSE_DATA_DIR`` names, then in the user's cache. If it is in neither, it is downloaded
    to the user's cache. ``"sample"`` always comes with the package. Kaggle's copy of ml-20m, whose
    ``rating.csv`` has datetimes, is read too.

    Parameters
    ----------
    name
        ``"sample"``, ``"ml-100k"``, ``"ml-1m"``, ``"ml-10m"``, ``"ml-20m"``, ``"ml-25m"``,
        ``"ml-32m"``, ``"ml-latest-small"`` or ``"ml-latest"``. Default: the value of the
        environment variable ``COURSE_DATASET``, or ``"sample"`` when it is unset.
    data_home
        A folder to search, and to download to, instead of the two above.
    download
        Whether a release that is in no folder may be downloaded.

    Raises
    ------
    DataError
        For an unknown name, a release that is nowhere, files that cannot be read, and a row that
        cannot be right: a field missing, a rating off the release's scale, an id that is no
        integer, a NUL or undecodable byte, a repeated (user, movie) pair. It names file and line.
    DownloadError
        When no source delivers.

    Warns
    -----
    CourseWarning
        For ratings of movies that the release does not list, for a table that is not there, for an
        archive that is not the published one, and for a download from the mirror.

    Notes
    -----
    An archive is never unpacked. Its parsed tables are kept as Parquet beside it, under
    ``.parsed/``, keyed by its SHA-256, or in the user's cache where its folder is read-only.
    A release in a folder is parsed each time, and so is one with rows to warn of. The tag genome
    is not read. A whole file is in memory while it is parsed: 0.9 GB for ml-32m's ratings.

    Examples
    --------
    >>> list(load_movielens("sample").movies.columns)
    ['movie_id', 'title', 'genres', 'year']
    """
    release = find_release(requested_name() if name is None else name)
    try:
        source = _find(release, data_home, download)
        return MovieLens(release.name, **_read(source, release))
    except PermissionError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.") from None


def read_tables(source: Folder, release: Release) -> tuple[Tables, list[str]]:
    """Read and validate every table of `release`; return them, and warnings for the reader.

    A DataError is raised for ratings or movies that are missing, and for the first row that cannot
    be right.
    """
    ratings = source.find(FILES[release.layout]["ratings"][0])
    inside = ratings.rpartition("/")[0] if ratings else None  # no table of another folder
    read = {name: _read_table(source, release, name, inside) for name in release.tables}
    tables = {name: table for name, (table, _) in read.items() if table is not None}
    notes = [f"There is no {label}, so {n} is None." for n, (t, label) in read.items() if t is None]
    movies = tables["movies"]
    movies["year"] = pd.to_numeric(movies["title"].str.extract(YEAR, expand=False)).astype("Int16")
    ratings_label, movies_label = read["ratings"][1], read["movies"][1]
    first_line = 2 if release.layout == "csv" else 1
    _refuse_repeated_movies(movies, movies_label, first_line)
    repeated = _repeated_pairs(tables["ratings"], ratings_label, first_line, release)
    return tables, notes + repeated + _unknown_movies(tables["ratings"], movies, ratings_label)


def _find(release: Release, data_home: str | Path | None, download: bool) -> Folder:
    if release.name == "sample":
        return Folder(sample_folder())
    home = Path(data_home).expanduser() if data_home is not None else user_cache()
    places = [home] if data_home is not None else [*_data_dir(), home]
    source = locate(release, places, FILES[release.layout]["ratings"][0])
    if source is not None:
        return source
    if not download:
        looked = " and ".join(f"{place}{_content(place)}" for place in places)
        raise DataError(
            f"{release.name} is not in {looked}, and download=False; put the folder "
            f"{release.name}/ or {release.archive} there, or allow the download."
        )
    return Archive(download_archive(release, home), release.folders)


def _content(place: Path) -> str:
    names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    return f" (which holds {', '.join(names[:5])})" if names else ""


def _data_dir() -> list[Path]:
    named = os.environ.get("COURSE_DATA_DIR")
    if not named:
        return []
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(f"COURSE_DATA_DIR is {named}, which is not a folder; correct or unset it.")
    return [folder]


def sample_folder() -> Path:
    """Return the folder of the embedded sample."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_sample"  # where the wheel puts it
    return installed if installed.is_dir() else package.parent / "data" / "sample"


def _read(source: Folder, release: Release) -> Tables:
    if isinstance(source, Archive):
        tables, notes = _read_through_cache(source, release)
    else:
        tables, notes = read_tables(source, release)
    for note in notes:
        warnings.warn(note, CourseWarning, stacklevel=3)
    return tables


def _read_through_cache(archive: Archive, release: Release) -> tuple[Tables, list[str]]:
    with archive.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if release.sha256 and sha256 != release.sha256:
        warnings.warn(
            f"{archive.path} is not the published archive of {release.name} (its SHA-256 begins "
            f"{sha256[:8]}, not {release.sha256[:8]}); it is read all the same.",
            CourseWarning,
            stacklevel=4,
        )
    beside = archive.path.parent
    place = beside if os.access(beside, os.W_OK) else user_cache()
    folder = place / ".parsed" / f"{release.name}-{sha256[:16]}-v{CACHE_FORMAT}"
    cached = _read_cache(folder, release.tables)
    if cached is not None:
        return cached, []
    tables, notes = read_tables(archive, release)
    if not notes:  # a cached load would not repeat the notes
        _write_cache(folder, tables)
    return tables, notes


def _read_cache(folder: Path, names: tuple[str, ...]) -> Tables | None:
    """Return the tables called `names` from `folder`, or None unless all of them can be read."""
    from pyarrow.parquet import ParquetFile

    tables: Tables = {}
    try:
        for name in names:
            # not `read_table`, which reads a folder in the file's place as an empty table
            with ParquetFile(
                folder / f"{name}.parquet", memory_map=True, page_checksum_verification=True
            ) as file:
                tables[name] = file.read().to_pandas()
    except Exception:  # missing or damaged, and a damaged file makes Arrow raise nearly anything
        return None  # nothing is lost: the archive holds it all
    return tables


def _write_cache(folder: Path, tables: Tables) -> None:
    """Keep `tables` in `folder`, whole or not at all; errors of the disk are ignored."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
    except OSError:
        return
    try:
        for name, table in tables.items():
            # lz4 and no dictionary halve the reading time of the ratings
            table.to_parquet(
                temporary / f"{name}.parquet",
                compression="lz4",
                use_dictionary=False,
                index=False,
                write_page_checksum=True,
            )
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.rename(temporary, folder)
    except OSError:
        pass  # a full disk, or another process was first
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read_table(
    source: Folder, release: Release, name: str, inside: str | None
) -> tuple[pd.DataFrame | None, str]:
    """Return a table, None where there is no file, and the file's name for messages."""
    file, wanted, form = FILES[release.layout][name]
    found = source.find(file, inside)
    label = source.label(found or file)
    if found is None:
        if name not in ("ratings", "movies"):
            return None, label
        names = ", ".join(source.names()[:8]) or "nothing"
        raise DataError(f"There is no {label}, only {names}; rename the file of {name} to {file}.")
    data = source.read(found)
    if release.layout == "csv":
        return parsing.parse_csv(data, wanted, form, label, scale=release.scale), label
    if name == "ratings":
        scale = release.scale
        return parsing.parse_delimited(data, wanted, label, delimiter=form, scale=scale), label
    table = parsing.parse_lines(data, wanted, label, delimiter=form, encoding=release.encoding)
    return (_genres_from_flags(table) if wanted is parsing.ITEM_100K else table), label


def _genres_from_flags(items: pd.DataFrame) -> pd.DataFrame:
    names = np.array(parsing.GENRES_100K, dtype=object)
    flags = items[list(parsing.GENRES_100K)].to_numpy(dtype=bool)
    genres = ["|".join(names[row]) or "unknown" for row in flags]
    return items[["movie_id", "title"]].assign(genres=genres)


def _refuse_repeated_movies(movies: pd.DataFrame, label: str, first_line: int) -> None:
    again = np.flatnonzero(movies["movie_id"].duplicated())
    if len(again):
        movie = movies["movie_id"].iloc[again[0]]
        raise parsing.bad_line(label, int(again[0]) + first_line, f"movie {movie} a second time")


def _repeated_pairs(
    ratings: pd.DataFrame, label: str, first_line: int, release: Release
) -> list[str]:
    """Refuse repeated (user, movie) pairs; return a note where the release may have some."""
    user, movie = ratings["user_id"].to_numpy(), ratings["movie_id"].to_numpy()
    pairs = user.astype(np.int64) * (int(movie.max()) + 1) + movie
    if (pairs[1:] > pairs[:-1]).all() or pd.Index(pairs).is_unique:  # the CSV files are sorted
        return []
    again = np.flatnonzero(pd.Index(pairs).duplicated())
    row = int(again[0])
    said = (
        f"{label}, line {row + first_line}: user {user[row]} rates movie {movie[row]} "
        f"a second time ({len(again)} such rows in all)"
    )
    if release.unique_pairs:
        raise DataError(f"{said}; {release.name} holds no pair twice, so get it again.")
    return [f"{said}; all rows are kept."]


def _unknown_movies(ratings: pd.DataFrame, movies: pd.DataFrame, label: str) -> list[str]:
    unknown = ~np.isin(ratings["movie_id"].to_numpy(), movies["movie_id"].to_numpy())
    if not unknown.any():
        return []
    first = ratings["movie_id"].to_numpy()[np.argmax(unknown)]
    return [
        f"{label}: {unknown.sum()} ratings are of movies that the release does not list "
        f"(the first is movie {first}); they are kept."
    ]
