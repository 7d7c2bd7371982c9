"""Ratings in the shape of ML-1M from the local S3 server into pandas: milliseconds and bytes."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from loading import N_ITEMS, N_RATINGS, N_USERS
from timing import best_of

from course_cloud.storage import read_table, write_table
from course_cloud.storage.servers import ACCESS_KEY, REGION, SECRET, make_client

ROUNDS = 9
SERVER = (
    "from course_cloud.storage import local_s3; print(local_s3().endpoint, flush=True); input()"
)
BASELINE = "pd.read_csv of the body"


@contextmanager
def local_server() -> Iterator[Any]:
    """Run the local server in a process of its own, as a real one is; give a client of it."""
    import boto3

    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdin is not None
        assert it.stdout is not None
        try:
            endpoint = it.stdout.readline().split()[-1]
            session = boto3.session.Session(ACCESS_KEY, SECRET, region_name=REGION)
            yield make_client(session, endpoint_url=endpoint)
        finally:
            it.stdin.write("\n")
            it.stdin.close()


def made_up_ratings() -> pd.DataFrame:
    """Return ratings of ml-1m's shape, by user; each user rates within an hour, as most do."""
    rng = np.random.default_rng(0)
    user = np.sort(rng.integers(1, N_USERS + 1, N_RATINGS))
    begin = rng.integers(956_703_932, 1_046_454_590, N_USERS + 1)
    return pd.DataFrame(
        {
            "user_id": user.astype(np.int32),
            "movie_id": rng.integers(1, N_ITEMS + 1, N_RATINGS).astype(np.int32),
            "rating": rng.integers(1, 6, N_RATINGS).astype(np.float32),
            "timestamp": begin[user] + rng.integers(0, 3600, N_RATINGS),
        }
    )


def run() -> None:
    """Print the table."""
    with local_server() as client:
        client.create_bucket(Bucket="bench")
        table = made_up_ratings()
        csv, parquet = "s3://bench/ratings.csv", "s3://bench/ratings.parquet"
        for address in (csv, parquet):
            write_table(table, address, client=client)
        moved: list[int] = []
        client.meta.events.register(
            "after-call.s3.GetObject", lambda parsed, **_: moved.append(parsed["ContentLength"])
        )

        def body(key: str) -> Any:
            return client.get_object(Bucket="bench", Key=key)["Body"]

        def whole(key: str) -> io.BytesIO:
            return io.BytesIO(body(key).read())

        one = ["rating"]
        ways: dict[str, Callable[[], pd.DataFrame]] = {
            BASELINE: lambda: pd.read_csv(body("ratings.csv")),
            "pd.read_csv, rating alone": lambda: pd.read_csv(body("ratings.csv"), usecols=one),
            "read_table, csv": lambda: read_table(csv, client=client),
            "read_table, csv, rating alone": lambda: read_table(csv, one, client=client),
            "pd.read_parquet of the body": lambda: pd.read_parquet(whole("ratings.parquet")),
            "pd.read_parquet, rating alone": lambda: pd.read_parquet(
                whole("ratings.parquet"), columns=one
            ),
            "read_table, Parquet": lambda: read_table(parquet, client=client),
            "read_table, Parquet, rating alone": lambda: read_table(parquet, one, client=client),
        }
        _agree(ways)
        sizes = {}
        for way, call in ways.items():
            moved.clear()
            call()
            sizes[way] = sum(moved)
        # In turns, so that a neighbor who takes the machine for a while slows them all.
        rounds = [{way: best_of(1, call) for way, call in ways.items()} for _ in range(ROUNDS)]
    seconds = {way: min(times[way] for times in rounds) for way in ways}
    print(f"\n{N_RATINGS:,} ratings from the local S3 server into pandas; MB moved for one read.\n")
    print(f"| way | ms | × {BASELINE} | MB |\n|---|---:|---:|---:|")
    for way, time in seconds.items():
        faster = seconds[BASELINE] / time
        print(f"| {way} | {time * 1000:,.0f} | {faster:.1f} | {sizes[way] / 1e6:.2f} |")


def _agree(ways: dict[str, Callable[[], pd.DataFrame]]) -> None:
    """Check that all ways read the same numbers."""
    expected = ways[BASELINE]()
    for way, call in ways.items():
        table = call()
        for column in table.columns:
            assert (table[column].to_numpy() == expected[column].to_numpy()).all(), way


if __name__ == "__main__":
    run()
