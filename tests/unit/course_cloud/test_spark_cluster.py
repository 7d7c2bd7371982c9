"""A standalone master with two workers on loopback: an executor killed in a fit costs no job.

It takes minutes and two gigabytes, so it runs only when it is asked for:

    COURSE_SPARK_CLUSTER=1 python -m pytest -q -s tests/unit/course_cloud/test_spark_cluster.py
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course_cloud.spark import why_not
from course_utils.datasets import load_movielens

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("COURSE_SPARK_CLUSTER") != "1", reason="COURSE_SPARK_CLUSTER is not 1"
    ),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]
SECONDS = 300
STAGE = 60  # of some hundred: ALS starts several for each turn
JOB = [sys.executable, "-m", "course_cloud.spark"]
SETTINGS = ["--factors", "16", "--iterations", "10", "--blocks", "2", "--memory", "1g"]


def wait_for(found, what, seconds=SECONDS):
    """Return what `found` returns once it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def in_log(log, pattern):
    return lambda: re.search(pattern, log.read_text())


def executors(workers):
    """Return the Java processes that the workers have started, by process id."""
    found = {}
    for worker in workers:
        for child in psutil.Process(worker.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "CoarseGrainedExecutorBackend" in " ".join(child.cmdline()):
                    found[child.pid] = child
    return found


def latest_stage(work):
    """Return the highest stage that an executor has worked on."""
    logs = "".join(path.read_text() for path in work.rglob("stderr"))
    return max(map(int, re.findall(r"Running task \S+ in stage (\d+)", logs)), default=0)


@pytest.fixture
def cluster(tmp_path):
    """Start a master and two workers of one core each; yield the master's address and workers."""
    import pyspark

    program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    environment = os.environ | {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(tmp_path / "work"),
    }
    started = []

    def start(name, *arguments):
        log = tmp_path / f"{name}.log"
        kind = "master.Master" if name == "master" else "worker.Worker"
        with log.open("w") as file:
            started.append(
                subprocess.Popen(
                    [program, f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1",
                     "--port", "0", "--webui-port", "0", *arguments],
                    stdout=file, stderr=file, env=environment,
                )
            )  # fmt: skip
        return log

    try:
        log = start("master")
        address = wait_for(in_log(log, r"spark://127\.0\.0\.1:\d+"), "The master's start")[0]
        for name in ("one", "two"):
            log = start(name, "--cores", "1", "--memory", "2g", address)
            wait_for(in_log(log, "Successfully registered with master"), f"Worker {name}")
        yield address, started[1:]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=30)


def metrics_in(printed):
    return {name: float(value) for name, value in re.findall(r"(\S+@10)\s+(\S+)", printed)}


def test_an_executor_killed_in_the_middle_of_a_fit_costs_no_job(cluster, tmp_path):
    address, workers = cluster
    ratings = tmp_path / "ratings.parquet"
    load_movielens().ratings.to_parquet(ratings, index=False)
    command = [*JOB, str(ratings), *SETTINGS]

    job = subprocess.Popen([*command, "--master", address], stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: latest_stage(tmp_path / "work") >= STAGE, "The middle of the fit")
        assert job.poll() is None
        before = executors(workers)
        victim = next(iter(before.values()))
        victim.kill()
        wait_for(lambda: executors(workers).keys() - before.keys(), "Another executor's start")
        printed, _ = job.communicate(timeout=600)
    finally:
        job.kill()
    print(f"\nkilled executor {victim.pid} of {sorted(before)}\n{printed}")
    assert job.returncode == 0

    alone = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(f"local[2], nobody killed:\n{alone}")
    found, expected = metrics_in(printed), metrics_in(alone)
    assert len(found) == 11
    assert found == pytest.approx(expected, abs=2e-3, rel=1e-3)
