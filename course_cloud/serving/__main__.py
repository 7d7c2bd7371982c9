"""Serve an artifact: ``python -m course_cloud.serving ADDRESS --port 8000``."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from course_cloud.serving import create_app
from course_utils.errors import ArtifactError, CourseError

if TYPE_CHECKING:
    from course_utils.interactions import Interactions

DESCRIPTION = """\
Serve a saved model on 127.0.0.1, with a page to try it. Without an address, ALS is fitted to the
dataset in use (COURSE_DATASET) and saved in the user's cache, unless that was done before.
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until the process is stopped; return 1 when there is nothing to serve."""
    parser = argparse.ArgumentParser("python -m course_cloud.serving", description=DESCRIPTION)
    parser.add_argument("address", nargs="?", help="a folder, or s3://bucket/prefix")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 serves every network")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--quiet", action="store_true", help="log no requests")
    options = parser.parse_args(arguments)
    try:
        app = create_app(options.address or _own_artifact())
        import uvicorn
    except (CourseError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    _log(quiet=options.quiet)
    _hold_the_blas()
    gc.collect()
    gc.freeze()  # the artifact stays loaded; the collector need not look at it
    print(f"The page to try it: http://{options.host}:{options.port}/", flush=True)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        loop="asyncio",  # uvloop: p99 at 64 connections was seconds instead of 0.1 s
        log_level="warning",  # the guard logs requests
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    return 0


def _own_artifact() -> Path:
    from course_cloud import artifacts
    from course_utils.datasets import load_movielens, requested_name
    from course_utils.datasets.releases import user_cache
    from course_utils.interactions import encode, to_implicit
    from course_utils.models import ALS

    name = requested_name()
    folder = user_cache() / "artifacts" / f"als-{name}"
    try:
        kept = artifacts.load(folder).train
    except ArtifactError:  # there is none, or another version of the course saved it
        kept = None
    if kept is not None and name != "sample":
        return folder
    ml = load_movielens()
    train = encode(to_implicit(ml.ratings))
    if kept is None or not _alike(kept, train):  # the sample may have changed with the course
        print(f"Fitting ALS, to be kept in {folder}", flush=True)
        model = ALS().fit(train.matrix)
        artifacts.save(
            folder, model=model, train=train, movies=ml.movies, dataset=ml.name, split="none"
        )
    return folder


def _alike(one: Interactions, other: Interactions) -> bool:
    if [*one.users] != [*other.users] or [*one.items] != [*other.items]:
        return False
    return bool((one.matrix != other.matrix).nnz == 0)


def _log(quiet: bool) -> None:
    """Log each request as a line of JSON to standard output, as containers expect."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("course_cloud.serving")
    log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.INFO)


def _hold_the_blas() -> None:
    """Limit the BLAS to one thread: single answers are small, and several are computed at once."""
    import implicit.cpu.als  # noqa: F401 - loads SciPy's BLAS, which the limit must find
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


if __name__ == "__main__":
    sys.exit(main())
