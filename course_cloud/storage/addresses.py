"""Addresses in S3: parsed, listed, and compared with the names that files can have."""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, NamedTuple

from course_cloud.storage.client import usable
from course_cloud.storage.failures import explained
from course_utils.errors import StorageError

# S3's own rules, which other servers share: a bucket's name can be a host name.
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
LIKE_AN_IP = re.compile(r"[0-9]+(\.[0-9]+){3}")
LONGEST_KEY = 1024  # bytes of UTF-8
# What macOS, Windows and Jupyter leave in folders; macOS also writes "._name" beside "name".
CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints"}
TEMPORARY = ".course-", ".part"  # start and end of the name of an unfinished download
# What Windows reserves; other systems accept these names.
_WINDOWS = re.compile(r'[<>:"|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
NAME_BYTES = 255  # of a file's name, in UTF-8


class Address(NamedTuple):
    """The address of an object, or of all objects below a prefix."""

    bucket: str
    key: str  # or a prefix of keys; empty for the whole bucket

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class S3Object(NamedTuple):
    """An object as a listing shows it."""

    bucket: str
    key: str
    size: int  # bytes
    etag: str  # the content's MD5 after an upload in one part without KMS, else no checksum of it
    modified: datetime  # time of the last write, in UTC

    @property
    def address(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def parse_address(address: str, *, need_key: bool = True) -> Address:
    """Split ``s3://bucket/key``, or put a bare key into the bucket that COURSE_BUCKET names.

    Parameters
    ----------
    address
        ``"s3://bucket/some/key.csv"``, or ``"some/key.csv"`` when ``COURSE_BUCKET`` is set. The
        key is taken literally: no sign has a special meaning, and nothing is percent-encoded.
    need_key
        Whether to refuse a bucket without a key.

    Raises
    ------
    StorageError
        For another scheme, an invalid bucket name, and a missing or overlong key.

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
    need_bucket_name(bucket)
    if need_key and (not key or key.endswith("/")):
        raise StorageError(
            f"{address!r} names no object; write s3://{bucket}/ and the object's whole key."
        )
    if len(key.encode("utf-8", "surrogatepass")) > LONGEST_KEY:
        raise StorageError(f"The key {key[:40]!r}… has more than {LONGEST_KEY} bytes; shorten it.")
    return Address(bucket, key)


def need_bucket_name(bucket: str, where: str = "") -> None:
    """Raise a `StorageError` for an invalid bucket name; `where` begins its message."""
    if not BUCKET.fullmatch(bucket) or ".." in bucket or LIKE_AN_IP.fullmatch(bucket):
        raise StorageError(
            f"{where}{bucket!r} cannot be a bucket's name; that is 3 to 63 lower-case letters, "
            "digits, dots and hyphens, with a letter or digit at both ends."
        )


def _in_the_courses_bucket(key: str) -> tuple[str, str]:
    if "://" in key or key.startswith(("/", "./", "../", "~")):
        raise StorageError(
            f"{key!r} is no address in S3 but looks like a file on this computer, or like another "
            "service's address; an object is written s3://bucket/key."
        )
    named = os.environ.get("COURSE_BUCKET", "").strip()
    if not named:
        raise StorageError(
            f"{key!r} names no bucket; write s3://bucket/{key}, or set COURSE_BUCKET to the bucket "
            "that bare keys are in."
        )
    bucket = named.removeprefix("s3://").rstrip("/")
    need_bucket_name(bucket, f"COURSE_BUCKET is {named!r}, and ")
    return bucket, key


def as_folder(address: str) -> Address:
    """Parse the address of a folder, and append a slash unless it is a whole bucket."""
    bucket, key = parse_address(address, need_key=False)
    return Address(bucket, key if not key or key.endswith("/") else f"{key}/")


def list_keys(prefix: str, *, client: Any = None) -> list[S3Object]:
    """List every object whose key begins with `prefix`, by one request for each 1,000 keys.

    Parameters
    ----------
    prefix
        ``"s3://bucket/ml-1m/"``, ``"s3://bucket"`` for everything in it, or the beginning of keys
        in the bucket that ``COURSE_BUCKET`` names. It is a string and not a folder: ``ml-1`` finds
        ``ml-10m/…`` as well as ``ml-1m/…``; end it with ``/`` to select one of them.
    client
        As everywhere: a boto3 client of S3; when left out, one from `connect`.

    Returns
    -------
    list of S3Object
        Without old versions. ``pandas.DataFrame(list_keys(…))`` makes a table.

    Raises
    ------
    StorageError
        For a bucket that does not exist, and when the server refuses or cannot be reached.
    """
    bucket, start = parse_address(prefix, need_key=False)
    client = usable(client)
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


def why_no_file(name: str) -> str | None:
    """Return why a key without its prefix is no path of a file below a folder, or None if it is."""
    parts, kinds = name.split("/"), {unicodedata.category(sign) for sign in name}
    longest = max(len(part.encode(errors="surrogatepass")) for part in parts)
    faults = {
        "begins with a slash": name.startswith("/"),
        "has an empty folder or file name between its slashes": "" in parts,
        "leads out of the folder": ".." in parts,
        "has the part '.'": "." in parts,
        "has a backslash, a slash to Windows": "\\" in name,
        "begins with a drive letter": _DRIVE.match(name),
        "has a control character": "Cc" in kinds,
        "is not valid Unicode": "Cs" in kinds,
        f"has a name longer than {NAME_BYTES} bytes": longest > NAME_BYTES,
        "has a name that Windows does not allow": os.name == "nt"
        and any(map(_WINDOWS.search, parts)),
    }
    return next((why for why, is_so in faults.items() if is_so), None)


def is_clutter(path: str | PurePath) -> bool:
    """Return whether a file, relative to its data folder, was left by macOS, Windows or Jupyter."""
    return any(part in CLUTTER or part.startswith("._") for part in PurePath(path).parts)


def shown(*names: str) -> str:
    """Return up to three names quoted, shortened and safe to print."""
    texts = [ascii(name[:60] + "…") if len(name) > 61 else repr(name) for name in names[:3]]
    return ", ".join([*texts, "…"] if len(names) > 3 else texts)
