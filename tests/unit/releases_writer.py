"""The same small tables, written the way each release of MovieLens lays them out.

It shares no code with the loader: what a release looks like is written down here a second time.
"""

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

LATIN = ("ml-100k", "ml-1m")
CSV = ("ml-20m", "ml-25m", "ml-32m", "ml-latest-small", "ml-latest")
NAMES = ("ml-100k", "ml-1m", "ml-10m", *CSV)

RATINGS_FILE = {"ml-100k": "u.data", "ml-1m": "ratings.dat", "ml-10m": "ratings.dat"}
MOVIES_FILE = {"ml-100k": "u.item", "ml-1m": "movies.dat", "ml-10m": "movies.dat"}

# u.genre of ml-100k, in its order.
FLAGS = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance"),
    *("Sci-Fi", "Thriller", "War", "Western"),
]

RATINGS = [
    (1, 1, 5.0, 978300760),
    (1, 3, 3.0, 978302109),
    (1, 11, 1.0, 978302109),
    (2, 3, 4.0, 0),
    (2, 2_147_483_647, 2.0, 978298413),
    (2_147_483_647, 1, 4.0, 8_589_934_592),
]
MOVIES = [
    (1, "Toy Story (1995)", "Animation|Children's|Comedy", 1995),
    (3, "Matrix, The (1999)", "Action|Sci-Fi|Thriller", 1999),
    (4, "Star Wars: Episode IV - A New Hope (1977)", "Action|Adventure|Sci-Fi", 1977),
    (11, "Misérables, Les (1995)", "Drama|Musical", 1995),
    (12, '"Great Performances" Cats (1998)', "Musical", 1998),
    (13, "'burbs, The (1989) ", "Comedy", 1989),
    (14, "2001: A Space Odyssey", "Drama|Sci-Fi", None),
    (15, 'Say "NA", twice: Fish, a "Wanda" (1988-1990)', "Comedy", 1988),
    (16, "Agent, 0x7 (2001)", "Action", 2001),
    (2_147_483_647, "NA", "unknown", None),
]
USERS = [(1, 24, "M", "technician", "02139"), (2, 53, "F", "other", "T8H1N")]
TAGS = [
    (1, 1, "NA", 1139045764),
    (1, 3, "null", 1139045765),
    (1, 4, "0x1F", 1139045765),
    (2, 3, 'a "quoted", tag: yes', 1139045766),
    (2, 3, '"', 1139045767),
    (2, 11, "naïve – 映画", 1139045768),
    (2, 11, "", 1139045769),
]
LINKS = [(1, "0114709", 862), (3, "0133093", None), (4, "0076759", 11)]


@dataclass(frozen=True)
class Small:
    """Rows of each table, as tuples in the order of the course's columns."""

    ratings: list
    movies: list
    users: list
    tags: list
    links: list


def small(name: str) -> Small:
    """Return the tables that the tests write: half stars where the release has them."""
    ratings = list(RATINGS)
    if name not in LATIN:
        ratings += [(3, 1, 0.5, 978300760), (3, 3, 4.5, 978300761)]
    return Small(ratings, MOVIES, USERS, TAGS, LINKS)


def expected(name: str, tables: Small | None = None) -> dict[str, pd.DataFrame | None]:
    """Return what `load_movielens` has to make of them."""
    tables = tables or small(name)
    ratings = _frame(
        tables.ratings, user_id="int32", movie_id="int32", rating="float32", timestamp="int64"
    )
    movies = _frame(tables.movies, movie_id="int32", title=None, genres=None, year="Int16")
    users = _frame(
        tables.users, user_id="int32", age="int16", gender=None, occupation=None, zip_code=None
    )
    if name == "ml-1m":  # in another order, and occupations are numbers
        users = users[["user_id", "gender", "age", "occupation", "zip_code"]]
        users = users.assign(occupation=pd.Series(range(len(users)), dtype="int16"))
    tags = _frame(tables.tags, user_id="int32", movie_id="int32", tag=None, timestamp="int64")
    links = _frame(tables.links, movie_id="int32", imdb_id=None, tmdb_id="Int32")
    return {
        "ratings": ratings,
        "movies": movies,
        "users": users if name in LATIN else None,
        "tags": tags if name not in LATIN else None,
        "links": links if name in CSV else None,
    }


def _frame(rows: list, **dtypes: str | None) -> pd.DataFrame:
    columns = {}
    for i, (column, dtype) in enumerate(dtypes.items()):
        columns[column] = pd.Series([row[i] for row in rows], dtype=dtype)
    return pd.DataFrame(columns)


def files(name: str, tables: Small | None = None) -> dict[str, bytes]:
    """Return the files of a release as it is published: names and bytes."""
    tables = tables or small(name)
    if name == "ml-100k":
        texts = {
            "u.data": _lines("\t", [(u, m, int(r), t) for u, m, r, t in tables.ratings]),
            "u.item": _lines("|", [_item(movie) for movie in tables.movies]),
            "u.user": _lines("|", tables.users),
        }
    elif name in ("ml-1m", "ml-10m"):
        texts = {
            "ratings.dat": _lines("::", [(u, m, f"{r:g}", t) for u, m, r, t in tables.ratings]),
            "movies.dat": _lines("::", [movie[:3] for movie in tables.movies]),
        }
        if name == "ml-1m":
            users = [(u, sex, age, i, z) for i, (u, age, sex, _, z) in enumerate(tables.users)]
            texts["users.dat"] = _lines("::", users)
        else:
            texts["tags.dat"] = _lines("::", tables.tags)
    else:
        texts = {
            "ratings.csv": _csv("userId,movieId,rating,timestamp", tables.ratings),
            "movies.csv": _csv("movieId,title,genres", [movie[:3] for movie in tables.movies]),
            "tags.csv": _csv("userId,movieId,tag,timestamp", tables.tags),
            "links.csv": _csv("movieId,imdbId,tmdbId", tables.links),
        }
    encoding = "latin-1" if name in LATIN else "utf-8"
    texts["README.txt"] = "Not a table: the loader has no business here.\n"
    return {file: text.encode(encoding) for file, text in texts.items()}


def _item(movie: tuple) -> list:
    genres = movie[2].split("|")
    return [
        movie[0],
        movie[1],
        "01-Jan-1995",
        "",
        "http://imdb",
        *(int(f in genres) for f in FLAGS),
    ]


def _lines(delimiter: str, rows: list) -> str:
    return "".join(delimiter.join(str(field) for field in row) + "\n" for row in rows)


def _csv(header: str, rows: list) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return f"{header}\n{text.getvalue()}"


def inner_folder(name: str) -> str:
    """Return the folder that the published archive holds."""
    return "ml-10M100K" if name == "ml-10m" else name


def zip_bytes(members: dict[str, bytes]) -> bytes:
    """Return a zip archive with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member, (2018, 9, 26, 0, 0, 0)), data)
    return buffer.getvalue()


def archive_bytes(name: str, changed: dict[str, bytes] | None = None) -> bytes:
    """Return the release's archive; `changed` replaces some of its files."""
    contents = files(name) | (changed or {})
    return zip_bytes({f"{inner_folder(name)}/{file}": data for file, data in contents.items()})


def write_folder(name: str, home: Path, changed: dict[str, bytes | None] | None = None) -> Path:
    """Write the release unpacked below `home`; a file changed to None is left out."""
    folder = home / inner_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in (files(name) | (changed or {})).items():
        if data is not None:
            (folder / file).write_bytes(data)
    return folder


def write_zip(name: str, home: Path, changed: dict[str, bytes] | None = None) -> Path:
    """Write the release's archive into `home`."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{name}.zip"
    path.write_bytes(archive_bytes(name, changed))
    return path
