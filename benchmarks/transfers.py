"""2,000 small files to a bucket and back, 20 ms away: a loop, the AWS CLI and `upload_dir`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from timing import best_of, print_table

from course_cloud.storage import download_dir, upload_dir

N_FILES, LATENCY = 2_000, 0.020
SERVER = Path(__file__).with_name("s3_distant.py")
# Visibly made up: the server looks at no signature.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "not-a-real-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}


@contextmanager
def distant_server(latency: float) -> Iterator[str]:
    """Run the server in memory as a process of its own and give its address."""
    command = [sys.executable, str(SERVER), str(latency), "bench"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdin is not None
        assert it.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(it.stdout.readline())}"
        finally:
            it.stdin.close()


def write_files(folder: Path) -> None:
    """Write files of 500 bytes to 20 kB, forty to a folder, as one might cut a table by user."""
    rng = np.random.default_rng(0)
    for n, size in enumerate(rng.integers(500, 20_000, N_FILES).tolist()):
        path = folder / f"part {n // 40:02}" / f"user_{n:04}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.bytes(size))


def loop_up(client: Any, folder: Path, prefix: str) -> None:
    """Upload file by file."""
    for path in sorted(folder.rglob("*.csv")):
        key = f"{prefix}/{path.relative_to(folder).as_posix()}"
        client.put_object(Bucket="bench", Key=key, Body=path.read_bytes())


def loop_down(client: Any, prefix: str, folder: Path) -> None:
    """Download object by object."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="bench", Prefix=f"{prefix}/")
    for page in pages:
        for found in page["Contents"]:
            path = folder / found["Key"].removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            answer = client.get_object(Bucket="bench", Key=found["Key"])
            path.write_bytes(answer["Body"].read())


def cli(endpoint: str, source: str, target: str) -> None:
    """Copy with the AWS CLI."""
    command = ["aws", "s3", "cp", "--recursive", "--quiet", "--endpoint-url", endpoint]
    program = Path(sys.executable).with_name("aws")
    command[0] = str(program) if program.exists() else "aws"
    subprocess.run([*command, source, target], check=True, env={**os.environ, **CREDENTIALS})


def run() -> None:
    """Print a table for each direction."""
    from course_cloud.storage.servers import make_client  # boto3 is loaded here

    with tempfile.TemporaryDirectory() as temporary, distant_server(LATENCY) as endpoint:
        import boto3

        session = boto3.session.Session(
            CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
        )
        client = make_client(session, endpoint_url=endpoint)
        home = Path(temporary)
        files = home / "files"
        write_files(files)
        fresh = _names("run")

        up = {
            "boto3, one after the other": best_of(1, lambda: loop_up(client, files, next(fresh))),
            "aws s3 cp --recursive": best_of(
                3, lambda: cli(endpoint, str(files), f"s3://bench/{next(fresh)}")
            ),
            "upload_dir": best_of(
                3,
                lambda: upload_dir(
                    files, f"s3://bench/{next(fresh)}", client=client, progress=False
                ),
            ),
        }
        upload_dir(files, "s3://bench/all", client=client, progress=False)
        up["upload_dir, all there already"] = best_of(
            3, lambda: upload_dir(files, "s3://bench/all", client=client, progress=False)
        )
        down = {
            "boto3, one after the other": best_of(
                1, lambda: loop_down(client, "all", home / next(fresh))
            ),
            "aws s3 cp --recursive": _best_into_fresh(
                home, fresh, lambda to: cli(endpoint, "s3://bench/all", str(to))
            ),
            "download_dir": _best_into_fresh(
                home,
                fresh,
                lambda to: download_dir("s3://bench/all", to, client=client, progress=False),
            ),
        }
        back = home / "back"
        download_dir("s3://bench/all", back, client=client, progress=False)
        _refuse_difference(files, back)
        down["download_dir, all there already"] = best_of(
            3, lambda: download_dir("s3://bench/all", back, client=client, progress=False)
        )
    where = f"a server in memory, a process of its own, that answers {LATENCY * 1000:.0f} ms late"
    print_table(
        f"{N_FILES:,} files of 500 bytes to 20 kB uploaded to {where}.\nboto3 and the CLI ask with "
        "Expect: 100-continue before each body, which is a second trip; upload_dir does not.",
        up,
        baseline="boto3, one after the other",
    )
    print_table(
        f"The same {N_FILES:,} files downloaded from it. Every way but boto3's verifies them.",
        down,
        baseline="boto3, one after the other",
    )


def _names(stem: str) -> Iterator[str]:
    n = 0
    while True:
        n += 1
        yield f"{stem}{n}"


def _best_into_fresh(home: Path, fresh: Iterator[str], bring: Callable[[Path], object]) -> float:
    """Return the seconds of the fastest of three downloads, each into a new folder."""
    times = []
    for _ in range(3):
        to = home / next(fresh)
        start = perf_counter()
        bring(to)
        times.append(perf_counter() - start)
        shutil.rmtree(to)
    return min(times)


def _refuse_difference(one: Path, other: Path) -> None:
    """Make sure that what was timed did the work."""
    for path in one.rglob("*.csv"):
        assert (other / path.relative_to(one)).read_bytes() == path.read_bytes(), path
