"""The whole pipeline as data grows, on one machine and on Spark: seconds of each step, and memory.

Read Parquet, split, encode, ALS with 64 factors and 10 iterations, ten films for every user, and
metrics; each run in a process of its own, on simulated users in the shapes of MovieLens' releases.
Starting the process, its imports and Spark's session is a step of its own.
`python benchmarks/run.py scale` prints two small sizes. What lesson 12 draws is recorded, once in
a while and on a quiet machine, by

    python benchmarks/scale.py --record 100k 1M 10M 20M 32M --folder big --ways machine
    python benchmarks/scale.py --record 100k 1M 10M --folder big --ways spark
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, time
from typing import Any

import pandas as pd

from course_cloud.scaling import RECORD, STEPS
from course_utils import interactions, splits
from course_utils.evaluation import evaluate
from course_utils.models import ALS, Popularity

ROOT = Path(__file__).resolve().parent.parent
SHAPES = {  # users, films, ratings
    "100k": (943, 1_682, 100_000),
    "1M": (6_040, 3_706, 1_000_209),
    "10M": (69_878, 10_681, 10_000_054),
    "20M": (138_493, 27_278, 20_000_263),
    "32M": (200_948, 87_585, 32_000_204),
}
ITERATIONS, K = 10, 10  # the other settings are the defaults, which are the course's
TESTED, KEPT = 5, 5  # positives of each user that are held out, and that stay at least
HEAP = "8g"  # of Spark's Java process
SECONDS_BETWEEN_LOOKS = 0.2
Laps = dict[str, float]
Recalls = dict[str, float]


def run() -> None:
    """Print the table of two small sizes, on one machine and on Spark."""
    from course_cloud.spark import why_not

    reason = why_not()
    ways = ["machine"] if reason else ["machine", "spark"]
    with tempfile.TemporaryDirectory() as folder:
        runs = [measure(way, size, Path(folder)) for size in ("100k", "1M") for way in ways]
    print_runs(runs)
    if reason:
        print(f"\nWithout Spark: {reason}")


def measure(way: str, size: str, folder: Path) -> dict[str, Any]:
    """Make the data of one size where it is missing, and return what one run of it takes."""
    users, items, ratings = SHAPES[size]
    data = folder / size
    if not (data / "ratings.parquet").is_file():
        shape = ["--users", str(users), "--items", str(items), "--ratings", str(ratings)]
        maker = [sys.executable, "-m", "tools.sample.make", *shape]
        subprocess.run([*maker, "--format", "parquet", "--out", str(data)], check=True)
    command = [sys.executable, __file__, "--one", way, str(data / "ratings.parquet")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {"way": WAYS[way][0], "size": size, "users": users, "items": items} | found


def on_one_machine(path: str, laps: Laps) -> tuple[int, Recalls]:
    """Do it with the course's own package; return the number of ratings and recall@10."""
    with lap(laps, "read"):
        ratings = pd.read_parquet(path)
    n = len(ratings)
    with lap(laps, "split"):
        positives = interactions.to_implicit(ratings)
        del ratings
        split = splits.leave_last_out(positives, n_test=TESTED, min_train=KEPT)
        del positives
    with lap(laps, "encode"):
        train = interactions.encode(split.train)
        test = interactions.encode(split.test, users=train.users, items=train.items)
        del split
    with lap(laps, "fit"):
        model = ALS(iterations=ITERATIONS).fit(train.matrix)
    with lap(laps, "recommend"):
        lists, _ = model.recommend(range(len(train.users)), train.matrix, N=K)
    with lap(laps, "evaluate"):
        found = evaluate(lists, train.matrix, test.matrix, k=K, progress=False).summary
    popular = Popularity().fit(train.matrix)
    base = evaluate(popular, train.matrix, test.matrix, k=K, progress=False).summary
    return n, {"recall@10": found["recall@10"], "popularity": base["recall@10"]}


def on_spark(path: str, laps: Laps) -> tuple[int, Recalls]:
    """Do it with Spark, whose `evaluate` encodes; each lazy table is computed in its own step."""
    from course_cloud import spark as course

    with lap(laps, "start"):
        spark = course.session("local[2]", memory=HEAP)
    with lap(laps, "read"):
        ratings = course.read_ratings(spark, path).cache()
        n = ratings.count()
    with lap(laps, "split"):
        positives = course.to_implicit(ratings)
        parts = course.leave_last_out(positives, n_test=TESTED, min_train=KEPT)
        train, test = parts.train.cache(), parts.test.cache()
        train.count(), test.count()
    with lap(laps, "fit"):
        model = course.fit_als(train, iterations=ITERATIONS)
    with lap(laps, "recommend"):
        lists = course.recommend(model, train, K).cache()
        lists.count()
    with lap(laps, "evaluate"):
        summary = course.evaluate(lists, train, test, K)
    return n, {"recall@10": summary["recall@10"]}


Way = Callable[[str, Laps], tuple[int, Recalls]]
WAYS: dict[str, tuple[str, Way]] = {
    "machine": ("one machine", on_one_machine),
    "spark": ("Spark, local[2]", on_spark),
}


def one(way: str, path: str) -> None:
    """Measure this very process, and print what it took as a line of JSON."""
    psutil = import_module("psutil")
    import_module("implicit.cpu.als")  # so that no step pays for loading it
    me = psutil.Process()
    all_before, own_before = _core_seconds(psutil.cpu_times()), _core_seconds(me.cpu_times())
    begun = time()
    laps: Laps = dict.fromkeys(STEPS, 0.0)
    laps["start"] = begun - me.create_time()  # Python, and the imports above
    with peak_of_memory() as peak:
        ratings, recalls = WAYS[way][1](path, laps)
        own = sum(_core_seconds(it.cpu_times()) for it in [me, *me.children(recursive=True)])
    others = _core_seconds(psutil.cpu_times()) - all_before - (own - own_before)
    found = {
        "ratings": ratings,
        "seconds": {name: round(value, 2) for name, value in laps.items()},
        "core_seconds": round(own, 2),
        "others": round(max(0.0, others) / (time() - begun), 2),
        "peak_gb": round(peak[0] / 1e9, 2),
    }
    print(json.dumps(found | {name: round(float(value), 4) for name, value in recalls.items()}))


def _core_seconds(times: Any) -> float:
    """Return the seconds of work in a count of the system's, of a process or of all."""
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system")))


@contextmanager
def lap(laps: Laps, name: str) -> Iterator[None]:
    """Add the seconds of the block to `laps`."""
    start = perf_counter()
    yield
    laps[name] += perf_counter() - start


@contextmanager
def peak_of_memory() -> Iterator[list[float]]:
    """Yield a list whose first entry becomes the most bytes that this process and its children had.

    Its own peak is the system's count. Children, Spark's Java and its workers, are looked at five
    times a second.
    """
    import resource

    psutil = import_module("psutil")
    me, done, peak = psutil.Process(), threading.Event(), [0.0]

    def look() -> None:
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            held = me.memory_info().rss
            for child in me.children(recursive=True):
                try:
                    held += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], held)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
        peak[0] = max(peak[0], own)


def print_runs(runs: list[dict[str, Any]]) -> None:
    """Print a table: seconds of each step, and the peak of memory."""
    print("\nThe whole pipeline, ALS with 64 factors and 10 iterations; seconds.\n")
    print(f"| ratings | way | {' | '.join(STEPS)} | all | peak GB |")
    print(f"|---:|---|{'---:|' * (len(STEPS) + 2)}")
    for it in runs:
        seconds = [it["seconds"][step] for step in STEPS]
        shown = " | ".join(f"{value:,.1f}" for value in [*seconds, sum(seconds)])
        print(f"| {it['ratings']:,} | {it['way']} | {shown} | {it['peak_gb']:.1f} |")


def record(sizes: list[str], ways: list[str], folder: Path) -> None:
    """Measure, and write into the record that lesson 12 reads; other runs in it stay."""
    old = json.loads(RECORD.read_text(encoding="utf-8"))["runs"] if RECORD.is_file() else []
    runs = {(run["way"], run["size"]): run for run in old}
    for way in ways:
        for size in sizes:
            found = measure(way, size, folder)
            runs[found["way"], size] = found
            print_runs([found])
            _write(list(runs.values()))


def _write(runs: list[dict[str, Any]]) -> None:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    content = {
        "made": date.today().isoformat(),
        "machine": {"cores": os.cpu_count(), "memory_gb": round(memory, 1)},
        "versions": {name: version(name) for name in ("numpy", "pandas", "implicit", "pyspark")},
        "runs": sorted(runs, key=lambda run: (run["way"], run["ratings"])),
    }
    RECORD.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", nargs="+", choices=SHAPES, default=[], metavar="SIZE")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--folder", type=Path, help="where the data is, or is to be made")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(*options.one)
    elif options.record:
        record(options.record, options.ways, options.folder or Path(tempfile.mkdtemp()))
    else:
        run()
