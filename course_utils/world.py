"""The simulated people behind the sample, who answer what a recommender shows them.

::

    world = load_world()
    answers = world.respond(user_ids, item_ids, day=1, seed=0)  # item_ids: shape (n, k)
    answers.opened, answers.stars                               # and how they liked it
    world = world.after(answers)                                # nothing is opened twice

A person looks at a list from the top and goes on to the next slot with the probability
`PATIENCE`. A film looked at is opened with a probability that grows with how much the person is
expected to like it; what has been opened or rated before is not opened again. An opened film gets
stars: what the person was expected to think of it, plus the mood of the moment. The data card
describes all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
DAY = 86_400


@dataclass(frozen=True, eq=False)
class Answers:
    """What people did with the lists they were shown on one day.

    Attributes
    ----------
    user_ids : ndarray of int32, shape (n,)
    item_ids : ndarray of int32, shape (n, k)
        The lists; -1 is an empty slot.
    day : int
    opened : ndarray of bool, shape (n, k)
    stars : ndarray of float32, shape (n, k)
        1 to 5, NaN where not opened.
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
            1 for the day after the sample ends. Films go in and out of fashion.
        seed : int
            The luck of that day. An answer depends on person, film, slot, day and seed alone, not
            on who else is asked, so two policies can be compared on the same luck.

        Returns
        -------
        Answers

        Raises
        ------
        DataError
            If an id is unknown or repeated, or shapes, day or seed are not valid.
        """
        rows = self._rows(user_ids)
        lists = np.asarray(item_ids)
        columns = self._columns(lists, len(rows))
        day, seed = need_integer(day, "day", 1), need_integer(seed, "seed", 0)
        real, films = columns != NOTHING, np.maximum(columns, 0)
        people = self.users[rows, None].astype(np.uint64)
        movies = self.items[films].astype(np.uint64)
        opinion = self._opinion(rows, films, day)
        # Inverse of the geometric distribution: how many slots a person looks at, 1 or more.
        patience = np.log(_luck(seed, day, "patience", people, np.uint64(0))) / np.log(PATIENCE)
        looks = np.arange(lists.shape[1]) <= np.floor(patience)
        curious = _luck(seed, day, "open", people, movies) < expit((opinion - OPEN_AT) / OPEN_STEP)
        opened = real & looks & curious & ~self._seen[rows[:, None], films]
        mood = ndtri(_luck(seed, day, "mood", people, movies)) * self._truth["mood"]
        stars = 1 + np.searchsorted(self._truth["cuts"], opinion + mood, side="right")
        stars = np.where(opened, stars, np.nan).astype(np.float32)
        return Answers(self.users[rows], lists.astype(np.int32), day, opened, stars)

    def utility(self, user_ids: npt.ArrayLike, day: int = 1) -> npt.NDArray[np.float32]:
        """Return the stars, from 1 to 5, that people are expected to give to every film.

        float32, shape (n, n_items), in the order of `items`: the truth that no data set has. The
        higher it is, the likelier a film is opened and liked, so a list by descending utility of
        unseen films is the best that can be shown.
        """
        rows = self._rows(user_ids)
        every = np.broadcast_to(np.arange(len(self.items)), (len(rows), len(self.items)))
        opinion = self._opinion(rows, every, need_integer(day, "day", 1))
        stars = np.ones_like(opinion)
        for cut in self._truth["cuts"]:
            stars += ndtr((opinion - cut) / self._truth["mood"])
        return stars.astype(np.float32)

    def after(self, answers: Answers) -> World:
        """Return the world in which `answers` have been given: opened films are seen and rated."""
        who, slot = np.nonzero(answers.opened)
        rows = self._rows(answers.user_ids)[who]
        columns = np.searchsorted(self.items, answers.item_ids[who, slot])
        if self._seen[rows, columns].any():
            raise DataError(
                "These answers were given already, or in another world; world.after(answers) takes "
                "the answers that this world gave, once."
            )
        seen = self._seen.copy()
        seen[rows, columns] = True
        given = pd.DataFrame(
            {
                "user_id": answers.user_ids[who],
                "movie_id": answers.item_ids[who, slot],
                "rating": answers.stars[who, slot],
                "timestamp": int(self._truth["end"]) + answers.day * DAY + slot * 60,
            }
        )
        ratings = pd.concat([self._ratings, given], ignore_index=True)
        return replace(self, _seen=seen, _ratings=ratings)

    def history(self) -> pd.DataFrame:
        """Return all ratings so far: the sample's, then those of answers, day by day.

        Columns as in ``load_movielens("sample").ratings``; an answer's timestamp is its day, 00:00
        UTC, plus a minute per slot.
        """
        return self._ratings.copy()

    def with_newcomers(self, n: int, seed: int) -> World:
        """Return the world with `n` more people, who have seen nothing: ``world.users[-n:]``.

        Their tastes are drawn as those of the sample's people were who joined on the last day,
        without the shifts by age and gender.
        """
        n, truth = need_integer(n, "n", 1), self._truth
        rng = np.random.default_rng(need_integer(seed, "seed", 0))
        broad = rng.standard_normal((n, len(truth["loadings"]))) + truth["latest"]
        own = rng.standard_normal((n, truth["loadings"].shape[1])) * truth["own_taste"]
        style = rng.standard_normal((n, truth["film_style"].shape[1]))
        taste = np.hstack([broad @ truth["loadings"] + own, style])
        ids = np.arange(1, n + 1, dtype=np.int32) + self.users[-1]
        return replace(
            self,
            users=np.concatenate([self.users, ids]),
            _taste=np.vstack([self._taste, taste]),
            _bias=np.concatenate([self._bias, rng.standard_normal(n)]),
            _seen=np.vstack([self._seen, np.zeros((n, len(self.items)), dtype=np.bool_)]),
        )

    def _opinion(self, rows: IntArray, films: IntArray, day: int) -> FloatArray:
        """Return what people think of films before the mood, in stars, shape of `films`."""
        truth = self._truth
        away = np.abs(truth["end"] // DAY + day - truth["peak"] // DAY)
        buzz = truth["hype"] * np.maximum(1 - away / truth["fashion"], 0)
        of_film = truth["film_opinion"] + truth["stars_per_buzz"] * buzz
        fit = np.zeros(films.shape)
        for trait in truth["traits"].T:  # six a film, one at a time: the memory stays small
            fit += self._taste[rows[:, None], trait[films]]
        styles = self._taste[rows, truth["loadings"].shape[1] :]
        style = np.einsum("ns,nks->nk", styles, truth["film_style"][films])
        of_person = truth["generosity"] * self._bias[rows, None]
        opinion = (
            of_film[films] + of_person + truth["liking"] * fit + truth["stars_per_style"] * style
        )
        return np.asarray(opinion, dtype=np.float64)

    def _rows(self, user_ids: npt.ArrayLike) -> IntArray:
        ids = np.asarray(user_ids)
        if ids.ndim != 1 or ids.dtype.kind not in "iu":
            raise DataError(
                f"`user_ids` must be a list of user ids, and is {ids.dtype}{ids.shape}."
            )
        rows = np.minimum(np.searchsorted(self.users, ids), len(self.users) - 1)
        unknown = ids[self.users[rows] != ids]
        if unknown.size:
            raise DataError(f"There is no user {unknown[0]} in this world; world.users lists them.")
        if len(np.unique(rows)) < len(rows):
            twice = ids[np.bincount(rows)[rows] > 1][0]
            raise DataError(f"User {twice} is asked twice; show each person one list a call.")
        return rows.astype(np.int64)

    def _columns(self, lists: npt.NDArray[Any], n_users: int) -> IntArray:
        if lists.ndim != 2 or len(lists) != n_users or lists.dtype.kind not in "iu":
            raise DataError(
                f"`item_ids` must be movie ids of shape ({n_users}, k), a list for each user, and "
                f"is {lists.dtype}{lists.shape}."
            )
        columns = np.minimum(np.searchsorted(self.items, lists), len(self.items) - 1)
        empty = lists == NOTHING
        unknown = lists[(self.items[columns] != lists) & ~empty]
        if unknown.size:
            raise DataError(f"There is no film {unknown[0]} in this world; world.items lists them.")
        columns = np.where(empty, NOTHING, columns)
        ordered = np.sort(columns, axis=1)
        twice = np.nonzero((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NOTHING))
        if twice[0].size:
            film = self.items[ordered[:, 1:][twice][0]]
            raise DataError(f"List {twice[0][0]} shows film {film} twice; a list has a film once.")
        return columns.astype(np.int64)


def load_world(folder: str | Path | None = None) -> World:
    """Load the people of the sample.

    Parameters
    ----------
    folder : str or Path, optional
        A folder named ``ml-1m`` that ``python -m tools.sample.make --out`` wrote; by default the
        embedded sample. COURSE_DATASET does not count: only simulated people can answer.

    Returns
    -------
    World

    Raises
    ------
    DataError
        If the folder has no world.npz, or its ratings are not those of its world.
    """
    place = sample_folder() if folder is None else Path(folder)
    path = place / "world.npz"
    if not path.is_file():
        raise DataError(f"{path} is missing: only simulated data has a world; see the data card.")
    with np.load(path, allow_pickle=False) as file:
        truth: dict[str, Any] = {name: file[name] for name in file.files}
    name, home = ("sample", None) if folder is None else ("ml-1m", place.parent)
    ratings = load_movielens(name, data_home=home, download=False).ratings
    users, items = truth.pop("user_id"), truth.pop("movie_id")
    rows, columns = (
        np.searchsorted(ids, ratings[name])
        for ids, name in ((users, "user_id"), (items, "movie_id"))
    )
    seen = np.zeros((len(users), len(items)), dtype=np.bool_)
    seen[rows, columns] = True
    return World(users, items, truth, truth.pop("taste"), truth.pop("bias"), seen, ratings)


def _luck(seed: int, day: int, what: str, people: npt.NDArray[np.uint64], films: Any) -> FloatArray:
    """Return uniform numbers in (0, 1), one per person and film, the same wherever they are asked.

    A hash instead of a stream of random numbers: SplitMix64 of Steele, Lea and Flood (2014).
    """
    key = np.asarray(np.uint64(int.from_bytes(what.encode(), "big")))
    for part in (np.uint64(seed % 2**64), np.uint64(day), people, films):
        key = _mixed(key ^ part)
    return np.asarray(((key >> np.uint64(11)) + 0.5) / 2**53, dtype=np.float64)


def _mixed(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):  # modulo 2**64 is meant
        bits = bits + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))
