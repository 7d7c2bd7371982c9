"""Whenever a save or an upload is killed, a whole version loads, and the next one cleans up."""

import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import artifact_cases as cases
import artifact_kills
import pytest

from course_cloud import artifacts

SCRIPT = Path(artifact_kills.__file__)
MEMORY = Path("/dev/shm")  # where bringing files to the disk costs nothing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a path to save to, alone in its parent folder."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        yield Path(parent, "model")


def outcomes(*arguments: object) -> Counter[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    paths = {"PYTHONPATH": os.pathsep.join([str(SCRIPT.parents[1]), os.getenv("PYTHONPATH", "")])}
    run = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | one_thread | paths, timeout=900
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return Counter(run.stdout.splitlines())


def test_a_save_killed_at_any_operation_or_moment_leaves_a_whole_version(folder):
    found = outcomes("save", folder)
    assert found["random old"] + found["random new"] == artifact_kills.AT_RANDOM
    either = {"random old", "random new", "replace old", "replace new"}
    assert {*found} <= either | {"make nothing", "make new"}
    # more than the files that are written, and some of it after the new one is in place
    assert found["replace old"] > 10
    assert found["replace new"] > 0
    assert found["make nothing"] > 10


def test_an_upload_killed_at_any_request_or_moment_leaves_the_latest_run_whole(moto, folder):
    folder.parent.mkdir(exist_ok=True)
    found = outcomes("publish", folder, moto.address("models/als"))
    assert found["random old"] + found["random new"] == artifact_kills.AT_RANDOM
    assert {*found} <= {"random old", "random new", "request old"}
    # a list, 5 files, the manifest, 3 to look, the pointer
    assert found["request old"] == 11


def test_a_folder_that_is_replaced_all_the_time_loads_all_the_time(folder):
    artifact_kills.save(folder, artifact_kills.OLD)
    stop = threading.Event()

    def keep_saving() -> None:
        while not stop.is_set():
            artifact_kills.save(folder, artifact_kills.NEW)
            artifact_kills.save(folder, artifact_kills.OLD)

    writers = [threading.Thread(target=keep_saving) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        seen = Counter(artifact_kills.version(folder) for _ in range(30))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert seen.total() == 30
    assert os.listdir(folder.parent) == [folder.name]


def test_an_old_version_that_was_put_aside_is_found_and_replaced(folder):
    manifest = cases.save(folder)
    folder.rename(folder.with_name(f".{folder.name}.old-12345678"))  # and then the power failed
    assert artifacts.load(folder).manifest == manifest
    again = cases.save(folder)
    assert os.listdir(folder.parent) == [folder.name]
    assert artifacts.load(folder).manifest == again != manifest
