"""Lab 1: buckets and tables made from a seed, and the hints that several steps share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_labs.checks.lab01.server import MemoryS3, Request
from course_labs.checks.question import AnswerError, Mistake, Plain, named_type

ONE_PAGE = (
    "You saw the first page of the listing only. One answer holds 1,000 keys at most, and may hold "
    "fewer; ask a paginator, `list_keys`, or go on while `IsTruncated` says so."
)
NO_SLASH = (
    "Objects of a neighbor are among yours: a prefix is a text, and `ml-1` is the beginning of "
    "`ml-10/…` too. Ask for the prefix with exactly one slash after it."
)
OTHER_CLIENT = Mistake(
    "The buckets of this check are on the server that `client` talks to, so call `client.…`, pass "
    "`client=client` on to functions of the course, and use the bucket that you are given, not "
    "`s3` and `bucket` of this page.",
    raises=r"NoSuchBucket|there is no bucket|NoCredentials|no credentials",
)
HARD_TITLE = "Ünïque, the film (2001)"  # a title with a comma and letters of more than one byte


def texts(values: Iterable[str]) -> npt.NDArray[np.str_]:
    """Return texts as an array, whose dtype is text even when it is empty."""
    return np.array([*values], dtype=np.str_)


def bucket_name(rng: np.random.Generator) -> str:
    """Return the name of a bucket, which is on no page."""
    return f"class-{rng.integers(1000, 10_000)}"


def content(key: str, size: int) -> bytes:
    """Return `size` bytes that are determined by a key and differ between keys."""
    block = hashlib.sha256(key.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def filled(case: Plain, *others: str, page: int) -> MemoryS3:
    """Return a server whose bucket has the case's ``keys`` with its ``sizes``."""
    server = MemoryS3(str(case["bucket"]), *others, page=page)
    for key, size in zip(case["keys"].tolist(), case["sizes"].tolist(), strict=True):
        server.put(str(case["bucket"]), key, content(key, size))
    return server


def items_of(result: Any, wanted: str) -> list[tuple[str, Any]]:
    """Return the pairs of a dict or Series; `wanted` begins the sentence about anything else."""
    if not hasattr(result, "items"):
        raise AnswerError(f"Return a dict, {wanted} {named_type(result)}.")
    return [(str(name), value) for name, value in result.items()]


def folder_of(prefix: str) -> str:
    """Return a prefix with exactly one slash at its end; the empty one stays empty."""
    return f"{prefix.rstrip('/')}/" if prefix else ""


def below(keys: Iterable[str], prefix: str) -> list[str]:
    """Return the keys with a prefix, in the order of a listing."""
    return sorted((key for key in keys if key.startswith(prefix)), key=str.encode)


def moved(requests: Sequence[Request]) -> int:
    """Return how many bytes of content were downloaded and uploaded."""
    return sum(request.n_bytes for request in requests)


def make_ratings(rng: np.random.Generator, n_rows: int, mean: float = 3.5) -> pd.DataFrame:
    """Return simulated ratings in the columns of the course."""
    stars = np.clip(np.round(rng.normal(mean, 0.8, n_rows) * 2) / 2, 0.5, 5)
    return pd.DataFrame(
        {
            "user_id": rng.integers(1, 200_000, n_rows, dtype=np.int32),
            "movie_id": rng.integers(1, 200_000, n_rows, dtype=np.int32),
            "rating": stars.astype(np.float32),
            "timestamp": rng.integers(8 * 10**8, 16 * 10**8, n_rows),
        }
    )


def make_movies(rng: np.random.Generator, n_rows: int) -> pd.DataFrame:
    """Return films, one of which has a comma and letters outside ASCII in its title."""
    ids = np.sort(rng.choice(np.arange(1, 500), n_rows, replace=False)).astype(np.int32)
    titles = [HARD_TITLE, *(f"Film {n} ({1950 + n})" for n in ids[1:].tolist())]
    genres = rng.choice(["Drama", "Comedy|Romance", "Sci-Fi"], n_rows)
    return pd.DataFrame({"movie_id": ids, "title": titles, "genres": genres})


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as a Parquet file."""
    data: Any = table.to_parquet(None, index=False, engine="pyarrow")
    return bytes(data)
