"""The service under load on loopback, at the shape of ML-1M, beside a FastAPI app that says hello.

Requests ask for ten films for a user drawn at random. wrk asks, where it is installed (Debian's
package `wrk`); otherwise a client in Python, which takes more of the machine away from what it
measures.
"""

from __future__ import annotations

import re
import shutil
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

import numpy as np
import pandas as pd
from evaluation import made_up_split
from load_client import load

from course_cloud import artifacts
from course_cloud.storage import local_s3
from course_utils.interactions import Interactions
from course_utils.models import ALS

N_USERS, N_ITEMS, N_RATINGS = 6_040, 3_706, 1_000_209
CONNECTIONS = (1, 8, 64)
SECONDS = 8
N_REQUESTS = 100_000
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
USERS_IN_LUA = """
request = function()
  return wrk.format("GET", "/recommend/" .. math.random(0, {last}) .. "?n=10")
end
"""


class Load(NamedTuple):
    """What a load generator saw; times in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    failed: int


def run() -> None:
    """Print requests per second, memory, and failures during reloads."""
    print(f"\nTen films of {N_ITEMS:,} for a user, asked by {'wrk' if _wrk() else 'Python'}.\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "als"
        parts = _made_up()
        artifacts.save(folder, **parts)
        ours = [sys.executable, "-m", "course_cloud.serving", str(folder), "--quiet", "--port"]
        print("| app | connections | requests/s | p50, ms | p99, ms |\n|---|---:|---:|---:|---:|")
        with _served([sys.executable, "-c", HELLO]) as (url, _):
            _print_rows("hello", url)
        with _served(ours) as (url, process):
            _print_rows("course_cloud.serving", url)
        _print_shadow(folder, parts)
        with _served(ours) as (url, process):
            _print_memory(url, process)
            _print_reloads(url, folder, parts)


def _print_rows(app: str, url: str) -> None:
    for connections in CONNECTIONS:
        seen = _ask(url, connections, SECONDS)
        print(
            f"| {app} | {connections} | {seen.per_second:,.0f} | {seen.p50:.1f} | {seen.p99:.1f} |",
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
        request = urllib.request.Request(f"{url}/reload", method="POST")
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
    process = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=20)


def _ask(url: str, connections: int, seconds: float) -> Load:
    if not _wrk():
        times, failed, took = load(f"{url}/recommend/", N_USERS, connections, seconds)
        p50, p99 = np.percentile(times, [50, 99]) * 1000
        return Load(len(times), len(times) / took, float(p50), float(p99), failed)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(USERS_IN_LUA.format(last=N_USERS - 1))
        script.flush()
        options = f"-t1 -c{connections} -d{seconds:.0f}s --latency --timeout 10s -s".split()
        command = ["wrk", *options, script.name, url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return _of_wrk(said)


def _of_wrk(said: str) -> Load:
    """Read what wrk prints, such as ``99%   12.64ms`` and ``Non-2xx or 3xx responses: 7``."""
    in_ms = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}

    def latency(share: str) -> float:
        number, unit = _found(rf"{share}%\s+([\d.]+)(us|ms|s|m)\b", said)
        return float(number) * in_ms[unit]

    (n,), (rate,) = _found(r"(\d+) requests in", said), _found(r"Requests/sec:\s+([\d.]+)", said)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = sum(int(number) for found in (bad, lost) if found for number in found.groups())
    return Load(int(n), float(rate), latency("50"), latency("99"), failed)


def _found(pattern: str, said: str) -> tuple[str, ...]:
    found = re.search(pattern, said)
    if found is None:
        raise RuntimeError(f"wrk printed nothing like {pattern!r}:\n{said}")
    return found.groups()


def _wrk() -> str | None:
    return shutil.which("wrk")


if __name__ == "__main__":
    run()
