"""Make the course's embedded sample, or data like it of any size: simulated people.

    python -m tools.sample.make                       # data/sample again, byte for byte
    python -m tools.sample.make --users 6040 --items 3706 --ratings 1000209 --out /tmp/ml-1m
    python -m tools.sample.make --users 200948 --items 87585 --ratings 32000204 \
        --format parquet --out /tmp/big

There are exactly as many users, movies and ratings as asked for. The films are real as far as
the catalogue goes, and visibly made up beyond. The same arguments give the same `.dat` and
`.csv` bytes on every machine, and the same values in Parquet; `tools/sample/chance.py` says how.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

from tqdm import tqdm

from tools import ROOT
from tools.sample.catalogue import CatalogueError
from tools.sample.files import LAYOUTS, README, folder_in_one_go, write_world
from tools.sample.sizes import Size, SizeError
from tools.sample.truth import write_truth
from tools.sample.world import Ratings, World, all_ratings, build_world

SAMPLE = Size(users=1000, items=1399, ratings=100_000)


def make_sample(
    out: Path, size: Size = SAMPLE, seed: int = 42, layout: str = "dat", processes: int = 1
) -> World:
    """Simulate, and write every table into the folder `out`.

    Parameters
    ----------
    out : Path
        Made if missing. Nothing appears in it before all is written.
    size : Size
    seed : int
        Another seed gives other people, other tastes and other movie ids.
    layout : str
        ``"dat"`` as in ml-1m, ``"csv"`` as in ml-32m, or ``"parquet"``, the course's own tables.
    processes : int
        How many work at once. The result does not depend on it.

    Returns
    -------
    World
        What was simulated, without the ratings.

    Raises
    ------
    SizeError
        If the size cannot be.
    CatalogueError
        If a row of the catalogue is not right.
    """
    world = build_world(size, seed)
    with folder_in_one_go(out) as folder:
        ratings = all_ratings(world, by_movie=layout != "dat", processes=processes)
        write_world(world, with_progress(ratings, size.ratings), folder, layout)
        if layout == "dat":  # what `course_utils.world` reads beside it
            write_truth(world, folder / "world.npz")
        if not (out / "README.md").exists():
            text = README.format(users=size.users, items=size.items, seed=seed)
            (folder / "README.txt").write_text(text, encoding="utf-8", newline="\n")
    return world


def with_progress(parts: Iterable[Ratings], n_ratings: int) -> Iterator[Ratings]:
    """Pass `parts` on, with a progress bar once two seconds have gone by, on a terminal only."""
    with tqdm(total=n_ratings, unit=" ratings", unit_scale=True, delay=2, disable=None) as bar:
        for part in parts:
            yield part
            bar.update(len(part))


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Simulate data in the format of MovieLens.")
    parser.add_argument("--users", type=int, default=SAMPLE.users)
    parser.add_argument("--items", type=int, default=SAMPLE.items, help="movies listed")
    parser.add_argument("--ratings", type=int, default=SAMPLE.ratings)
    parser.add_argument("--format", choices=LAYOUTS, default="dat")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--out", type=Path, help="a folder; default: data/sample")
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 8))
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Read the command line and write the files; a size that cannot be costs one sentence."""
    options = arguments(given)
    size = Size(options.users, options.items, options.ratings)
    try:
        if not 0 <= options.seed < 1 << 64:
            raise SizeError(f"--seed {options.seed}: it must be from 0 to {(1 << 64) - 1}.")
        if options.processes < 1:
            raise SizeError(f"--processes {options.processes}: there must be at least one.")
        if options.out is None and (size, options.format) != (SAMPLE, "dat"):
            raise SizeError("data/sample has its own size and format; name another folder: --out.")
        out = options.out or ROOT / "data" / "sample"
        if out.exists() and not out.is_dir():
            raise SizeError(f"--out {out} is a file; name a folder.")
        make_sample(out, size, options.seed, options.format, options.processes)
    except (SizeError, CatalogueError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"{options.out} could not be written ({problem}); nothing was.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return 130
    return 0


def stop(number: int, frame: FrameType | None) -> None:
    """Let a polite kill clean up like Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    sys.exit(main())
