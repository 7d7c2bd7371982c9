"""What a bucket holds: every key under a prefix, however many there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from course_cloud.storage.addresses import parse_address
from course_cloud.storage.client import default_client
from course_cloud.storage.failures import explained


class S3Object(NamedTuple):
    """An object as a listing shows it.

    Attributes
    ----------
    bucket, key
        Where it is.
    size
        In bytes.
    etag
        The server's fingerprint of the content. An MD5 for objects that were uploaded in one part,
        and only a fingerprint for others.
    modified
        When it was written, in UTC.
    """

    bucket: str
    key: str
    size: int
    etag: str
    modified: datetime

    @property
    def address(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def list_keys(prefix: str, *, client: Any = None) -> list[S3Object]:
    """List every object whose key begins with `prefix`, in the order of their keys.

    A request answers with 1,000 keys at most, so this asks as often as there are pages.

    Parameters
    ----------
    prefix
        ``"s3://bucket/ml-1m/"``, ``"s3://bucket"`` for everything in it, or the beginning of keys
        in the bucket that ``COURSE_BUCKET`` names. It is a text and no folder: ``ml-1`` finds
        ``ml-10m/…`` as well as ``ml-1m/…``, so end it with ``/`` to mean one of them.
    client
        A boto3 client of S3; when left out, one from `connect`.

    Returns
    -------
    list of S3Object
        Empty when no key begins with `prefix`. ``pandas.DataFrame(list_keys(…))`` makes a table.

    Raises
    ------
    StorageError
        For a bucket that is not there, or when the server refuses or cannot be reached.

    Notes
    -----
    About 1 KB of memory for each object; keys of old versions are not listed.

    Examples
    --------
    >>> for obj in list_keys("s3://movielens-class/ml-1m/"):  # doctest: +SKIP
    ...     print(obj.key, obj.size)
    """
    bucket, start = parse_address(prefix, need_key=False)
    client = client if client is not None else default_client()
    with explained("list", bucket, start, client):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
        return [
            S3Object(
                bucket,
                item["Key"],
                item["Size"],
                item["ETag"].strip('"'),
                item["LastModified"].astimezone(UTC),
            )
            for page in pages
            for item in page.get("Contents", [])
        ]
