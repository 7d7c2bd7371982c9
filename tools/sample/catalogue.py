"""Reading the catalogue of real films, and refusing a row that is not right."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

CATALOGUE = Path(__file__).parent / "catalogue.csv"

# ML-1M's own list, in its own order, which is also how it orders the genres of a film.
GENRES = (
    "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller",
    "War", "Western",
)  # fmt: skip
THEMES = (
    "aliens", "animals", "battle", "courtship", "disaster", "family", "friends", "frontier",
    "ghosts", "heist", "journey", "justice", "killer", "machines", "magic", "mind", "mob",
    "monsters", "music", "outsiders", "past", "police", "politics", "showbiz", "space", "spies",
    "sport", "swords", "time", "youth",
)  # fmt: skip
TONES = ("dark", "epic", "funny", "quirky", "tense", "warm")
COLUMNS = ["title", "genres", "series", "themes", "tone", "fame", "quality"]
FIRST_YEAR, LAST_YEAR = 1920, 2000
TITLE = re.compile(r"\S.* \((\d{4})\)")


class CatalogueError(ValueError):
    """A row of the catalogue that must not reach the sample."""


@dataclass(frozen=True)
class Film:
    """One film of the catalogue: the facts, and what the simulation needs to know of it."""

    title: str
    year: int
    genres: tuple[str, ...]
    series: str
    themes: tuple[str, ...]
    tone: str
    fame: int
    quality: int


def read_catalogue(path: Path = CATALOGUE) -> list[Film]:
    """Read every film of the catalogue.

    Parameters
    ----------
    path : Path
        A UTF-8 CSV file with the columns of `COLUMNS`; genres and themes are joined by ``|``.

    Returns
    -------
    list of Film
        In file order.

    Raises
    ------
    CatalogueError
        On the first row that is not right, in one sentence that names the file and the line.
    """
    films: list[Film] = []
    titles: set[str] = set()
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        if next(rows, None) != COLUMNS:
            raise CatalogueError(f"{path}, line 1: the columns must be {','.join(COLUMNS)}.")
        for row in rows:
            try:
                film = parse(row)
                if film.title in titles:
                    raise CatalogueError(f"{film.title!r} is listed twice")
            except CatalogueError as problem:
                raise CatalogueError(f"{path}, line {rows.line_num}: {problem}.") from None
            titles.add(film.title)
            films.append(film)
    if not films:
        raise CatalogueError(f"{path}, line 1: there is no film below the column names.")
    return films


def parse(row: list[str]) -> Film:
    """Turn one row into a `Film`, or say what is wrong with it."""
    if len(row) != len(COLUMNS):
        raise CatalogueError(f"{len(row)} fields instead of {len(COLUMNS)}")
    title, genres, series, themes, tone, fame, quality = row
    if not re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", series):
        raise CatalogueError(f"series {series!r} is not a slug")
    if tone not in TONES:
        raise CatalogueError(f"unknown tone {tone!r}")
    return Film(
        title=title,
        year=year_of(title),
        genres=validated_list("genre", genres, GENRES, 1, 6),
        series=series,
        themes=validated_list("theme", themes, THEMES, 2, 3),
        tone=tone,
        fame=percent("fame", fame),
        quality=percent("quality", quality),
    )


def year_of(title: str) -> int:
    """Return the year a title ends in; refuse a title that cannot be published."""
    found = TITLE.fullmatch(title)
    if found is None:
        raise CatalogueError(f"title {title!r} does not end in a year in parentheses")
    if title.startswith(("The ", "A ", "An ")):
        raise CatalogueError(f"title {title!r} does not have its article behind a comma")
    if "::" in title:
        raise CatalogueError(f"title {title!r} contains the separator '::'")
    try:
        title.encode("latin-1")
    except UnicodeEncodeError:
        raise CatalogueError(f"title {title!r} cannot be written in latin-1") from None
    year = int(found[1])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise CatalogueError(f"year {year} is not within {FIRST_YEAR}-{LAST_YEAR}")
    return year


def validated_list(
    kind: str, joined: str, known: tuple[str, ...], least: int, most: int
) -> tuple[str, ...]:
    """Split a ``|`` list; refuse unknown or repeated words and another number of them."""
    words = tuple(joined.split("|"))
    for word in words:
        if word not in known:
            raise CatalogueError(f"unknown {kind} {word!r}")
    if len(set(words)) != len(words):
        raise CatalogueError(f"a {kind} comes twice in {joined!r}")
    if not least <= len(words) <= most:
        raise CatalogueError(f"{len(words)} {kind}s instead of {least} to {most}")
    if kind == "genre" and list(words) != sorted(words, key=known.index):
        raise CatalogueError(f"genres {joined!r} are not in alphabetical order")
    return words


def percent(name: str, text: str) -> int:
    """Return a whole number from 1 to 100."""
    if not re.fullmatch(r"[1-9]\d?|100", text):
        raise CatalogueError(f"{name} {text!r} is not a whole number from 1 to 100")
    return int(text)
