"""Serve an artifact: ``python -m course_cloud.serving ADDRESS --port 8000``."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path

from course_cloud.serving import create_app
from course_utils.errors import CourseError

DESCRIPTION = """\
Serve a saved model on 127.0.0.1, with a page to try it. Without an address, ALS is fitted to the
dataset in use (COURSE_DATASET) and saved in the user's cache.
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until the process is stopped; return 1 when there is nothing to serve."""
    parser = argparse.ArgumentParser("python -m course_cloud.serving", description=DESCRIPTION)
    parser.add_argument("address", nargs="?", help="a folder, or s3://bucket/prefix")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 serves every network")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--quiet", action="store_true", help="log no requests")
    parser.add_argument("--canary", metavar="RUN", help="another run, tried on a share of users")
    parser.add_argument("--share", type=float, default=0.1, help="their share, 0.1 by default")
    parser.add_argument("--shadow", action="store_true", help="compare its answers, send none")
    options = parser.parse_args(arguments)
    trial = {"canary": options.canary, "share": options.share, "shadow": options.shadow}
    try:
        app = create_app(options.address or _own_artifact(), **trial)
        import uvicorn

        from course_cloud.serving.connections import Connection
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
        http=Connection,
        ws="none",
        loop="asyncio",  # uvloop: p99 at 64 connections was seconds instead of 0.1 s
        log_level="warning",  # the guard logs requests
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    return 0


def _own_artifact() -> Path:
    from course_cloud import artifacts
    from course_utils.datasets import load_movielens
    from course_utils.datasets.releases import user_cache
    from course_utils.interactions import encode, to_implicit
    from course_utils.models import ALS

    ml = load_movielens()
    folder = user_cache() / "artifacts" / f"als-{ml.name}"
    print(f"Fitting ALS, to be kept in {folder}", flush=True)
    train = encode(to_implicit(ml.ratings))
    model = ALS().fit(train.matrix)
    artifacts.save(
        folder, model=model, train=train, movies=ml.movies, dataset=ml.name, split="none"
    )
    return folder


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
