"""``s3://bucket/key`` taken apart, and a bare key put into the course's bucket."""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import NamedTuple

from course_utils.errors import StorageError

# S3's own rules, which Swift and the others share: what a host name can be.
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
LIKE_AN_IP = re.compile(r"[0-9]+(\.[0-9]+){3}")
LONGEST_KEY = 1024  # bytes of UTF-8
# What macOS, Windows and Jupyter leave in folders; macOS also writes "._name" beside "name".
CLUTTER = {".DS_Store", "Thumbs.db", ".ipynb_checkpoints"}


class Address(NamedTuple):
    """A place in S3.

    Attributes
    ----------
    bucket
        The bucket's name.
    key
        The object's key, or the beginning of keys. Empty for the whole bucket.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_address(address: str, *, need_key: bool = True) -> Address:
    """Take ``s3://bucket/key`` apart, or put a bare key into the bucket that COURSE_BUCKET names.

    Parameters
    ----------
    address
        ``"s3://bucket/some/key.csv"``, or ``"some/key.csv"`` when ``COURSE_BUCKET`` is set. What
        stands after the bucket's slash is the key as it is: spaces, ``..`` and non-ASCII letters
        mean nothing special, and nothing is to be percent-encoded.
    need_key
        Whether a bucket without a key will not do.

    Raises
    ------
    StorageError
        For another scheme, a name that no bucket can have, a missing or overlong key, and for a
        bare key when there is no COURSE_BUCKET.

    Examples
    --------
    >>> parse_address("s3://movielens-class/ml-1m/ratings.csv")
    Address(bucket='movielens-class', key='ml-1m/ratings.csv')
    """
    if not isinstance(address, str):
        raise StorageError(
            f"An address in S3 is a text such as 's3://bucket/key', not {type(address).__name__}."
        )
    if address.lower().startswith("s3://"):
        bucket, _, key = address[len("s3://") :].partition("/")
    else:
        bucket, key = _in_the_courses_bucket(address)
    check_bucket(bucket)
    if need_key and (not key or key.endswith("/")):
        raise StorageError(
            f"{address!r} names no object; write s3://{bucket}/ and the object's whole key."
        )
    if len(key.encode("utf-8", "surrogatepass")) > LONGEST_KEY:
        raise StorageError(f"The key {key[:40]!r}… has more than {LONGEST_KEY} bytes; shorten it.")
    return Address(bucket, key)


def check_bucket(bucket: str) -> None:
    """Raise a `StorageError` for a name that no bucket can have."""
    if not BUCKET.fullmatch(bucket) or ".." in bucket or LIKE_AN_IP.fullmatch(bucket):
        raise StorageError(
            f"{bucket!r} cannot be a bucket's name; that is 3 to 63 lower-case letters, digits, "
            "dots and hyphens, with a letter or digit at both ends."
        )


def course_bucket() -> str | None:
    """Return the bucket that ``COURSE_BUCKET`` names, with or without ``s3://``; None when unset.

    Raises
    ------
    StorageError
        When it names what cannot be a bucket.
    """
    named = os.environ.get("COURSE_BUCKET", "").strip()
    if not named:
        return None
    bucket = named.removeprefix("s3://").rstrip("/")
    try:
        check_bucket(bucket)
    except StorageError as error:
        raise StorageError(f"COURSE_BUCKET is {named!r}, and {error}") from None
    return bucket


def _in_the_courses_bucket(key: str) -> tuple[str, str]:
    if "://" in key:
        raise StorageError(f"{key!r} is no address in S3; write s3://bucket/key.")
    if key.startswith(("/", "./", "../", "~")):
        raise StorageError(
            f"{key!r} looks like a file on this computer; an object is written s3://bucket/key."
        )
    bucket = course_bucket()
    if bucket is None:
        raise StorageError(
            f"{key!r} names no bucket; write s3://bucket/{key}, or set COURSE_BUCKET to the bucket "
            "that bare keys are in."
        )
    return bucket, key


def is_clutter(path: str | PurePath) -> bool:
    """Return whether a file was left by macOS, Windows or Jupyter and is nobody's data.

    Parameters
    ----------
    path
        Relative to the folder in question, so that the names above that folder do not count.

    Examples
    --------
    >>> is_clutter("lesson/.DS_Store"), is_clutter("lesson/ratings.csv")
    (True, False)
    """
    return any(part in CLUTTER or part.startswith("._") for part in PurePath(path).parts)
