"""Lab 1, step 6: count the invalid rows of a table of ratings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_labs.checks.lab01.data import items_of, texts
from course_labs.checks.question import Detector, Mistake, Outputs, Plain

UNKNOWN, TWICE, OFF_SCALE = "unknown movie", "rated twice", "off the scale"
PROBLEMS = (UNKNOWN, TWICE, OFF_SCALE)
COLUMNS = {"user_id": "int32", "movie_id": "int32", "rating": "float32", "timestamp": "int64"}
Count = Callable[[pd.DataFrame, npt.NDArray[Any]], int]


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return a damaged table with its films, and a healthy one."""
    return [_case(rng, damaged=True), _case(rng, damaged=False)]


def _case(rng: np.random.Generator, *, damaged: bool) -> Plain:
    films = np.sort(rng.choice(np.arange(1, 400), 40, replace=False))
    users, rated = np.divmod(rng.choice(20 * 30, 150, replace=False), 30)
    rows = pd.DataFrame(
        {
            "user_id": users + 1,
            "movie_id": films[rated],
            "rating": rng.integers(1, 11, 150) / 2,
            "timestamp": rng.integers(8 * 10**8, 16 * 10**8, 150),
        }
    )
    if damaged:
        rows.loc[:7, "rating"] = [0.0, -1.0, 5.5, 3.7, 2.2, np.nan, 0.25, 10.0]
        again = rows.loc[[10, 10, 11, 12, 13, 14]].reset_index(drop=True)
        again.loc[3:, "timestamp"] += 60
        again.loc[4:, "rating"] = 5.5 - again.loc[4:, "rating"]  # other stars, on the scale
        unknown = rows.loc[20:30].assign(movie_id=[900, 900, 900, *range(901, 909)])
        rows = pd.concat([rows, again, unknown])
    rows = rows.iloc[rng.permutation(len(rows))].astype(COLUMNS)
    rows["missing"] = rows["rating"].isna()
    rows["rating"] = rows["rating"].fillna(0)  # NaN is not equal to itself
    columns = {name: rows[name].to_numpy() for name in (*COLUMNS, "missing")}
    return {**columns, "films": films.astype(np.int32)}


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``audit_rows(ratings, movies)``."""
    ratings = _ratings(case)
    movies = pd.DataFrame({"movie_id": case["films"], "title": "A film (1999)", "genres": "Drama"})
    result = answer(ratings, movies)
    pairs = items_of(result, "from a problem to its number of rows; this is")
    return {
        "problems": texts(name for name, _ in pairs),
        "counts": np.array([count for _, count in pairs]),
        "unchanged": ratings.equals(_ratings(case)),
    }


def _ratings(case: Plain) -> pd.DataFrame:
    ratings = pd.DataFrame({name: case[name].copy() for name in COLUMNS})
    return ratings.assign(rating=ratings["rating"].mask(case["missing"]))


def _unknown(ratings: pd.DataFrame, films: npt.NDArray[Any]) -> int:
    return int((~ratings["movie_id"].isin(films)).sum())


def _repeated(*columns: str, keep: Literal["first", False] = "first") -> Count:
    """Return a function that counts rows whose columns, all by default, repeat another row's."""
    return lambda ratings, films: int(ratings.duplicated(list(columns) or None, keep=keep).sum())


def _off_scale(ratings: pd.DataFrame, films: npt.NDArray[Any]) -> int:
    return int((~ratings["rating"].isin(np.arange(1, 11) / 2)).sum())


RIGHT: dict[str, Count] = {
    UNKNOWN: _unknown,
    TWICE: _repeated("user_id", "movie_id"),
    OFF_SCALE: _off_scale,
}


def judge(case: Plain, outputs: Plain) -> str:
    """Compare the three numbers exactly."""
    got = dict(zip(outputs["problems"].tolist(), outputs["counts"].tolist(), strict=True))
    if {*got} != {*PROBLEMS}:
        return f"The dict should have the keys {', '.join(PROBLEMS)}; yours has {sorted(got)}."
    for problem, count in RIGHT.items():
        wanted = count(_ratings(case), case["films"])
        if got[problem] != wanted:
            return f"{problem!r} should be {wanted} rows here, and is {got[problem]}."
    return "" if outputs["unchanged"] else "Your code changes the table that it is given."


def _counted(problem: str, *wrong: Count) -> Detector:
    """Return a detector of the number that a wrong way of counting a problem gives."""

    def made(case: Plain, outputs: Plain) -> bool:
        got = dict(zip(outputs["problems"].tolist(), outputs["counts"].tolist(), strict=True))
        ratings, films = _ratings(case), case["films"]
        right = RIGHT[problem](ratings, films)
        return got[problem] != right and any(
            got[problem] == count(ratings, films) for count in wrong
        )

    return made


MISTAKES = (
    Mistake(
        "A problem that does not occur is missing from your dict. Give it the number 0, so that "
        "whoever reads it sees that you have looked.",
        lambda case, out: {*out["problems"].tolist()} < {*PROBLEMS},
    ),
    Mistake(
        "You count films. Count the ratings that refer to them: a film that is unknown may have "
        "many.",
        _counted(UNKNOWN, lambda ratings, films: len({*ratings["movie_id"]} - {*films})),
    ),
    Mistake(
        "You count films that nobody has rated. That is no damage; ask for ratings whose film is "
        "not in `movies`.",
        _counted(
            UNKNOWN,
            lambda ratings, films: len({*films} - {*ratings["movie_id"]}),
            lambda ratings, films: len({*films} ^ {*ratings["movie_id"]}),
        ),
    ),
    Mistake(
        "You count all the rows of a pair that occurs twice. One of them is fine; count those "
        "that are too many: `duplicated(…)` without `keep=False`.",
        _counted(TWICE, _repeated("user_id", "movie_id", keep=False)),
    ),
    Mistake(
        "You count pairs. A pair that occurs three times has two rows too many.",
        _counted(
            TWICE,
            lambda ratings, films: int((ratings.groupby(["user_id", "movie_id"]).size() > 1).sum()),
        ),
    ),
    Mistake(
        "You compare whole rows. Somebody who rates a film again does so at another time, perhaps "
        "with other stars: look at user and film only.",
        _counted(TWICE, _repeated(), _repeated("user_id", "movie_id", "rating")),
    ),
    Mistake(
        "You look at users only, or at films only. Everybody may rate many films, and every film "
        "has many ratings; the pair must not repeat.",
        _counted(TWICE, _repeated("user_id"), _repeated("movie_id")),
    ),
    Mistake(
        "A missing rating (NaN) slips through: it is neither below 0.5 nor above 5. Ask what *is* "
        "on the scale, and take the opposite.",
        _counted(
            OFF_SCALE,
            lambda ratings, films: _off_scale(ratings.dropna(), films),
            lambda ratings, films: int(((ratings["rating"] < 0.5) | (ratings["rating"] > 5)).sum()),
        ),
    ),
    Mistake(
        "3.7 is between 0.5 and 5, and no rating: the scale has half stars only. Ask whether twice "
        "the rating is a whole number, or for `isin` of the ten values.",
        _counted(OFF_SCALE, lambda ratings, films: int((~ratings["rating"].between(0.5, 5)).sum())),
    ),
    Mistake(
        "Half stars are ratings too: the scale is 0.5, 1, 1.5, …, 5.",
        _counted(
            OFF_SCALE, lambda ratings, films: int((~ratings["rating"].isin(range(1, 6))).sum())
        ),
    ),
)
