"""Lesson 01 on other servers than the one its committed outputs come from (nbval compares those).

It is executed whole: against Swift, which verifies every signature, and with no network at all.
"""

import os
import shutil
import subprocess
import sys

import pytest

NO_NETWORK = ["unshare", "--map-root-user", "--net", "--"]


def run_lesson(root, environment, before=()):
    command = [sys.executable, "-m", "tools.notebooks.build", "run", "01_object_storage"]
    return subprocess.run(
        [*before, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def bare(tmp_path):
    """Return an environment without any setting of AWS, and with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COURSE_"))}
    return kept | {"HOME": str(tmp_path)}


def test_lesson_01_runs_against_swift(repository_root, bare, swift):
    done = run_lesson(repository_root, bare | swift.environment | {"COURSE_BUCKET": "my-class"})
    assert done.returncode == 0, done.stdout + done.stderr
    client = pytest.importorskip("boto3").client("s3", **arguments_for(swift))
    assert "Contents" not in client.list_objects_v2(Bucket="my-class")  # it tidied up
    assert "my-class-backup" not in [b["Name"] for b in client.list_buckets()["Buckets"]]


def arguments_for(swift):
    return {
        "endpoint_url": swift.endpoint,
        "aws_access_key_id": swift.access_key,
        "aws_secret_access_key": swift.secret_key,
        "region_name": swift.region,
    }


def test_lesson_01_runs_with_no_network_at_all(repository_root, bare):
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("no unshare and ip to take the network away with")
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare may not make a network namespace here")
    # only the loopback interface, which a new namespace has switched off
    cut = [*NO_NETWORK, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    reached = ["sh", "-c", "ip -o link show up | grep -vc LOOPBACK"]
    assert subprocess.run([*cut, *reached], capture_output=True, text=True).stdout.strip() == "0"
    done = run_lesson(repository_root, bare, cut)
    assert done.returncode == 0, done.stdout + done.stderr
