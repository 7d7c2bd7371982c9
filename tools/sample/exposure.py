"""Which films each person has seen: fame, taste, and series that pull people along."""

import numpy as np
import numpy.typing as npt

from sample.chance import Chance, Ints, fixed, times
from sample.films import Films
from sample.people import People
from sample.sittings import Sittings

Marks = npt.NDArray[np.bool_]

# Log-weight of films of fame 0, 10, ..., 100: steep at the bottom, where films are hardly found.
FAME = (-8.2, -5.2, -2.0, 1.4, 4.0, 6.2, 8.1, 9.7, 11.0, 11.9, 12.6)
CURIOSITY = fixed(2.2)  # log-weight of one standard deviation of fit
SEQUEL = fixed(1.0)  # log-weight of a film whose series one has begun
BATCH = 256  # people handled at once, so that memory stays bounded


def fit(people: People, films: Films, rows: slice) -> Ints:
    """Return how well films fit people, shape (n_rows, n_films), fixed point.

    The mean taste for the five traits of a film. Integers are summed one trait at a time: the
    result is exact, whatever the processor.
    """
    taste = people.taste[rows]
    total = np.zeros((len(taste), len(films)), dtype=np.int64)
    for column in films.traits.T:
        total += taste[:, column]
    return total * 9 // 20  # about unit variance: five terms, partly shared


def seen(people: People, films: Films, sittings: Sittings, seed: int) -> tuple[Ints, Ints]:
    """Return who has seen what.

    Returns
    -------
    person, film : Ints, shape (n_ratings,)
        Positions, sorted by person, then film.
    """
    chance = Chance(seed, "exposure")
    found: list[tuple[Ints, Ints]] = []
    for first in range(0, len(people), BATCH):
        rows = slice(first, first + BATCH)
        weight = fame_weight(films) + times(fit(people, films, rows), CURIOSITY)
        weight += chance.gumbel(*weight.shape)
        too_late = films.appears > sittings.last()[rows, None]
        weight = np.where(too_late, np.iinfo(np.int64).min // 2, weight)
        # Nobody rates more films than have appeared by their last visit.
        activity = np.minimum(people.activity[rows], (~too_late).sum(axis=1))
        chosen = choose(weight, films, activity)
        person, film = np.nonzero(chosen)
        found.append((person + first, film))
    return np.concatenate([p for p, _ in found]), np.concatenate([f for _, f in found])


def fame_weight(films: Films) -> Ints:
    """Return the log-weight that each film has for everybody, by straight lines in `FAME`."""
    table = np.array([fixed(weight) for weight in (*FAME, FAME[-1])], dtype=np.int64)
    left, part = films.fame // 10, films.fame % 10
    return table[left] + (table[left + 1] - table[left]) * part // 10


def choose(weight: Ints, films: Films, activity: Ints) -> Marks:
    """Choose `activity` films per person: two thirds by weight, then with a pull to sequels."""
    begun = top(weight, activity * 2 // 3)
    in_series = films.series >= 0
    counts = np.zeros((len(weight), int(films.series.max()) + 1), dtype=np.int64)
    person, film = np.nonzero(begun & in_series)
    np.add.at(counts, (person, films.series[film]), 1)
    follows = (counts[:, films.series] > 0) & in_series
    # What is already chosen stays chosen.
    return top(weight + SEQUEL * follows + (begun.astype(np.int64) << 40), activity)


def top(weight: Ints, n: Ints) -> Marks:
    """Mark the `n` heaviest entries of each row; a stable sort settles equal ones."""
    order = np.argsort(-weight, axis=1, kind="stable")
    marked = np.zeros(weight.shape, dtype=np.bool_)
    np.put_along_axis(marked, order, np.arange(weight.shape[1]) < n[:, None], axis=1)
    return marked
