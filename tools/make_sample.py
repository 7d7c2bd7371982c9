"""Make the course's embedded sample: real films, simulated people.

    python tools/make_sample.py [--out data/sample] [--seed 42] [--people 1000]

The same seed gives the same bytes on every machine; `sample/chance.py` says how.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from sample.catalogue import CATALOGUE, CatalogueError, read_catalogue
from sample.chance import Chance, Ints
from sample.exposure import seen
from sample.files import movie_lines, rating_lines, user_lines, write_lines
from sample.films import Films, build_films
from sample.people import People, build_people
from sample.sittings import build_sittings, rating_times
from sample.stars import give_stars

ROOT = Path(__file__).resolve().parent.parent


def simulate(
    n_people: int = 1000, seed: int = 42, catalogue: Path = CATALOGUE
) -> tuple[Films, People, Ints]:
    """Run the simulation.

    Parameters
    ----------
    n_people : int
        How many people to simulate.
    seed : int
        Another seed gives other people, other tastes and other movie ids.
    catalogue : Path
        The CSV file of films.

    Returns
    -------
    films : Films
    people : People
    ratings : Ints, shape (n_ratings, 4)
        user_id, movie_id, stars, timestamp; by user, but within a user in no order of time,
        as in ML-1M: whoever needs an order must sort.

    Raises
    ------
    CatalogueError
        If a row of the catalogue is not right.
    """
    films = build_films(read_catalogue(catalogue), seed)
    people = build_people(n_people, seed)
    sittings = build_sittings(people, seed)
    person, film = seen(people, films, sittings, seed)
    seconds = rating_times(person, film, films, sittings, seed)
    stars = give_stars(person, film, people, films, seed)
    ratings = np.column_stack((person + 1, films.movie_id[film], stars, seconds))
    order = np.lexsort((Chance(seed, "order").below(1 << 30, len(person)), person))
    return films, people, ratings[order]


def make_sample(out: Path, seed: int = 42, n_people: int = 1000) -> None:
    """Write `movies.dat`, `users.dat` and `ratings.dat` into the folder `out`."""
    films, people, ratings = simulate(n_people, seed)
    out.mkdir(parents=True, exist_ok=True)
    write_lines(out / "movies.dat", movie_lines(films))
    write_lines(out / "users.dat", user_lines(people))
    write_lines(out / "ratings.dat", rating_lines(map(tuple, ratings.tolist())))


def main() -> int:
    """Read the command line and write the sample."""
    parser = argparse.ArgumentParser(description="Make the course's embedded sample.")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "sample")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--people", type=int, default=1000)
    options = parser.parse_args()
    try:
        make_sample(options.out, options.seed, options.people)
    except CatalogueError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
