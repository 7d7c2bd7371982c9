"""What the simulation knows of people and films, as the arrays of world.npz."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.sample import stars
from tools.sample.chance import ONE, Ints
from tools.sample.films import END, FASHION
from tools.sample.people import BROAD_TASTES, NEWCOMERS, OWN_TASTE, by_trait
from tools.sample.world import World


def write_truth(world: World, path: Path) -> None:
    """Write what `course_utils.world` needs to let the same people answer.

    Opinions are in stars, times in Unix seconds, `fashion` in days, `hype` in log-weight.
    Fixed-point numbers become float32 without rounding: they have fewer binary digits than it
    holds. The file is not compressed, as another version of zlib would write other bytes.
    """
    films, people = world.films, world.people
    last = people.moves[np.arange(len(people)), world.sittings.count - 1]
    arrays: dict[str, Any] = {
        "user_id": np.arange(1, len(people) + 1, dtype=np.int32),
        "movie_id": films.movie_id.astype(np.int32),
        "taste": np.hstack([real(people.taste + by_trait(last)), real(people.style)]),
        "bias": real(people.bias),
        "traits": films.traits.astype(np.uint8),
        "film_style": real(films.style),
        "film_opinion": real(stars.opinion_of(films)),
        "hype": real(films.hype),
        "peak": films.peak,
        "end": END,
        "fashion": FASHION,
        "stars_per_buzz": stars.BUZZ / ONE,
        "stars_per_style": stars.STYLE / ONE,
        "liking": stars.LIKING / ONE * 2 / 5,  # `exposure.fit` scales the six tastes by 2/5
        "generosity": stars.GENEROSITY / ONE,
        "mood": stars.MOOD / ONE,
        "cuts": np.array(stars.CUTS) / ONE,
        "loadings": real(by_trait(np.eye(len(BROAD_TASTES), dtype=np.int64) * ONE)),
        "own_taste": OWN_TASTE,
        "latest": np.array([NEWCOMERS.get(name, 0) / 2 for name in BROAD_TASTES]),
    }
    np.savez(path, **arrays)


def real(fixed_point: Ints) -> npt.NDArray[np.float32]:
    """Return fixed-point numbers as they are meant."""
    return (fixed_point / ONE).astype(np.float32)
