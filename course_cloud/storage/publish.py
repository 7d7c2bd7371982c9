"""A release of MovieLens published in a bucket for a class, or published damaged for lab 1."""

from __future__ import annotations

import hashlib
import json
import re
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from course_cloud.storage.addresses import Address, parse_address
from course_cloud.storage.client import usable
from course_cloud.storage.failures import explained
from course_cloud.storage.objects import fetch
from course_cloud.storage.tables import read_table, store
from course_utils.datasets import load_movielens

MANIFEST = "manifest.json"
_camel = partial(re.sub, "_([a-z])", lambda match: match[1].upper())  # userId for user_id
UNKNOWN_MOVIES, RATED_TWICE, OFF_SCALE = 5, 3, 2  # damaged rows of each kind


class Published(NamedTuple):
    """A file that `publish_movielens` wrote."""

    address: str  # s3://bucket/key
    size: int  # bytes
    sha256: str  # of its content, 64 hexadecimal digits
    rows: int | None  # number of rows of its table; None for the manifest


def publish_movielens(
    name: str, bucket: str, prefix: str = "", *, client: Any = None
) -> list[Published]:
    """Publish a release in a bucket for a class, each table as CSV and as Parquet.

    Under ``<prefix>/<name>/`` are ``ratings.csv`` and ``ratings.parquet``, and likewise movies and
    the other tables of the release (users, tags, links). The CSV files have the format of
    MovieLens' own newer releases (``userId,movieId,rating,timestamp``); the Parquet files hold the
    tables of the course (``user_id``, …). ``manifest.json`` is written last and lists each file
    with its size, SHA-256 and number of rows: where it exists, the release is complete.

    Parameters
    ----------
    name
        A release that `course_utils.datasets.load_movielens` knows. Their licenses differ: read the
        README before others can read the bucket. The ``"sample"`` of the course is free to pass on.
    bucket, prefix
        An existing bucket, and the beginning of the keys, with or without a slash at the end.
    client
        As in `list_keys`.

    Returns
    -------
    list of Published
        The files written, in that order; those of an earlier publication are replaced.

    Raises
    ------
    StorageError
        For a bucket that is not there or may not be written to.
    DataError, DownloadError
        As `load_movielens` raises them.
    """
    bucket = bucket.removeprefix("s3://").rstrip("/")
    folder = "/".join(part for part in (prefix.strip("/"), name) if part)
    manifest = parse_address(f"s3://{bucket}/{folder}/{MANIFEST}")
    client = usable(client)
    with explained("publish to", bucket, "", client):
        client.head_bucket(Bucket=bucket)  # before the release is downloaded
    release = load_movielens(name)
    with explained("replace", *manifest, client):
        client.delete_object(Bucket=bucket, Key=manifest.key)  # until the release is complete again
    written = []
    for kind in ("ratings", "movies", "users", "tags", "links"):
        table = getattr(release, kind)
        if table is None:
            continue
        # MovieLens has no column "year"; the course's loader takes it from the title
        plain = table.drop(columns="year", errors="ignore").rename(columns=_camel)
        for content, suffix in ((plain, "csv"), (table, "parquet")):
            place = Address(bucket, f"{folder}/{kind}.{suffix}")
            written.append(_publish(client, content, place))
    listed = [
        {"file": address.rpartition("/")[2], "size": size, "sha256": sha256, "rows": rows}
        for address, size, sha256, rows in written
    ]
    text = (json.dumps({"release": name, "files": listed}, indent=2) + "\n").encode()
    with explained("write", *manifest, client):
        client.put_object(
            Bucket=bucket, Key=manifest.key, Body=text, ContentType="application/json"
        )
    sha256 = hashlib.sha256(text).hexdigest()
    return [*written, Published(str(manifest), len(text), sha256, None)]


def _publish(client: Any, table: pd.DataFrame, place: Address) -> Published:
    size, sha256 = store(client, table, place)
    return Published(str(place), size, sha256, len(table))


def publish_damaged(name: str, bucket: str, prefix: str, *, client: Any = None) -> str:
    """Publish a release as `publish_movielens` does, and damage it for the students of lab 1.

    The table of ratings is damaged first and the manifest is adapted, so that both agree: rows
    refer to unknown films, repeat a user and a film, or have a rating outside MovieLens' scale.
    Then one file is truncated, one byte is changed, one file is deleted and one is added. Returns
    the prefix of the release, without a slash at its end.
    """
    client = usable(client)
    published = publish_movielens(name, bucket, prefix, client=client)
    folder = published[-1].address.removeprefix(f"s3://{bucket}/").removesuffix(f"/{MANIFEST}")
    _damage_rows(client, bucket, folder)
    last = published[-3].address.rpartition("/")[2]  # of the last table; then its Parquet file
    with explained("damage", bucket, folder, client):
        ratings, _ = fetch(client, Address(bucket, f"{folder}/ratings.csv"))
        movies, _ = fetch(client, Address(bucket, f"{folder}/movies.csv"))
        middle = len(movies) // 2
        flipped = movies[:middle] + bytes([movies[middle] ^ 1]) + movies[middle + 1 :]
        _write(client, bucket, f"{folder}/ratings.csv", ratings[: len(ratings) // 2])
        _write(client, bucket, f"{folder}/movies.csv", flipped)
        client.delete_object(Bucket=bucket, Key=f"{folder}/{last}")
        _write(client, bucket, f"{folder}/ratings (1).csv", ratings[:1000])
    return folder


def _damage_rows(client: Any, bucket: str, folder: str) -> None:
    """Add bad rows to ``ratings.parquet``, and its new size and checksum to the manifest."""
    key = f"{folder}/ratings.parquet"
    ratings = read_table(f"s3://{bucket}/{key}", client=client)
    first = ratings["movie_id"].max() + 1_000_000
    unknown = ratings.head(UNKNOWN_MOVIES)
    unknown = unknown.assign(movie_id=range(first, first + UNKNOWN_MOVIES))
    again = ratings.tail(RATED_TWICE)
    again = again.assign(timestamp=again["timestamp"] + 60)
    damaged = pd.concat([ratings, unknown, again], ignore_index=True).astype(ratings.dtypes)
    damaged.loc[: OFF_SCALE - 1, "rating"] = 0
    _, size, sha256, rows = _publish(client, damaged, Address(bucket, key))
    with explained("damage", bucket, key, client):
        manifest = json.loads(fetch(client, Address(bucket, f"{folder}/{MANIFEST}"))[0])
        entry = next(file for file in manifest["files"] if file["file"] == "ratings.parquet")
        entry.update(size=size, sha256=sha256, rows=rows)
        _write(client, bucket, f"{folder}/{MANIFEST}", json.dumps(manifest, indent=2).encode())


def _write(client: Any, bucket: str, key: str, data: bytes) -> None:
    client.put_object(Bucket=bucket, Key=key, Body=data)
