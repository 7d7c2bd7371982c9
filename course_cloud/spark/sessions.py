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
from typing import TYPE_CHECKING, Any

from course_utils.errors import ClusterError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER = "COURSE_SPARK_MASTER"
HERE = r"local|spark://(127\.|localhost)"  # masters on this machine
STACK = "-Xss16m"  # the lineage of ALS grows with each iteration, and is walked recursively
JAVA = 17  # what Spark 4 asks for
# Looks for credentials where boto3 does: environment, profile, single sign-on, role.
CREDENTIALS = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"


def why_not() -> str | None:
    """Return why Spark cannot run here and what to do, or None when it can."""
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
    """Start Spark, or return the running session.

    Parameters
    ----------
    master
        ``"local[2]"`` for two threads of this machine, or the address of a cluster, such as
        ``"yarn"``. By default the value of ``COURSE_SPARK_MASTER``, or else ``"local[2]"``.
    memory
        Of the driver's Java process, and of each executor.
    s3
        Download hadoop-aws, which reads ``s3a://`` addresses, from Maven. Managed clusters have it.
        Endpoint and region are taken from the AWS environment variables, credentials as in
        :func:`course_cloud.storage.connect`; Spark's settings, which it shows, hold none.
    settings
        More settings of Spark, by name. They override those of this function.

    Returns
    -------
    SparkSession
        Without a web page. On this machine it listens on 127.0.0.1 only. Workers of a cluster are
        sent the course's packages.

    Raises
    ------
    ClusterError
        When pyspark or Java is missing, or Spark does not start; the message quotes the log.
    """
    if reason := why_not():
        raise ClusterError(reason)
    with quiet_about_pandas():
        from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    master = master or os.environ.get(MASTER) or "local[2]"
    if re.match(HERE, master):  # Python of the workers; a cluster has its own
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    home = Path(tempfile.mkdtemp(prefix="course-spark-"))
    ours: dict[str, Any] = {**_settings(master, memory, home), **(_s3_settings() if s3 else {})}
    builder = SparkSession.Builder().appName("course").config(map=ours | dict(settings or {}))
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
            # the default, 200 partitions with adaptive plans, is for clusters
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.adaptive.enabled": "false",
        }
    return settings


def _s3_settings() -> dict[str, str]:
    """Return the settings of ``s3a://`` that correspond to the AWS environment variables."""
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
    return next(path.stem.rsplit("-", 1)[1] for path in jars.glob("hadoop-client-api-*.jar"))


def _java_version() -> int | None:
    """Return the major version of the Java that Spark will use, or None."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        return None
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return None
    number = re.search(r'version "(?:1\.)?(\d+)', said)  # Java 8 reports 1.8
    return int(number[1]) if number else None


@contextmanager
def quiet_about_pandas() -> Iterator[None]:
    """Suppress Spark's warning about pandas 3: tables are passed as Arrow here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        yield


@contextmanager
def _errors_to(log: Path) -> Iterator[None]:
    """Redirect standard error, also of child processes, to `log`."""
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
    """Return the last exception that the error or else the log names."""
    for text in (str(error), log.read_text()):
        if causes := re.findall(r"(?:Exception|Error): (.+)", text):
            return f"{causes[-1][:300].strip().rstrip('.')}. Its log is {log}."
    return f"{type(error).__name__}. Its log is {log}."


def _package_as_zip(home: Path) -> str:
    """Write the course's packages to a zip for the workers of a cluster; return its path."""
    root, target = Path(__file__).parents[2], home / "course.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in ("course_utils", "course_cloud"):
            for path in sorted((root / package).rglob("*.py")):
                archive.write(path, path.relative_to(root))
    return str(target)
