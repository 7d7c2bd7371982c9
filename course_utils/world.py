"""The simulated people behind the sample, who answer what a recommender shows them.

::

    world = load_world()
    answers = world.respond(user_ids, item_ids, day=1, seed=0)  # item_ids: shape (n, k)
    answers.opened, answers.stars                               # and how they liked it
    world = world.after(answers)                                # nothing is opened twice

A person looks at a list from the top and goes on to the next slot with probability `PATIENCE`. A
film looked at is opened the more probably, the more the person is expected to like it; what was
opened or rated before is not opened again. An opened film gets stars: what the person was expected
to think of it, plus the mood of the moment. The data card describes all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, ndtr, ndtri

from course_utils.datasets.loader import load_movielens, sample_folder
from course_utils.errors import DataError
from course_utils.validation import NOTHING, BoolArray, FloatArray, IntArray, need_integer

__all__ = ["OPEN_AT", "OPEN_STEP", "PATIENCE", "Answers", "World", "load_world"]

PATIENCE = 0.85  # probability to look at the next slot too: slot r is looked at with PATIENCE**r
OPEN_AT = 4.0  # expected opinion, in stars, of a film that is opened every second time
OPEN_STEP = 0.4  # stars by which an opinion must rise for the odds to open it to grow e-fold
DAY, LAST_DAY = 86_400, 100_000
NAMES = (  # the arrays of world.npz; tools/sample/truth.py says what they are
    "user_id", "movie_id", "taste", "bias", "traits", "film_style", "film_opinion", "hype", "peak",
    "end", "fashion", "mood", "cuts", "stars_per_buzz", "stars_per_style", "liking", "generosity",
    "loadings", "own_taste", "latest",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Answers:
    """What people did on one day.

    `user_ids` has the shape (n,), the other arrays (n, k): `item_ids` are the lists, -1 for an
    empty slot; `opened` is bool; `stars` are float32 from 1 to 5, NaN where not opened.
    """

    user_ids: npt.NDArray[np.int32]
    item_ids: npt.NDArray[np.int32]
    day: int
    opened: BoolArray
    stars: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class World:
    """People, films, and what everybody has seen. Nothing changes it: methods return a new one.

    Attributes
    ----------
    users : ndarray of int32, shape (n_users,)
        User ids, ascending: those of the sample, then newcomers.
    items : ndarray of int32, shape (n_items,)
        Movie ids, ascending; the columns of :meth:`utility`.
    """

    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    _truth: dict[str, Any]
    _taste: FloatArray  # (n_users, n_traits + n_styles)
    _bias: FloatArray
    _seen: BoolArray  # (n_users, n_items)
    _ratings: pd.DataFrame

    def __repr__(self) -> str:
        return f"World({len(self.users):,} people, {len(self.items):,} films, simulated)"

    def respond(
        self, user_ids: npt.ArrayLike, item_ids: npt.ArrayLike, day: int, seed: int
    ) -> Answers:
        """Show each person a list and return what they open and how they rate it.

        Parameters
        ----------
        user_ids : array_like of int, shape (n,)
            Each person once.
        item_ids : array_like of int, shape (n, k)
            Movie ids, the top slot first; -1 leaves a slot empty.
        day : int
            1 for the day after the sample's last. Films go in and out of fashion.
        seed : int
            The luck of that day, below 2**64. An answer depends on the person, what they have
            seen, film, slot, day and seed, not on who else is asked: policies can meet one luck.

        Raises
        ------
        DataError
            If an id is unknown or repeated, or shapes, day or seed are not valid.
        """
        rows = self._rows(user_ids)
        columns = self._columns(item_ids, len(rows))
        day, seed = _within(day, "day", 1, LAST_DAY), _within(seed, "seed", 0, 2**64 - 1)
        films = np.maximum(columns, 0)
        lists = np.where(columns == NOTHING, NOTHING, self.items[films]).astype(np.int32)
        people, movies = self.users[rows, None].astype(np.uint64), self.items[films]
        opinion = self._opinion(rows, films, day)
        # Inverse of the geometric distribution: how many slots a person looks at beyond the first.
        beyond = np.log(_luck(seed, day, "patience", people, np.zeros(1))) / np.log(PATIENCE)
        looked = np.arange(columns.shape[1]) <= np.floor(beyond)
        tempted = _luck(seed, day, "open", people, movies) < expit((opinion - OPEN_AT) / OPEN_STEP)
        unseen = (columns != NOTHING) & ~self._seen[rows[:, None], films]
        opened = looked & tempted & unseen
        mood = ndtri(_luck(seed, day, "mood", people, movies)) * self._truth["mood"]
        stars = 1 + np.searchsorted(self._truth["cuts"], opinion + mood, side="right")
        stars = np.where(opened, stars, np.nan).astype(np.float32)
        return Answers(self.users[rows], lists, day, opened, stars)

    def utility(self, user_ids: npt.ArrayLike, day: int = 1) -> npt.NDArray[np.float32]:
        """Return the stars, from 1 to 5, that people are expected to give to every film.

        float32, shape (n, n_items), in the order of `items`: the truth that no data set has. The
        higher it is, the likelier a film is opened and liked, so a list by descending utility of
        unseen films is the best that can be shown that day.
        """
        rows = self._rows(user_ids)
        every = np.broadcast_to(np.arange(len(self.items)), (len(rows), len(self.items)))
        opinion = self._opinion(rows, every, _within(day, "day", 1, LAST_DAY))
        stars = np.ones_like(opinion)
        for cut in self._truth["cuts"]:
            stars += ndtr((opinion - cut) / self._truth["mood"])
        return stars.astype(np.float32)

    def after(self, answers: Answers) -> World:
        """Return the world in which `answers` have been given: opened films are seen and rated.

        Answers given twice are refused; those of another world with the same ids are not noticed.
        """
        who, slot = np.nonzero(answers.opened)
        rows = self._rows(answers.user_ids)
        columns = self._columns(answers.item_ids, len(rows))[who, slot]
        if self._seen[rows[who], columns].any():
            raise DataError("These answers were given already; world.after takes each once.")
        seen = self._seen.copy()
        seen[rows[who], columns] = True
        given = pd.DataFrame(
            {
                "user_id": answers.user_ids[who],
                "movie_id": answers.item_ids[who, slot],
                "rating": answers.stars[who, slot],
                "timestamp": int(self._truth["end"]) + (answers.day - 1) * DAY + slot * 60,
            }
        )
        ratings = pd.concat([self._ratings, given], ignore_index=True)
        return replace(self, _seen=seen, _ratings=ratings)

    def history(self) -> pd.DataFrame:
        """Return all ratings so far: the sample's, then those of answers, as they were given.

        Columns as in ``load_movielens("sample").ratings``; an answer's timestamp is its day, 00:00
        UTC, plus a minute per slot.
        """
        return self._ratings.copy()

    def with_newcomers(self, n: int, seed: int) -> World:
        """Return the world with `n` more people, who have seen nothing: ``world.users[-n:]``.

        Their tastes are drawn as if they joined the sample at its end, without the shifts by age
        and gender.
        """
        n, truth = need_integer(n, "n", 1), self._truth
        # The same seed a second time gives other people, not clones of the first.
        rng = np.random.default_rng([need_integer(seed, "seed", 0), len(self.users)])
        broad = rng.standard_normal((n, len(truth["loadings"]))) + truth["latest"]
        own = rng.standard_normal((n, truth["loadings"].shape[1])) * truth["own_taste"]
        style = rng.standard_normal((n, truth["film_style"].shape[1]))
        taste = np.hstack([broad @ truth["loadings"] + own, style])
        ids = np.arange(1, n + 1, dtype=np.int32) + self.users[-1]
        return replace(
            self,
            users=_read_only(np.concatenate([self.users, ids])),
            _taste=np.vstack([self._taste, taste]),
            _bias=np.concatenate([self._bias, rng.standard_normal(n)]),
            _seen=np.vstack([self._seen, np.zeros((n, len(self.items)), dtype=np.bool_)]),
        )

    def _opinion(self, rows: IntArray, films: IntArray, day: int) -> FloatArray:
        """Return what people think of films before the mood, in stars, shape of `films`."""
        truth = self._truth
        away = np.abs(truth["end"] // DAY + day - 1 - truth["peak"] // DAY)
        buzz = truth["hype"] * np.maximum(1 - away / truth["fashion"], 0)
        of_film = truth["film_opinion"] + truth["stars_per_buzz"] * buzz
        fit = np.zeros(films.shape)
        for trait in truth["traits"].T:  # six a film, one at a time: the memory stays small
            fit += self._taste[rows[:, None], trait[films]]
        styles = self._taste[rows, truth["loadings"].shape[1] :]
        style = np.einsum("ns,nks->nk", styles, truth["film_style"][films])
        opinion = of_film[films] + truth["generosity"] * self._bias[rows, None]
        opinion += truth["liking"] * fit + truth["stars_per_style"] * style
        return np.asarray(opinion, dtype=np.float64)

    def _rows(self, user_ids: npt.ArrayLike) -> IntArray:
        ids = np.asarray(user_ids)
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            raise DataError(f"`user_ids` must be a list of integers, not {ids.dtype}{ids.shape}.")
        rows = _positions(ids, self.users, "user", "users")
        if len(np.unique(rows)) < len(rows):
            twice = ids[np.bincount(rows)[rows] > 1][0]
            raise DataError(f"User {twice} is asked twice; show each person one list a call.")
        return rows

    def _columns(self, item_ids: npt.ArrayLike, n_users: int) -> IntArray:
        try:
            lists = np.asarray(item_ids)
        except ValueError:
            raise DataError("The lists differ in length; fill empty slots with -1.") from None
        if not lists.size:
            return np.empty((n_users, 0), dtype=np.int64)
        if lists.ndim != 2 or len(lists) != n_users or lists.dtype.kind not in "iu":
            raise DataError(
                f"`item_ids` must be movie ids of shape ({n_users}, k), a list for each user, and "
                f"is {lists.dtype}{lists.shape}."
            )
        ordered = np.sort(lists, axis=1)
        twice = np.argwhere((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NOTHING))
        if len(twice):
            row, film = twice[0][0], ordered[:, 1:][tuple(twice[0])]
            raise DataError(f"List {row} shows film {film} twice; a list has a film once.")
        known = np.where(lists == NOTHING, self.items[0], lists)
        columns = _positions(known, self.items, "film", "items")
        return np.where(lists == NOTHING, NOTHING, columns)


def load_world(folder: str | Path | None = None) -> World:
    """Load the people of the sample, or of another `folder` that the generator wrote.

    That folder, named ``ml-1m``, comes from ``python -m tools.sample.make --out some/ml-1m``.
    COURSE_DATASET does not count: only simulated people can answer. A DataError is raised if the
    folder has no world.npz, or one that is damaged or knows other users and films.
    """
    place = sample_folder() if folder is None else Path(folder).resolve()
    path = place / "world.npz"
    if not path.is_file() or (folder is not None and place.name != "ml-1m"):
        raise DataError(
            f"{path} is missing, or its folder is not named ml-1m: only simulated data has a world."
        )
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            truth: dict[str, Any] = {name: file[name] for name in NAMES}
    except (OSError, ValueError, EOFError, KeyError, TypeError, BadZipFile):
        raise DataError(f"{path} is damaged or of another version; make it again.") from None
    name, home = ("sample", None) if folder is None else ("ml-1m", place.parent)
    ratings = load_movielens(name, data_home=home, download=False).ratings
    users, items = _read_only(truth.pop("user_id")), _read_only(truth.pop("movie_id"))
    if not (ratings["user_id"].isin(users) & ratings["movie_id"].isin(items)).all():
        raise DataError(f"The ratings in {place} are not those of its world.npz; make both again.")
    seen = np.zeros((len(users), len(items)), dtype=np.bool_)
    rows = np.searchsorted(users, ratings["user_id"])
    seen[rows, np.searchsorted(items, ratings["movie_id"])] = True
    return World(users, items, truth, truth.pop("taste"), truth.pop("bias"), seen, ratings)


def _within(value: int, name: str, least: int, most: int) -> int:
    if need_integer(value, name, least) > most:
        raise DataError(f"{name} must be at most {most}, and is {value}.")
    return int(value)


def _positions(
    ids: npt.NDArray[Any], known: npt.NDArray[np.int32], one: str, all_: str
) -> IntArray:
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    unknown = ids[known[places] != ids]
    if unknown.size:
        raise DataError(f"There is no {one} {unknown[0]} in this world; world.{all_} lists them.")
    return places.astype(np.int64)


def _read_only(ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    ids.setflags(write=False)  # shuffling world.items in place would give films other numbers
    return ids


def _luck(seed: int, day: int, what: str, people: npt.NDArray[np.uint64], films: Any) -> FloatArray:
    """Return uniform numbers in (0, 1), one per person and film, the same wherever they are asked.

    A hash instead of a stream of random numbers: SplitMix64 of Steele, Lea and Flood (2014).
    """
    key = np.array([int.from_bytes(what.encode(), "big")], dtype=np.uint64)
    for part in (np.uint64(seed), np.uint64(day), people, np.asarray(films).astype(np.uint64)):
        bits = (key ^ part) + np.uint64(0x9E3779B97F4A7C15)  # modulo 2**64, as meant
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key = bits ^ (bits >> np.uint64(31))
    return np.asarray(((key >> np.uint64(11)) + 0.5) / 2**53, dtype=np.float64)
