"""Real MovieLens for these tests, from wherever this machine has it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from course_utils.datasets import MovieLens, load_movielens


@pytest.fixture(scope="session")
def release(repository_root: Path) -> Callable[[str], MovieLens]:
    """Return a function that loads a release, or skips the test and says where it looked."""
    shared = repository_root.parent / "shared" / "data"
    places = [Path(place) for place in (os.environ.get("COURSE_DATA_DIR"), shared) if place]

    def load(name: str) -> MovieLens:
        for place in places:
            if (place / name).is_dir() or (place / f"{name}.zip").is_file():
                return load_movielens(name, data_home=place, download=False)
        pytest.skip(f"{name} is in none of {', '.join(map(str, places))}")

    return load
