"""Lab 1, step 4: a release that is published as a whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd

from course_cloud.storage.publish import MANIFEST
from course_labs.checks.lab01 import data
from course_labs.checks.lab01.server import MemoryS3
from course_labs.checks.question import Mistake, Outputs, Plain

LONGEST = 20_000  # characters of a text that is passed to the judge
WRITES = ("PUT", "COPY", "DELETE")
LINK_SECONDS = 600
OLD_ONE_STAYS = (
    f"While files are being replaced, the {MANIFEST} of the earlier release still stands there and "
    "vouches for them. Delete it before the first upload; deleting what is not there is no error."
)


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return a first publication, one that replaces another, and one with a refused upload."""
    return [
        {
            "bucket": np.array(data.bucket_name(rng)),
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
    return {"ratings": data.make_ratings(rng, 12), "movies": data.make_movies(rng, 5)}


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``publish(client, bucket, prefix, tables)``; one of the uploads may be refused."""
    bucket, prefix, refused = str(case["bucket"]), str(case["prefix"]), int(case["refused"])
    server = MemoryS3(bucket, refused_write=refused)
    manifest = data.folder_of(prefix) + MANIFEST
    if case["replaces"]:
        server.put(bucket, data.folder_of(prefix) + "ratings.csv", b"user_id\n1\n")
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
        "keys": data.texts(keys),
        "sizes": np.array([len(body) for body in bodies]),
        "characters": np.array([len(body.decode(errors="replace")) for body in bodies]),
        "sha256": data.texts(hashlib.sha256(body).hexdigest() for body in bodies),
        "tables": data.texts(_as_text(key, body) for key, body in zip(keys, bodies, strict=True)),
        "manifest": stored[manifest].body.decode(errors="replace")[:LONGEST]
        if manifest in stored
        else "",
        "steps": data.texts(f"{step.what} {step.key}" for step in steps),
        "raised": raised,
        "link": link if isinstance(link, str) else f"{type(link).__name__}",
        "printed": printed.getvalue()[:LONGEST],
        "unchanged": same,
    }


def _as_text(key: str, body: bytes) -> str:
    """Return the table in an object as text, "" when it cannot be read."""
    readers: dict[str, Callable[[Any], pd.DataFrame]]
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet}
    kind = key.rpartition(".")[2]
    try:
        return readers[kind](io.BytesIO(body)).to_csv(index=False)[:LONGEST]
    except Exception:  # another kind of file, or no table at all
        return ""


def judge(case: Plain, outputs: Plain) -> str:
    """Compare files, manifest, link and the order of the uploads exactly."""
    folder, tables = data.folder_of(str(case["prefix"])), tables_of(case)
    if case["refused"]:
        if not outputs["raised"]:
            return "An upload was refused, and your function returned as if all were well."
        if folder + MANIFEST in outputs["keys"].tolist():
            return f"An upload was refused, and yet there is a {MANIFEST}: half a release is shown."
        return OLD_ONE_STAYS if _old_one_stays(case, outputs) else ""
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
    files = _entries(outputs)
    if files is None:
        return (
            f"{MANIFEST} should be JSON of the form "
            '{"files": [{"file": …, "size": …, "sha256": …, "rows": …}, …]}.'
        )
    folder = data.folder_of(str(case["prefix"]))
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
    if _old_one_stays(case, outputs):
        return OLD_ONE_STAYS
    steps, last = outputs["steps"].tolist(), f"PUT {data.folder_of(str(case['prefix']))}{MANIFEST}"
    if steps[-1] != last or steps.count(last) != 1:
        return f"{MANIFEST} should be written once, after everything else."
    return ""


def _link_wrong(case: Plain, outputs: Plain) -> str:
    if not outputs["unchanged"]:
        return "All is well in the bucket, but your code changes the tables it is given."
    key, seconds = _link_of(str(outputs["link"]))
    wanted = f"{case['bucket']!s}/{data.folder_of(str(case['prefix']))}{MANIFEST}"
    if key != wanted:
        return f"Return a presigned link to {wanted}; this returns one to {key or 'nothing'}."
    if seconds != LINK_SECONDS:
        return f"The link should work for {LINK_SECONDS} seconds, and works for {seconds}."
    if "X-Amz-Signature" in str(outputs["printed"]):
        return "The link is printed."
    return ""


def _entries(outputs: Plain) -> list[dict[str, Any]] | None:
    """Return the entries of the manifest, None when it has another form."""
    try:
        files = json.loads(str(outputs["manifest"]))["files"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    fits = isinstance(files, list) and all(isinstance(file, dict) for file in files)
    return files if fits else None


def _link_of(link: str) -> tuple[str, int]:
    """Return ``bucket/key`` and the seconds of a presigned link, "" and 0 for any other text."""
    try:
        url = urlsplit(link)
        query = parse_qs(url.query)
        seconds = int(query["X-Amz-Expires"][0])
    except (ValueError, KeyError):
        return "", 0
    signed = url.scheme.startswith("http") and "X-Amz-Signature" in query
    return (unquote(url.path).removeprefix("/"), seconds) if signed else ("", 0)


def _old_one_stays(case: Plain, outputs: Plain) -> bool:
    """Say whether files were uploaded while the manifest of an earlier release was there."""
    steps = outputs["steps"].tolist()
    removed = f"DELETE {data.folder_of(str(case['prefix']))}{MANIFEST}"
    before = steps[: steps.index(removed)] if removed in steps else steps
    return bool(case["replaces"]) and any(step.startswith("PUT ") for step in before)


def _manifest_at(outputs: Plain) -> list[int]:
    """Return the positions of the manifest among the uploads."""
    puts = [step for step in outputs["steps"].tolist() if step.startswith("PUT ")]
    return [n for n, step in enumerate(puts) if step.endswith(f"/{MANIFEST}")]


def _written_after_all(case: Plain, outputs: Plain) -> bool:
    steps = outputs["steps"].tolist()
    return (
        bool(case["refused"])
        and steps[-1] == f"PUT {data.folder_of(str(case['prefix']))}{MANIFEST}"
    )


def _in_characters(case: Plain, outputs: Plain) -> bool:
    key = f"{data.folder_of(str(case['prefix']))}movies.csv"
    at = outputs["keys"].tolist().index(key)
    sizes = [file["size"] for file in _entries(outputs) or [] if file["file"] == "movies.csv"]
    return bool(sizes == [outputs["characters"][at]] != [outputs["sizes"][at]])


def _one_checksum(case: Plain, outputs: Plain) -> bool:
    sums = [str(file.get("sha256")) for file in _entries(outputs) or []]
    return len(set(sums)) < len(sums)


MISTAKES = (
    Mistake(
        "A key has its prefix grown onto its name, or two slashes between them. The prefix comes "
        "with or without a slash at its end; make it exactly one.",
        lambda case, out: any(
            "//" in key or not key.startswith(data.folder_of(str(case["prefix"])))
            for key in out["keys"].tolist()
        ),
    ),
    Mistake(
        "Your function hides that an upload was refused: it returns as if all were well. Do not "
        "catch the error, or raise it again, so that the caller hears of it.",
        lambda case, out: bool(case["refused"]) and not out["raised"],
    ),
    Mistake(
        f"{MANIFEST} is written first. From then on everybody believes that the release is there, "
        "also when the next upload fails. Write it last.",
        lambda case, out: _manifest_at(out)[0] == 0,
    ),
    Mistake(
        f"{MANIFEST} is written again and again, so that for a while it lists half a release as "
        "if that were all. Collect the entries in a list, and write it once, at the end.",
        lambda case, out: len(_manifest_at(out)) > 1,
    ),
    Mistake(
        f"An upload was refused, and {MANIFEST} is written all the same (in a `finally`, perhaps). "
        "It says that the release is whole; it must not be there.",
        _written_after_all,
    ),
    Mistake(OLD_ONE_STAYS, _old_one_stays),
    Mistake(
        "The index of the table was written into the CSV as a column without a name. Write "
        "`table.to_csv(index=False)`.",
        lambda case, out: any(t.startswith("Unnamed: 0") for t in out["tables"].tolist()),
    ),
    Mistake(
        "Each table is to be there twice, as `.csv` and as `.parquet`.",
        lambda case, out: any(
            not any(key.endswith(kind) for key in out["keys"].tolist())
            for kind in (".csv", ".parquet")
        ),
    ),
    Mistake(
        "A size is the number of characters, and it should be that of bytes: an “ü” is one "
        "character and two bytes. Encode first, `text.encode()`, and take `len` of that.",
        _in_characters,
    ),
    Mistake(
        "These are MD5 sums or ETags. The manifest is to have the SHA-256 of the bytes: "
        "`hashlib.sha256(data).hexdigest()`.",
        lambda case, out: any(
            len(str(file.get("sha256", "")).strip('"')) == 32 for file in _entries(out) or []
        ),
    ),
    Mistake(
        "Both files of a table have one checksum in the manifest. Compute it from the bytes that "
        "you upload, for each file.",
        _one_checksum,
    ),
    Mistake(
        "The manifest names whole keys. Name files as they are called below the prefix, so that "
        "the release can be copied elsewhere and its manifest stays true.",
        lambda case, out: any("/" in str(file.get("file")) for file in _entries(out) or []),
    ),
    Mistake(
        "You print the presigned link. Whoever sees this output can read the object, and a "
        "notebook keeps its outputs. Return it, and print at most that there is one.",
        lambda case, out: "X-Amz-Signature" in str(out["printed"]),
    ),
    Mistake(
        "What you return is an address, which only somebody with an account can read. "
        "`presign(address, expires=…, client=client)` makes a link of it.",
        lambda case, out: str(out["link"]).startswith("s3://"),
    ),
    Mistake(
        f"The link works for another time than asked. Say so when you make it: {LINK_SECONDS} "
        "seconds, as `expires=` of `presign` or `ExpiresIn=` of boto3.",
        lambda case, out: _link_of(str(out["link"]))[1] not in (0, LINK_SECONDS),
    ),
    data.OTHER_CLIENT,
)
