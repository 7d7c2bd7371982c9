"""The whole simulation, part by part: everything that exists, then the ratings of some people."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal

import numpy as np
import numpy.typing as npt

from tools.sample.activity import activities
from tools.sample.catalogue import CATALOGUE, read_catalogue
from tools.sample.chance import Chance, times
from tools.sample.exposure import glances, seen
from tools.sample.films import Films, build_films, buzz
from tools.sample.inventions import enough_films
from tools.sample.people import People, build_people, by_trait
from tools.sample.sittings import Sittings, build_sittings, rating_times
from tools.sample.sizes import Size
from tools.sample.stars import give_stars

# Films that the people of one part come across together: few enough for the processor's cache,
# and part of what the result is, as each part has random numbers of its own.
PART = 1 << 19


@dataclass(frozen=True)
class World:
    """All there is before anybody rates anything."""

    films: Films
    people: People
    sittings: Sittings
    seed: int

    def parts(self) -> list[slice]:
        """Return the people of each part."""
        looks = np.cumsum(glances(self.people.activity, len(self.films)))
        starts = np.flatnonzero(np.diff((looks - looks[0]) // PART, prepend=-1))
        return [slice(*pair) for pair in zip(starts, [*starts[1:], len(looks)], strict=True)]


@dataclass(frozen=True)
class Ratings:
    """One row per rating, by user, within a user as it is written to a file."""

    user_id: npt.NDArray[np.int32]
    movie_id: npt.NDArray[np.int32]
    stars: npt.NDArray[np.int8]
    timestamp: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of ratings."""
        return len(self.user_id)


def build_world(size: Size, seed: int, catalogue: Path = CATALOGUE) -> World:
    """Build films, people and sittings.

    Raises
    ------
    SizeError
        If the size cannot be.
    CatalogueError
        If a row of the catalogue is not right.
    """
    size.validate()
    activity = activities(size.users, size.items, size.ratings, seed)
    facts = enough_films(read_catalogue(catalogue), size.items, seed)
    # Whoever rates most must find so many films on their last visit, whenever that is.
    films = build_films(facts, seed, most_late=size.items - int(activity.max()))
    sittings = build_sittings(size.users, seed)
    return World(films, build_people(activity, sittings.start[:, 0], seed), sittings, seed)


def rate(world: World, number: int, rows: slice, by_movie: bool) -> Ratings:
    """Return the ratings of the people of one part.

    Within a user they stand as they were stored: page by page, the pages in no order. Or,
    `by_movie`, in order of movie, as in the later releases of MovieLens.
    """
    chances = (Chance(world.seed, name, number) for name in ("seen", "seconds", "stars", "order"))
    for_seen, for_seconds, for_stars, for_order = chances
    films, people, sittings = world.films, world.people, world.sittings[rows]
    tastes = people.taste[rows][:, None] + by_trait(people.moves[rows])
    tastes = tastes.reshape(-1, tastes.shape[-1])
    person, film, fits, sitting = seen(tastes, people.activity[rows], sittings, films, for_seen)
    seconds, page, turn = rating_times(person, film, sitting, films, sittings, for_seconds)
    style = times(people.style[rows][person], films.style[film]).sum(axis=1)
    now = buzz(films, film, sittings.start[person, sitting])
    stars = give_stars(people.bias[rows][person], film, fits, style, now, films, for_stars)
    shuffled = for_order.below(1 << 30, int(page.max()) + 1)
    order = np.lexsort((film, person) if by_movie else (turn, page, shuffled[page], person))
    return Ratings(
        user_id=(person[order] + rows.start + 1).astype(np.int32),
        movie_id=films.movie_id[film[order]].astype(np.int32),
        stars=stars[order].astype(np.int8),
        timestamp=seconds[order],
    )


def all_ratings(world: World, by_movie: bool = False, processes: int = 1) -> Iterator[Ratings]:
    """Yield the ratings of every part, in order; the same however many processes work on them."""
    parts = list(enumerate(world.parts()))
    if processes == 1 or len(parts) == 1:
        for number, rows in parts:
            yield rate(world, number, rows, by_movie)
        return
    waiting: deque[Future[Ratings]] = deque()
    # Spawned, as on macOS: a fork of a process with threads can hang.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _settle, (world, by_movie))
    try:
        for number, rows in parts:
            waiting.append(pool.submit(_work, number, rows))
            if len(waiting) > 2 * processes:  # no more than the writer can take, for memory's sake
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_settled: tuple[World, bool]


def _settle(world: World, by_movie: bool) -> None:
    """Keep the world in a process of its own, which leaves Ctrl-C to the one that started it."""
    global _settled
    signal(SIGINT, SIG_IGN)
    _settled = (world, by_movie)


def _work(number: int, rows: slice) -> Ratings:
    world, by_movie = _settled
    return rate(world, number, rows, by_movie)
