"""The service under load on loopback, at the shape of ML-1M, beside a FastAPI app that says hello.

Requests ask for ten films for a user drawn at random. The client is in Python, in this process,
and takes a part of the machine away from what it measures.
"""

from __future__ import annotations

import http.client
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from evaluation import made_up_split
from sklearn.ensemble import HistGradientBoostingClassifier

from course_cloud import artifacts
from course_cloud.reranking import Reranker, tree_arrays
from course_cloud.storage import local_s3
from course_utils.interactions import Interactions
from course_utils.models import ALS, EASE, ItemKNN

N_USERS, N_ITEMS, N_RATINGS = 6_040, 3_706, 1_000_209
CONNECTIONS = (1, 8, 64)
SECONDS = 8
N_REQUESTS = 100_000
TOKEN = "made-up-token"
HELLO = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/recommend/{user}")
async def hello(user: int) -> dict[str, str]:
    return {"hello": "world"}
@app.get("/health")
async def health() -> dict[str, str]:
    return {}
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


class Load(NamedTuple):
    """What a load generator saw; times in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    failed: int


def run() -> None:
    """Print requests per second, memory, and failures during reloads."""
    print(f"\nTen films of {N_ITEMS:,} for a user, asked by Python.\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "als"
        parts = _made_up()
        artifacts.save(folder, **parts)
        ours = [sys.executable, "-m", "course_cloud.serving", str(folder), "--quiet", "--port"]
        print("| app | connections | requests/s | p50, ms | p95, ms | p99, ms |")
        print("|---|---:|---:|---:|---:|---:|")
        with _served([sys.executable, "-c", HELLO]) as (url, _):
            _print_rows("hello", url)
        with _served(ours) as (url, process):
            _print_rows("course_cloud.serving", url)
        _print_shadow(folder, parts)
        _print_reranker(parts)
        with _served(ours) as (url, process):
            _print_memory(url, process)
            _print_reloads(url, folder, parts)


def _print_rows(app: str, url: str) -> None:
    for connections in CONNECTIONS:
        seen = _ask(url, connections, SECONDS)
        print(
            f"| {app} | {connections} | {seen.per_second:,.0f} | {seen.p50:.1f} | {seen.p95:.1f} "
            f"| {seen.p99:.1f} |",
            flush=True,
        )


def _print_shadow(folder: Path, parts: dict[str, Any]) -> None:
    with local_s3() as server:
        client = server.client()
        client.create_bucket(Bucket="bench")
        runs = []
        for _ in range(2):
            artifacts.save(folder, **parts)
            runs.append(artifacts.publish(folder, "s3://bench/als", client=client))
        shadow = ["--canary", runs[1], "--share", "1", "--shadow", "--quiet", "--port"]
        command = [sys.executable, "-m", "course_cloud.serving", "s3://bench/als", *shadow]
        with _served(command) as (url, _):
            _print_rows("the same, with a shadow for all", url)


def _print_reranker(parts: dict[str, Any]) -> None:
    """Serve ALS, EASE and item-kNN with 30 trees on top, which nobody taught anything."""
    matrix = parts["train"].matrix
    models, rng = [parts["model"], EASE(), ItemKNN()], np.random.default_rng(0)
    reranker = Reranker(models, followed=matrix).fit(matrix)
    _, values = reranker.features(np.arange(200), matrix[:200])
    flat = values.reshape(-1, values.shape[-1])
    trees = HistGradientBoostingClassifier(max_iter=30, max_depth=3, early_stopping=False)
    trees.fit(flat, rng.random(len(flat)) < 0.1)
    reranker = Reranker(models, tree_arrays(trees), matrix).fit(matrix)
    with tempfile.TemporaryDirectory() as name:
        artifacts.save(Path(name) / "model", **parts | {"model": reranker})
        place = str(Path(name) / "model")
        command = [sys.executable, "-m", "course_cloud.serving", place, "--quiet", "--port"]
        with _served(command) as (url, _):
            _print_rows("the same, with a re-ranker of 100 candidates", url)


def _print_memory(url: str, process: subprocess.Popen[bytes]) -> None:
    this = import_module("psutil").Process(process.pid)

    def mb() -> float:
        return float(this.memory_info().rss / 1e6)

    before, n_done, failed = mb(), 0, 0
    while n_done < N_REQUESTS:
        seen = _ask(url, 8, SECONDS)
        n_done, failed = n_done + seen.requests, failed + seen.failed
    print(f"\nMemory before and after {n_done:,} requests: {before:.1f} and {mb():.1f} MB.")
    print(f"{failed} of them failed.")


def _print_reloads(url: str, folder: Path, parts: dict[str, Any]) -> None:
    seen: list[Load] = []
    asking = threading.Thread(target=lambda: seen.append(_ask(url, 8, 3 * SECONDS)))
    asking.start()
    n_reloads, end = 0, time.monotonic() + 3 * SECONDS - 2
    while time.monotonic() < end:
        n_reloads += 1
        artifacts.save(folder, **parts)
        sent = {"Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(f"{url}/reload", headers=sent, method="POST")
        urllib.request.urlopen(request, timeout=60).close()  # raises for an answer that is not 200
    asking.join()
    (load_,) = seen
    print(
        f"\nDuring {n_reloads} reloads, {load_.failed} of {load_.requests:,} requests failed; "
        f"p50 {load_.p50:.1f} ms, p99 {load_.p99:.1f} ms."
    )


def _made_up() -> dict[str, Any]:
    """Return what `artifacts.save` takes, of ML-1M's shape; nobody fitted the model for long."""
    matrix, _ = made_up_split(N_USERS, N_ITEMS, N_RATINGS, hidden=0.0)
    users, items = (np.arange(n, dtype=np.int32) for n in matrix.shape)
    movies = pd.DataFrame({"movie_id": items, "title": [f"Film {n} (1999)" for n in items]})
    return {
        "model": ALS(factors=64, iterations=1).fit(matrix),
        "train": Interactions(matrix, users, items),
        "movies": movies.assign(genres="Drama", year=1999),
    }


@contextmanager
def _served(command: list[str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run an app on a free port, yield its address and process, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, str(port)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"COURSE_RELOAD_TOKEN": TOKEN},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError("The app did not start within a minute.")
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=20)


def _ask(url: str, connections: int, seconds: float) -> Load:
    """Ask for random users on several connections, each again as soon as answered."""
    place, times, failures = urlsplit(f"{url}/recommend/"), list[float](), list[int]()
    end = time.perf_counter() + seconds

    def ask() -> None:
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
        while (start := time.perf_counter()) < end:
            try:
                connection.request("GET", f"{place.path}{random.randrange(N_USERS)}?n=10")
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                failures.append(0)
                connection.close()
                continue
            if answer.status != 200:
                failures.append(answer.status)
            times.append(time.perf_counter() - start)
        connection.close()

    start = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    p50, p95, p99 = (np.percentile(times, [50, 95, 99]) * 1000).tolist()
    return Load(len(times), len(times) / took, p50, p95, p99, len(failures))


if __name__ == "__main__":
    run()
