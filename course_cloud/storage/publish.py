"""A release of MovieLens laid out in a bucket for a class.

Imports of the course follow the data, from storage to datasets. Here the two meet, so
`course_utils.datasets` is imported inside the functions only.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from course_cloud.storage.addresses import Address, check_bucket, parse_address
from course_cloud.storage.client import default_client
from course_cloud.storage.failures import explained
from course_cloud.storage.tables import IN_MEMORY, upload, write_to_file

MANIFEST = "manifest.json"


class Published(NamedTuple):
    """A file that `publish_movielens` wrote.

    Attributes
    ----------
    address
        ``s3://bucket/key``.
    size
        In bytes.
    sha256
        Of its content, 64 hexadecimal digits.
    rows
        Of the table in it; None for the manifest.
    """

    address: str
    size: int
    sha256: str
    rows: int | None


def publish_movielens(
    name: str, bucket: str, prefix: str = "", *, client: Any = None
) -> list[Published]:
    """Lay a release out in a bucket for a class, each table as CSV and as Parquet.

    Under ``<prefix>/<name>/`` stand ``ratings.csv`` and ``ratings.parquet``, and likewise movies
    and what else the release has (users, tags, links). The CSV files are in the format of
    MovieLens' own newer releases (``userId,movieId,rating,timestamp``); the Parquet files hold the
    tables of the course (``user_id``, …). ``manifest.json`` is written last and lists each file
    with its size, SHA-256 and number of rows: where it is, the release is whole.

    Parameters
    ----------
    name
        What `course_utils.datasets.load_movielens` is to load, ``"sample"`` for example.
    bucket
        An existing bucket.
    prefix
        The beginning of the keys, with or without a slash at the end.
    client
        A boto3 client of S3; when left out, one from `connect`.

    Returns
    -------
    list of Published
        What was written, in that order.

    Raises
    ------
    StorageError
        For a bucket that is not there or may not be written to.
    DataError, DownloadError
        As `load_movielens` raises them.

    Notes
    -----
    Files of an earlier publication are replaced. GroupLens' licenses differ from release to
    release: read the README of the one you publish before others can read the bucket. The sample
    of the course is free to pass on.
    """
    from course_utils.datasets import load_movielens

    bucket = bucket.removeprefix("s3://").rstrip("/")
    check_bucket(bucket)
    folder = "/".join(part for part in (prefix.strip("/"), name) if part)
    manifest = parse_address(f"s3://{bucket}/{folder}/{MANIFEST}")
    client = client if client is not None else default_client()
    with explained("publish to", bucket, "", client):
        client.head_bucket(Bucket=bucket)  # before a release is downloaded for nothing
    release = load_movielens(name)
    tables = {
        table: getattr(release, table)
        for table in ("ratings", "movies", "users", "tags", "links")
        if getattr(release, table) is not None
    }
    with explained("replace", *manifest, client):
        client.delete_object(Bucket=bucket, Key=manifest.key)  # until all is there again
    written = []
    for file, table in _files(tables):
        written.append(_publish(client, table, Address(bucket, f"{folder}/{file}")))
    listed = [
        {"file": file.address.rpartition("/")[2], "size": file.size, "sha256": file.sha256,
         "rows": file.rows}
        for file in written
    ]  # fmt: skip
    text = json.dumps({"release": name, "files": listed}, indent=2) + "\n"
    with explained("write", *manifest, client):
        client.put_object(
            Bucket=bucket,
            Key=manifest.key,
            Body=text.encode(),
            ContentType="application/json",
        )
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return [*written, Published(str(manifest), len(text.encode()), sha256, None)]


def _files(tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    for name, table in tables.items():
        # the year is the course's own, taken from the title
        plain = table.drop(columns="year") if "year" in table.columns else table
        yield f"{name}.csv", plain.rename(columns=_camel)
        yield f"{name}.parquet", table


def _camel(name: str) -> str:
    """Return a column's name as MovieLens writes it: userId for user_id."""
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _publish(client: Any, table: pd.DataFrame, place: Address) -> Published:
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        write_to_file(table, file, f".{place.key.rpartition('.')[2]}", str(place))
        size = file.tell()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        upload(client, file, place)
    return Published(str(place), size, sha256, len(table))
