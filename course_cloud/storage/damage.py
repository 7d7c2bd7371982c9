"""A release that is damaged on purpose, for lab 1 to find out how."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pandas as pd

from course_cloud.storage.client import default_client
from course_cloud.storage.failures import explained
from course_cloud.storage.publish import MANIFEST, publish_movielens
from course_cloud.storage.tables import read_table, write_table

UNKNOWN_MOVIES, RATED_TWICE, OFF_SCALE = 5, 3, 2  # rows of each kind


def publish_damaged(name: str, bucket: str, prefix: str, *, client: Any = None) -> str:
    """Publish a release as `publish_movielens` does, and damage it.

    The table of ratings is damaged before its checksum is taken, so that ``ratings.parquet`` and
    the manifest agree: rows refer to unknown films, repeat a user and a film, or have no rating
    that MovieLens knows. Afterwards one file is cut, one byte is changed, one file is removed and
    one is added.

    Parameters
    ----------
    name, bucket, prefix, client
        As for `publish_movielens`.

    Returns
    -------
    str
        The prefix of the release, without a slash at its end.

    Raises
    ------
    StorageError, DataError, DownloadError
        As `publish_movielens` raises them.
    """
    client = client if client is not None else default_client()
    published = publish_movielens(name, bucket, prefix, client=client)
    folder = published[-1].address.removeprefix(f"s3://{bucket}/").removesuffix(f"/{MANIFEST}")
    _damage_rows(client, bucket, folder)
    last = published[-3].address.rpartition("/")[2]  # of the last table; then its Parquet file
    with explained("damage", bucket, folder, client):
        ratings = _read(client, bucket, f"{folder}/ratings.csv")
        _write(client, bucket, f"{folder}/ratings.csv", ratings[: len(ratings) // 2])
        movies = _read(client, bucket, f"{folder}/movies.csv")
        middle = len(movies) // 2
        flipped = movies[:middle] + bytes([movies[middle] ^ 1]) + movies[middle + 1 :]
        _write(client, bucket, f"{folder}/movies.csv", flipped)
        client.delete_object(Bucket=bucket, Key=f"{folder}/{last}")
        _write(client, bucket, f"{folder}/ratings (1).csv", ratings[:1000])
    return folder


def _damage_rows(client: Any, bucket: str, folder: str) -> None:
    """Add bad rows to ``ratings.parquet``, and to the manifest what then is true of it."""
    key = f"{folder}/ratings.parquet"
    ratings = read_table(f"s3://{bucket}/{key}", client=client)
    first = ratings["movie_id"].max() + 1_000_000
    unknown = ratings.head(UNKNOWN_MOVIES)
    unknown = unknown.assign(movie_id=range(first, first + UNKNOWN_MOVIES))
    again = ratings.tail(RATED_TWICE)
    again = again.assign(timestamp=again["timestamp"] + 60)
    damaged = pd.concat([ratings, unknown, again], ignore_index=True).astype(ratings.dtypes)
    damaged.loc[: OFF_SCALE - 1, "rating"] = 0
    write_table(damaged, f"s3://{bucket}/{key}", client=client)
    with explained("damage", bucket, key, client):
        data = _read(client, bucket, key)
        manifest = json.loads(_read(client, bucket, f"{folder}/{MANIFEST}"))
        entry = next(file for file in manifest["files"] if file["file"] == "ratings.parquet")
        sha256 = hashlib.sha256(data).hexdigest()
        entry.update(size=len(data), sha256=sha256, rows=len(damaged))
        _write(client, bucket, f"{folder}/{MANIFEST}", json.dumps(manifest, indent=2).encode())


def _read(client: Any, bucket: str, key: str) -> bytes:
    return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def _write(client: Any, bucket: str, key: str, data: bytes) -> None:
    client.put_object(Bucket=bucket, Key=key, Body=data)
