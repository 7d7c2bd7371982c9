"""Lab 1, step 4: a release published so that nobody ever sees half of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from course_cloud.storage.publish import MANIFEST
from course_labs.checks.lab01.data import (
    bucket_name,
    folder_of,
    make_movies,
    make_ratings,
    texts,
)
from course_labs.checks.lab01.published_mistakes import PUBLISH_MISTAKES
from course_labs.checks.lab01.release import (
    LINK_SECONDS,
    OLD_ONE_STAYS,
    entries,
    link_of,
    old_one_stays,
)
from course_labs.checks.lab01.server import MemoryS3, load_boto3
from course_labs.checks.question import Plain, Question

LONGEST = 20_000  # characters of a text that goes to the judge
WRITES = ("PUT", "COPY", "DELETE")


def publish_cases(rng: np.random.Generator) -> list[Plain]:
    """Return a first publication, one that replaces another, and one with a refused upload."""
    return [
        {
            "bucket": np.array(bucket_name(rng)),
            "prefix": np.array(prefix),
            "seed": np.array(rng.integers(1 << 30)),
            "replaces": np.array(replaces),
            "refused": np.array(refused),
        }
        for prefix, replaces, refused in [
            ("data/small", False, 0),
            ("data/small/", True, 0),
            ("small", False, 3),
            ("data/small", True, 2),
        ]
    ]


def tables_of(case: Plain) -> dict[str, pd.DataFrame]:
    """Return the tables to publish: ratings and films."""
    rng = np.random.default_rng(int(case["seed"]))
    return {"ratings": make_ratings(rng, 12), "movies": make_movies(rng, 5)}


def ask_publish(answer: Any, case: Plain) -> Mapping[str, npt.ArrayLike]:
    """Call ``publish(client, bucket, prefix, tables)``; an upload may be refused on the way."""
    bucket, prefix, refused = str(case["bucket"]), str(case["prefix"]), int(case["refused"])
    server = MemoryS3(bucket, refused_write=refused)
    manifest = folder_of(prefix) + MANIFEST
    if case["replaces"]:
        server.put(bucket, folder_of(prefix) + "ratings.csv", b"user_id\n1\n")
        server.put(bucket, manifest, b'{"files": []}')
    tables = tables_of(case)
    link, raised = "", False
    with redirect_stdout(io.StringIO()) as printed:
        try:
            link = answer(server.client(), bucket, prefix, tables)
        except Exception as error:
            if not refused or "ccess" not in str(error):  # "AccessDenied", "access denied"
                raise
            raised = True
    stored = server.buckets[bucket]
    keys = sorted(stored)
    bodies = [stored[key].body for key in keys]
    steps = [request for request in server.requests if request.what in WRITES]
    same = all(tables[name].equals(table) for name, table in tables_of(case).items())
    return {
        "keys": texts(keys),
        "sizes": np.array([len(body) for body in bodies]),
        "characters": np.array([len(body.decode(errors="replace")) for body in bodies]),
        "sha256": texts(hashlib.sha256(body).hexdigest() for body in bodies),
        "tables": texts(_as_text(key, body) for key, body in zip(keys, bodies, strict=True)),
        "manifest": stored[manifest].body.decode(errors="replace")[:LONGEST]
        if manifest in stored
        else "",
        "steps": texts(f"{step.what} {step.key}" for step in steps),
        "raised": raised,
        "link": link if isinstance(link, str) else f"{type(link).__name__}",
        "printed": printed.getvalue()[:LONGEST],
        "unchanged": same,
    }


def _as_text(key: str, body: bytes) -> str:
    """Return the table in an object as text, "" where there is none that can be read."""
    readers: dict[str, Callable[[Any], pd.DataFrame]]
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet}
    kind = key.rpartition(".")[2]
    try:
        return readers[kind](io.BytesIO(body)).to_csv(index=False)[:LONGEST]
    except Exception:  # another kind of file, or no table at all
        return ""


def judge_publish(case: Plain, outputs: Plain) -> str:
    """Judge files, manifest and link exactly, and in which order the uploads came."""
    folder, tables = folder_of(str(case["prefix"])), tables_of(case)
    if case["refused"]:
        if not outputs["raised"]:
            return "An upload was refused, and your function returned as if all were well."
        if folder + MANIFEST in outputs["keys"].tolist():
            return f"An upload was refused, and yet there is a {MANIFEST}: half a release is shown."
        return OLD_ONE_STAYS if old_one_stays(case, outputs) else ""
    wanted = {f"{folder}{name}.{kind}" for name in tables for kind in ("csv", "parquet")}
    got = {*outputs["keys"].tolist()}
    if got != {*wanted, folder + MANIFEST}:
        return f"The bucket should hold {sorted(wanted)} and the manifest; it holds {sorted(got)}."
    for key, text in zip(outputs["keys"].tolist(), outputs["tables"].tolist(), strict=True):
        name = key.removeprefix(folder).partition(".")[0]
        if key in wanted and text != tables[name].to_csv(index=False):
            return f"The table in {key} is not the one that was to be published."
    wrong = _manifest_wrong(case, outputs) or _order_wrong(case, outputs)
    return wrong or _link_wrong(case, outputs)


def _manifest_wrong(case: Plain, outputs: Plain) -> str:
    files = entries(outputs)
    if files is None:
        return (
            f"{MANIFEST} should be JSON of the form "
            '{"files": [{"file": …, "size": …, "sha256": …, "rows": …}, …]}.'
        )
    folder = folder_of(str(case["prefix"]))
    facts = zip(outputs["keys"], outputs["sizes"], outputs["sha256"], strict=True)
    wanted = [
        {"file": key.removeprefix(folder), "size": int(size), "sha256": str(sha256),
         "rows": len(tables_of(case)[key.removeprefix(folder).partition(".")[0]])}
        for key, size, sha256 in facts
        if not key.endswith(MANIFEST)
    ]  # fmt: skip
    if len(files) != len(wanted):
        return f"{MANIFEST} should list {len(wanted)} files, and lists {len(files)}."
    for entry in wanted:
        mine = next((file for file in files if file.get("file") == entry["file"]), None)
        if mine is None:
            return f"{MANIFEST} does not list {entry['file']!r} under that name."
        for name, value in entry.items():
            if mine.get(name) != value:
                found = str(mine.get(name))[:80]
                return f"{MANIFEST}: {name} of {entry['file']} should be {value}, and is {found}."
    return ""


def _order_wrong(case: Plain, outputs: Plain) -> str:
    if old_one_stays(case, outputs):
        return OLD_ONE_STAYS
    steps, last = outputs["steps"].tolist(), f"PUT {folder_of(str(case['prefix']))}{MANIFEST}"
    if steps[-1] != last or steps.count(last) != 1:
        return f"{MANIFEST} should be written once, after everything else."
    return ""


def _link_wrong(case: Plain, outputs: Plain) -> str:
    if not outputs["unchanged"]:
        return "All is well in the bucket, but your code changes the tables it is given."
    key, seconds = link_of(str(outputs["link"]))
    wanted = f"{case['bucket']!s}/{folder_of(str(case['prefix']))}{MANIFEST}"
    if key != wanted:
        return f"Return a presigned link to {wanted}; this returns one to {key or 'nothing'}."
    if seconds != LINK_SECONDS:
        return f"The link should work for {LINK_SECONDS} seconds, and works for {seconds}."
    if "X-Amz-Signature" in str(outputs["printed"]):
        return "The link is printed."
    return ""


QUESTION = Question(
    "q4", "a release, whole or not at all", 4, "publish",
    "01_object_storage#a-release-in-the-bucket",
    publish_cases, ask_publish, judge_publish, PUBLISH_MISTAKES, seconds=15,
    prepare=load_boto3,
)  # fmt: skip
