"""Lab 1, step 3: the mean of one column of a table in several Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from course_labs.checks.lab01 import data
from course_labs.checks.lab01.server import MemoryS3
from course_labs.checks.question import Detector, Mistake, Outputs, Plain

MOST = 1 / 3  # of the bytes of the Parquet files; one column and three footers take a fifth
TOLERANCE = 1e-3  # of a star, enough for sums in float32
ROWS, MEANS = (30_000, 60_000, 20_000), (4.4, 3.0, 2.0)
SHORT_PAGE = 3  # most keys of one answer; S3 may list fewer than 1,000 too


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return the seed and the place of each table."""
    return [
        {
            "bucket": np.array(data.bucket_name(rng)),
            "prefix": np.array(prefix),
            "seed": np.array(rng.integers(1 << 30)),
        }
        for prefix in ("data/ratings", "ml-1m/ratings/")
    ]


def parts_of(case: Plain) -> list[pd.DataFrame]:
    """Return the parts of the table, then one that belongs to a similar prefix."""
    rng = np.random.default_rng(int(case["seed"]))
    order = rng.permutation(len(ROWS))
    parts = [data.make_ratings(rng, ROWS[n], MEANS[n]) for n in order]
    return [*parts, data.make_ratings(rng, 5000, 0.5)]


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``mean_rating(client, bucket, prefix)``."""
    bucket, prefix = str(case["bucket"]), str(case["prefix"])
    folder, near = data.folder_of(prefix), prefix.rstrip("/") + "-old/"
    server = MemoryS3(bucket, page=SHORT_PAGE)
    *parts, other = parts_of(case)
    for n, part in enumerate(parts):
        server.put(bucket, f"{folder}part-{n}.parquet", data.parquet_bytes(part))
    server.put(bucket, f"{folder}ratings.csv", _csv_bytes(pd.concat(parts)))
    server.put(bucket, f"{folder}manifest.json", b'{"files": []}')
    server.put(bucket, f"{near}part-0.parquet", data.parquet_bytes(other))
    mean = answer(server.client(), bucket, prefix)
    reads = [request for request in server.requests if request.what == "GET"]
    return {
        "mean": mean,
        "read": data.texts(request.key.rpartition(".")[2] for request in reads),
        "whole": np.array([request.whole for request in reads], dtype=bool),
        "moved": data.moved(reads),
        "stored": sum(
            len(it.body)
            for key, it in server.buckets[bucket].items()
            if key.startswith(folder) and key.endswith(".parquet")
        ),
    }


def _csv_bytes(table: pd.DataFrame) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), sink)
    return bytes(sink.getvalue())


def judge(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.001; at most a third of the Parquet files' bytes may be moved."""
    mean = outputs["mean"]
    if mean.shape != ():
        return f"Return one number, the mean rating; this has shape {mean.shape}."
    wanted = _mean(parts_of(case)[:-1])
    if not abs(mean - wanted) < TOLERANCE:
        return f"The mean rating should be {wanted:.4f} here, and is {mean:.4f}."
    if outputs["moved"] > MOST * outputs["stored"]:
        return (
            f"The mean is right, but you moved {outputs['moved'] / 1e6:.2f} MB, and the Parquet "
            f"files have {outputs['stored'] / 1e6:.2f} MB. Fetch the column `rating` only: "
            "`read_table(address, ['rating'], client=client)`."
        )
    return ""


def _mean(parts: Sequence[pd.DataFrame]) -> float:
    return float(pd.concat(list(parts))["rating"].astype("float64").mean())


def _like(wrong: Callable[[list[pd.DataFrame]], float]) -> Detector:
    """Return a detector of a wrong mean, computed from the parts of `parts_of`."""
    return lambda case, out: bool(abs(out["mean"] - wrong(parts_of(case))) < TOLERANCE)


def _ends(n: int) -> Callable[[list[pd.DataFrame]], float]:
    return lambda parts: _mean([parts[:-1][n]])


MISTAKES = (
    Mistake(
        "You read a CSV file. In it, the ratings stand between the other fields, so that all of "
        "them must come. Read what ends in `.parquet`, and nothing else.",
        lambda case, out: "csv" in out["read"].tolist(),
    ),
    Mistake(
        "You fetch whole objects and pick the column afterwards: then everything has come "
        "already. `read_table` with columns asks for ranges of bytes.",
        lambda case, out: _is_right(case, out) and bool(out["whole"].any()),
    ),
    Mistake(
        "All columns are fetched, by ranges, but only `rating` is used. Name it: "
        "`read_table(address, ['rating'], client=client)`.",
        lambda case, out: _is_right(case, out) and bool(out["moved"] > 0.9 * out["stored"]),
    ),
    Mistake(
        "This is the mean of the files' means, in which a short file counts as much as a long "
        "one. Add up the ratings of all files, and divide once.",
        _like(lambda parts: float(np.mean([_mean([part]) for part in parts[:-1]]))),
    ),
    Mistake(data.ONE_PAGE, _like(lambda parts: _mean(parts[:2]))),
    Mistake(
        "Only the first file or only the last one counts. The table lies in all of them; look at "
        "where your loop keeps what it has read.",
        lambda case, out: any(_like(_ends(n))(case, out) for n in (0, -1)),
    ),
    Mistake(data.NO_SLASH, _like(_mean)),
    Mistake(
        "You add up, and do not divide by the number of ratings.",
        _like(lambda parts: _mean(parts[:-1]) * sum(map(len, parts[:-1]))),
    ),
    data.OTHER_CLIENT,
)


def _is_right(case: Plain, outputs: Plain) -> bool:
    return _like(lambda parts: _mean(parts[:-1]))(case, outputs)
