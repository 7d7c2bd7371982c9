"""Kill saves and uploads in their middle: ``save FOLDER`` or ``publish FOLDER s3://bucket/prefix``.

A process of its own, with one thread of Python, forks a child for each kill: that takes
milliseconds, where a new Python would take seconds. It prints a line for each kill, with what
loads afterwards, and ends with an error where that is damaged, or mixed of two versions.
"""

import itertools
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import artifact_cases as cases
from tqdm import tqdm

from course_cloud import artifacts
from course_cloud.storage import connect
from course_utils.models import Random

OLD, NEW = 1, 2
AT_RANDOM = 20  # moments
NAMES = {OLD: "old", NEW: "new"}


def save(folder: Path, version: int) -> None:
    """Save a version whose every part says which it is."""
    model = Random(seed=version).fit(cases.interactions().matrix)
    films = cases.movies().assign(genres=NAMES[version])
    cases.save(folder, model, metric=version, movies=films, dataset=NAMES[version])


def version(folder: Path) -> str:
    """Say which version a folder holds."""
    saved = artifacts.load(folder)
    of_parts = {
        saved.manifest.dataset,
        NAMES[saved.model.seed],
        NAMES[int(saved.metrics["ndcg@10"])],
        *saved.movies["genres"],
    }
    (found,) = of_parts
    return found


def killed(work: Callable[[], object], after: float | None = None) -> bool:
    """Do the work in a child, killed after some seconds if told; say whether it was killed."""
    child = os.fork()
    if not child:
        signal.alarm(60)  # a child that hangs ends all
        work()
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status != 0


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long the work takes in a child."""
    start = time.perf_counter()
    assert not killed(work)
    return time.perf_counter() - start


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_operation(n: int, folder: Path) -> None:
    """Have this process killed before its n-th operation on files beside or in a folder."""
    left = itertools.count(n, -1)

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        changes = event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
        opens = event == "open" and folder.name in str(arguments[0])
        if (changes or opens) and next(left) == 0:
            die()

    sys.addaudithook(count)


def kill_saves(folder: Path) -> None:
    """Kill a save that replaces a folder, and one that makes it: at each operation, at random."""

    def new_version(folder: Path, n: int) -> None:
        die_at_operation(n, folder)
        save(folder, NEW)

    for n in itertools.count():
        save(folder, OLD)
        assert os.listdir(folder.parent) == [folder.name]  # what a killed one left is gone
        if not killed(lambda n=n: new_version(folder, n)):
            break
        print("replace", version(folder))
    long = seconds_of(lambda: save(folder, NEW))
    for _ in range(AT_RANDOM):
        save(folder, OLD)
        killed(lambda: save(folder, NEW), after=random.uniform(0, 1.2 * long))
        print("random", version(folder))
    first = folder.with_name("first")
    for n in itertools.count():
        if not killed(lambda n=n: new_version(first, n)):
            break
        print("make", version(first) if first.exists() else "nothing")
        shutil.rmtree(first, ignore_errors=True)


def kill_uploads(folder: Path, address: str) -> None:
    """Kill uploads before each of their requests, and at random moments."""
    save(folder, OLD)
    client, theirs = connect(), connect()  # one for the children, who must not share connections
    old = artifacts.publish(folder, address, client=client)

    def publish(n: int | None = None) -> None:
        left = itertools.count(-1 if n is None else n, -1)

        def count(**_: Any) -> None:  # what it returns would stand for the answer
            if next(left) == 0:
                die()

        theirs.meta.events.register("before-send.s3", count)
        run = artifacts.publish(folder, address, client=theirs)
        artifacts.point(address, run, client=theirs)

    def look(how: str) -> None:
        print(how, version(artifacts.fetch(address, folder.parent / "fetched", client=client)))
        artifacts.point(address, old, client=client)
        save(folder, NEW)  # another run

    save(folder, NEW)
    for n in itertools.count():
        if not killed(lambda n=n: publish(n)):
            break
        look("request")
    long = seconds_of(publish)
    artifacts.point(address, old, client=client)
    for _ in range(AT_RANDOM):
        killed(publish, after=random.uniform(0, 1.2 * long))
        look("random")
    for run in artifacts.runs(address, client=client):
        folder = artifacts.fetch(address, folder.parent / "all", run, client=client)
        assert version(folder) == ("old" if run == old else "new")


def keep_to_one_thread() -> None:
    """Have progress bars start no thread, and share no lock with a child, which may die with it."""
    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())


if __name__ == "__main__":
    keep_to_one_thread()
    what, folder, *rest = sys.argv[1:]
    {"save": kill_saves, "publish": kill_uploads}[what](Path(folder), *rest)
