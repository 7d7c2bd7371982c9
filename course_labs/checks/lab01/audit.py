"""Lab 1, step 5: compare the files of a release with its manifest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from course_cloud.storage.publish import MANIFEST
from course_labs.checks.lab01 import data
from course_labs.checks.lab01.server import MemoryS3
from course_labs.checks.question import (
    AnswerError,
    Detector,
    Mistake,
    Outputs,
    Plain,
    named_type,
)

SHORT_PAGE = 4  # most keys of one answer; S3 may list fewer than 1,000 too
PROBLEMS = ("missing", "extra", "size", "content")
IN_PARTS = "ratings.parquet"  # uploaded in parts, so that its ETag is no MD5
DAMAGED = {
    "movies.csv": "size",
    "movies.parquet": "content",
    "tags.csv": "missing",
    "tags.parquet": "size",
    "users.csv": "content",
    "old/ratings.csv": "extra",
    "ratings (copy).csv": "extra",
    "ratings.csv": "",
    IN_PARTS: "",
    "users.parquet": "missing",
}
Findings = list[tuple[str, str]]


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return a damaged release, a healthy one, one with little wrong, and one without manifest."""
    healthy = dict.fromkeys((file for file, what in DAMAGED.items() if what != "extra"), "")
    little = {**healthy, "users.csv": "content", "readme.txt": "extra"}
    return [
        {
            "bucket": np.array(data.bucket_name(rng)),
            "prefix": np.array(prefix),
            "files": data.texts(files),
            "states": data.texts(files.values()),
            "sizes": rng.integers(100, 3000, len(files)),
            "at": rng.integers(0, 100, len(files)),  # which byte is changed
            "has_manifest": np.array(has_manifest),
        }
        for prefix, files, has_manifest in [
            ("data/ml-1", DAMAGED, True),
            ("data/ml-1/", healthy, True),
            ("ml-1", little, True),
            ("ml-1", healthy, False),
        ]
    ]


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``audit(client, bucket, prefix)``."""
    bucket, prefix = str(case["bucket"]), str(case["prefix"])
    server = release_of(case)
    result = answer(server.client(), bucket, prefix)
    try:
        pairs = [(str(file), str(what)) for file, what in result]
    except (TypeError, ValueError):
        raise AnswerError(
            f"Return a list of pairs, `(file, problem)`, an empty one when all is well; this "
            f"returns {named_type(result)} of another form."
        ) from None
    return {
        "files": data.texts(file for file, _ in pairs),
        "problems": data.texts(what for _, what in pairs),
    }


def release_of(case: Plain) -> MemoryS3:
    """Return a server with the case's release, and an object under a similar prefix."""
    bucket, folder = str(case["bucket"]), data.folder_of(str(case["prefix"]))
    server = MemoryS3(bucket, page=SHORT_PAGE)
    listed = []
    rows = zip(*(case[name].tolist() for name in ("files", "states", "sizes", "at")), strict=True)
    for file, state, size, at in rows:
        body = data.content(file, size)
        if state != "extra":
            sha256 = hashlib.sha256(body).hexdigest()
            listed.append({"file": file, "size": size, "sha256": sha256})
        if state == "size":
            body = body[: size // 2]
        if state == "content":
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        if state != "missing":
            server.put(bucket, folder + file, body, parts=3 if file == IN_PARTS else 1)
    server.put(bucket, f"{folder.rstrip('/')}0/tags.dat", data.content("tags.dat", 50))
    if case["has_manifest"]:
        text = json.dumps({"release": "ml-1", "files": listed})
        server.put(bucket, folder + MANIFEST, text.encode())
    return server


def findings_of(case: Plain) -> Findings:
    """Return the true findings, pairs of a file and its problem, sorted."""
    if not case["has_manifest"]:
        return [(MANIFEST, "missing")]
    pairs = zip(case["files"].tolist(), case["states"].tolist(), strict=True)
    return sorted((file, state) for file, state in pairs if state)


def judge(case: Plain, outputs: Plain) -> str:
    """Compare the findings exactly, in any order."""
    wanted, got = findings_of(case), _findings(outputs)
    if unknown := {what for _, what in got} - {*PROBLEMS}:
        return f"A problem is called one of {', '.join(PROBLEMS)}, not {min(unknown)!r}."
    for finding in wanted:
        if finding not in got:
            return f"Your findings lack {finding}; they are {got[:4]} …"
    for finding in got:
        if finding not in wanted:
            return f"{finding} is no finding: nothing of that kind is wrong with the file."
    return "" if len(got) == len(wanted) else "A finding stands twice in your list."


def _findings(outputs: Plain) -> Findings:
    return sorted(zip(outputs["files"].tolist(), outputs["problems"].tolist(), strict=True))


def _without(problem: str) -> Detector:
    """Return a detector of findings that are right except that one problem is missing."""

    def made(case: Plain, outputs: Plain) -> bool:
        others = [finding for finding in findings_of(case) if finding[1] != problem]
        return _findings(outputs) == others

    return made


def _more(case: Plain, outputs: Plain) -> Findings:
    return [finding for finding in _findings(outputs) if finding not in findings_of(case)]


def _of_one_page(case: Plain, outputs: Plain) -> bool:
    """Say whether only the first page was listed: files of later pages are called missing."""
    there = {
        file
        for file, state in zip(case["files"].tolist(), case["states"].tolist(), strict=True)
        if state not in ("missing", "extra")
    }
    more = _more(case, outputs)
    return len(more) > 1 and all(what == "missing" and file in there for file, what in more)


MISTAKES = (
    Mistake(
        f"The {MANIFEST} itself is called extra. It lists the others and cannot list itself, so "
        "leave it out of the comparison.",
        lambda case, out: (MANIFEST, "extra") in _findings(out),
    ),
    Mistake(data.NO_SLASH, lambda case, out: any("tags.dat" in file for file, _ in _findings(out))),
    Mistake(
        "A whole file is called damaged: the one that was uploaded in parts. Its ETag ends in "
        "`-3` and is no MD5 of its content. Compute the SHA-256 of what you read, and compare "
        "that with the manifest; leave ETags alone.",
        lambda case, out: (IN_PARTS, "content") in _findings(out),
    ),
    Mistake(
        "Files are called by their whole keys. Findings use the manifest's names: what follows "
        "the prefix and its slash.",
        lambda case, out: any(
            file.startswith(data.folder_of(str(case["prefix"]))) for file, _ in _findings(out)
        ),
    ),
    Mistake(data.ONE_PAGE, _of_one_page),
    Mistake(
        "One finding for each file: what has another size has another content too, so call it "
        "`size` and look no further.",
        lambda case, out: len({*out["files"].tolist()}) < len({*_findings(out)}),
    ),
    Mistake(
        "A byte was changed, and the size has stayed the same: comparing sizes cannot find that. "
        "Read the file, and compare its SHA-256 with the manifest's.",
        _without("content"),
    ),
    Mistake(
        "You look at what the manifest lists only. What lies there and is not listed is `extra`, "
        "also in a folder further down.",
        _without("extra"),
    ),
    Mistake(
        "You look at what lies there only. What the manifest lists and the bucket lacks is "
        "`missing`.",
        lambda case, out: bool(case["has_manifest"]) and _without("missing")(case, out),
    ),
    Mistake(
        "You stop at the first finding. Collect all of them in a list, and return that at the end.",
        lambda case, out: len(out["files"]) == 1 < len(findings_of(case)),
    ),
    Mistake(
        "Something that is not there is read. Compare names first, and read only what lies there; "
        f"a release without {MANIFEST} has the one finding `('{MANIFEST}', 'missing')`.",
        lambda case, out: not case["has_manifest"],
        raises="NoSuchKey|there is no object|Not Found|StopIteration|KeyError",
    ),
    data.OTHER_CLIENT,
)
