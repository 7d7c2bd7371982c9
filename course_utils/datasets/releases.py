"""The releases of MovieLens: where they come from, how they are laid out, what they promise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from course_utils.errors import DataError

GROUPLENS = "https://files.grouplens.org/datasets/movielens"
# Byte-identical copies that the `recommenders` project put up when GroupLens' certificate expired.
MIRROR = "https://huggingface.co/datasets/Recommenders/MovieLens/resolve/main"

Layout = Literal["100k", "dat", "csv"]

WHOLE_STARS = (1.0, 5.0, 1.0)
HALF_STARS = (0.5, 5.0, 0.5)


@dataclass(frozen=True)
class Release:
    """One release of MovieLens as it is published.

    Attributes
    ----------
    name
        What `load_movielens` calls it.
    layout
        ``"100k"`` (tabs and pipes), ``"dat"`` (``::``) or ``"csv"``.
    encoding
        Of its text files. Decoding is strict.
    scale
        Lowest rating, highest rating, step between ratings.
    year
        When it was published.
    folder
        The folder inside the archive. It is the release's name for all but ml-10m.
    sha256, size
        Of the archive. None where the release is unversioned and nothing can be promised.
    mirrored
        Whether `MIRROR` carries it.
    unique_pairs
        Whether a (user, movie) pair can stand in it only once. The benchmark releases are
        frozen and hold none twice; ml-latest and ml-latest-small are remade now and then.
    """

    name: str
    layout: Layout
    encoding: str
    scale: tuple[float, float, float]
    year: int | None = None
    folder: str = field(default="")
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
        """Names that the release's folder may have, the likeliest first."""
        return tuple(dict.fromkeys((self.folder or self.name, self.name)))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that it publishes."""
        if self.layout == "csv":
            return ("ratings", "movies", "tags", "links")
        return ("ratings", "movies", "tags" if self.name == "ml-10m" else "users")

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the archive is downloaded from, in order of preference."""
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
    if name not in RELEASES:
        raise DataError(
            f"There is no release called {name!r}; choose one of {', '.join(RELEASES)}."
        )
    return RELEASES[name]
