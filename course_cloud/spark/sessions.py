"""A Spark session: on this machine unless a cluster's address is given."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import ClusterError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER = "COURSE_SPARK_MASTER"
HERE = r"local|spark://(127\.|localhost)"  # masters on this machine
STACK = "-Xss16m"  # ALS remembers how each turn came from the one before, and that nests deeply
JAVA = 17  # what Spark 4 asks for
# Finds credentials as boto3 does: the environment, a profile, single sign-on, a role.
CREDENTIALS = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"


def why_not() -> str | None:
    """Say in one sentence why Spark cannot run here and what to do, or None where it can."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed; run: pip install 'course-utils[spark]'"
    version = _java_version()
    if version is None:
        return (
            f"Spark runs on Java {JAVA} or newer, and there is none here; install one "
            f"(openjdk-{JAVA}-jre-headless on Debian and in Colab), or set JAVA_HOME."
        )
    if version < JAVA:
        return f"Spark needs Java {JAVA} or newer, and finds {version}; set JAVA_HOME to a newer."
    return None


def session(
    master: str | None = None,
    *,
    memory: str = "2g",
    s3: bool = False,
    settings: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start Spark, or return the session that runs already.

    Parameters
    ----------
    master
        ``"local[2]"`` for two threads of this machine, or a cluster's address, such as
        ``"spark://host:7077"`` or ``"yarn"``. When left out, what ``COURSE_SPARK_MASTER`` says,
        or else ``"local[2]"``.
    memory
        For the Java process beside this one, and for each of a cluster's executors.
    s3
        Fetch the package that reads ``s3a://`` addresses, hadoop-aws of Spark's own Hadoop, from
        Maven. Managed clusters have it. Endpoint and region are what ``AWS_ENDPOINT_URL_S3``,
        ``AWS_ENDPOINT_URL`` and ``AWS_REGION`` say, and credentials come from the same chain as
        :func:`course_cloud.storage.connect`'s: none is written into the settings, where Spark
        would show them.
    settings
        Others of Spark, by name; they go before those that this function makes.

    Returns
    -------
    SparkSession
        Without a web page. On this machine it listens on 127.0.0.1 only. Its log goes to a
        temporary file, not to the notebook. On a cluster, the workers are sent this package.

    Raises
    ------
    ClusterError
        When pyspark or Java is missing, and when Spark does not start; the message ends in the
        last words of its log.
    """
    reason = why_not()
    if reason:
        raise ClusterError(reason)
    with quiet_about_pandas():
        from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    master = master or os.environ.get(MASTER) or "local[2]"
    builder = SparkSession.Builder().appName("course")
    if re.match(HERE, master):  # the workers' Python; a cluster has its own
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    home = Path(tempfile.mkdtemp(prefix="course-spark-"))
    ours = _settings(master, memory, home) | (_s3_settings() if s3 else {})
    for name, value in (ours | dict(settings or {})).items():
        builder = builder.config(name, value)
    log = home / "spark.log"
    try:
        with quiet_about_pandas(), _errors_to(log):
            spark = builder.getOrCreate()
    except Exception as error:
        why = f"Spark did not start on {master}: {_last_words(log, error)}"
        raise ClusterError(why) from error
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    spark.sparkContext.setLogLevel("ERROR")
    if not master.startswith("local"):
        spark.sparkContext.addPyFile(_package_as_zip(home))
    return spark


def _settings(master: str, memory: str, home: Path) -> dict[str, str]:
    settings = {
        "spark.master": master,
        "spark.driver.memory": memory,
        "spark.executor.memory": memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": STACK,
        "spark.executor.extraJavaOptions": STACK,
        "spark.sql.warehouse.dir": str(home / "warehouse"),
    }
    if re.match(HERE, master):
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.checkpoint.dir": str(home / "checkpoints"),
            # 200 parts, planned anew after each step, are for a cluster
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.adaptive.enabled": "false",
        }
    return settings


def _s3_settings() -> dict[str, str]:
    """Return what the storage's variables mean to ``s3a://``."""
    settings = {
        "spark.jars.packages": f"org.apache.hadoop:hadoop-aws:{_hadoop_version()}",
        "spark.hadoop.fs.s3a.aws.credentials.provider": CREDENTIALS,
    }
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if region:
        settings["spark.hadoop.fs.s3a.endpoint.region"] = region
    if endpoint:
        settings["spark.hadoop.fs.s3a.endpoint"] = endpoint
        settings["spark.hadoop.fs.s3a.path.style.access"] = "true"
    return settings


def _hadoop_version() -> str:
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    found = [path.stem.rsplit("-", 1)[1] for path in jars.glob("hadoop-client-api-*.jar")]
    if not found:
        raise ClusterError(
            f"There is no Hadoop in {jars}, so the version of hadoop-aws is unknown; install "
            "pyspark with pip."
        )
    return found[0]


def _java_version() -> int | None:
    """Return the number of the Java that Spark will find, None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        return None
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return None
    number = re.search(r'version "(?:1\.)?(\d+)', said)  # Java 8 calls itself 1.8
    return int(number[1]) if number else None


@contextmanager
def quiet_about_pandas() -> Iterator[None]:
    """Keep back what Spark 4 says of pandas 3: here all tables travel as Arrow."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        yield


@contextmanager
def _errors_to(log: Path) -> Iterator[None]:
    """Let programs that are started in the block write their errors to `log`."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _last_words(log: Path, error: Exception) -> str:
    for text in (str(error), log.read_text()):
        if causes := re.findall(r"(?:Exception|Error): (.+)", text):
            return f"{causes[-1][:300].strip().rstrip('.')}. Its log is {log}."
    return f"{type(error).__name__}. Its log is {log}."


def _package_as_zip(home: Path) -> str:
    """Write the packages a job imports into a zip, for workers elsewhere; return its path."""
    import course_cloud
    import course_utils

    target = home / "course.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in (Path(module.__path__[0]) for module in (course_utils, course_cloud)):
            for path in sorted(package.rglob("*.py")):
                archive.write(path, path.relative_to(package.parent))
    return str(target)
