"""Lab 1, step 2: a folder copied to another bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from course_labs.checks.lab01 import data
from course_labs.checks.question import Detector, Mistake, Outputs, Plain

SHORT_PAGE = 5  # most keys of one answer; S3 may list fewer than 1,000 too
FILES = ("ratings.csv", "movies.csv", "old/ratings.csv", "old/2019/tags.csv", "read me.txt",
         "Amélie & Co.csv", "50%+20.csv", "z.parquet")  # fmt: skip
NOTES = "notes.txt"  # in the target before the copy


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return buckets with a prefix to copy and its target, in the last case a bucket's root."""
    cases = []
    for prefix, target in [("data/ml-1", "backup/2027"), ("data/ml-1/", "spare/"), ("ml-1", "")]:
        folder, near = data.folder_of(prefix), prefix.rstrip("/") + "0/"
        keys = [*(folder + file for file in FILES), near + "ratings.csv", near + "movies.csv"]
        bucket = data.bucket_name(rng)
        cases.append(
            {
                "bucket": np.array(bucket),
                "prefix": np.array(prefix),
                "to_bucket": np.array(f"{bucket}-backup"),
                "to_prefix": np.array(target),
                "keys": data.texts([*keys, "essay.txt"]),
                "sizes": rng.integers(10, 3000, len(keys) + 1),
            }
        )
    return cases


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``copy_folder(client, bucket, prefix, to_bucket, to_prefix)``."""
    bucket, to_bucket = str(case["bucket"]), str(case["to_bucket"])
    server = data.filled(case, to_bucket, page=SHORT_PAGE)
    server.put(to_bucket, NOTES, data.content(NOTES, 99))
    count = answer(server.client(), bucket, str(case["prefix"]), to_bucket, str(case["to_prefix"]))
    there = server.buckets[to_bucket]
    return {
        "count": count,
        "source": data.texts(sorted(server.buckets[bucket])),
        "keys": data.texts(sorted(there)),
        "digests": data.texts(hashlib.sha256(there[key].body).hexdigest() for key in sorted(there)),
        "moved": data.moved(server.requests),
    }


def copies(
    case: Plain,
    *,
    start: str | None = None,
    name: Callable[[str, str], str] = lambda target, rest: target + rest,
    chosen: Callable[[list[str]], list[str]] = lambda keys: keys,
) -> dict[str, str]:
    """Return the source of each key in the target; the keywords make one mistake each."""
    folder = data.folder_of(str(case["prefix"])) if start is None else start
    target = data.folder_of(str(case["to_prefix"]))
    keys = chosen(data.below(case["keys"].tolist(), folder))
    return {name(target, key[len(folder) :]): key for key in keys}


def judge(case: Plain, outputs: Plain) -> str:
    """Compare keys, contents and the count; the source must be unchanged, and no byte moved."""
    wanted, got = {*copies(case), NOTES}, {*outputs["keys"].tolist()}
    place = f"{case['prefix']!s} copied to {case['to_prefix']!s}" if case["to_prefix"] else "A copy"
    if NOTES not in got:
        return f"{NOTES} was in the target before, and is gone. Leave what is there alone."
    for sentence, keys in (("lacks", wanted - got), ("should not have", got - wanted)):
        if keys:
            return f"{place}: the target {sentence} {min(keys)!r}, and {len(keys) - 1} more."
    if {*outputs["source"].tolist()} != {*case["keys"].tolist()}:
        return SOURCE_CHANGED
    if dict(zip(outputs["keys"].tolist(), outputs["digests"].tolist(), strict=True)) != {
        **{key: _digest(case, source) for key, source in copies(case).items()},
        NOTES: hashlib.sha256(data.content(NOTES, 99)).hexdigest(),
    }:
        return "The keys are right, but an object has the content of another one."
    if outputs["moved"] > 0:
        return THROUGH_YOU
    if outputs["count"].shape != () or outputs["count"] != len(copies(case)):
        return f"Return how many objects you copied, {len(copies(case))} here."
    return ""


def _digest(case: Plain, key: str) -> str:
    size = int(case["sizes"][case["keys"].tolist().index(key)])
    return hashlib.sha256(data.content(key, size)).hexdigest()


def _like(**wrong: Any) -> Detector:
    return lambda case, out: {*out["keys"].tolist()} == {*copies(case, **wrong), NOTES}


def _without_slash(case: Plain, outputs: Plain) -> bool:
    """Say whether objects of a similar prefix were copied too, under any name."""
    near = {key for key in case["keys"].tolist() if "ml-10/" in key}
    digests = {_digest(case, key) for key in near}
    return bool(digests & {*outputs["digests"].tolist()})


def _grown_together(case: Plain, outputs: Plain) -> bool:
    """Say whether the target's prefix is followed by no slash, or by two."""
    keys = outputs["keys"].tolist()
    grown = {str(case["to_prefix"]) + file for file in FILES} - {*copies(case)}
    return any(f"/{key}".count("//") or key in grown for key in keys)


THROUGH_YOU = (
    "The copy is right, but every byte came to you and went back. Let the server copy: "
    "`client.copy_object(CopySource={'Bucket': …, 'Key': …}, Bucket=…, Key=…)`."
)
SOURCE_CHANGED = (
    "The source has changed: a copy leaves it as it was. Nothing is to be deleted or written there."
)
MISTAKES = (
    Mistake(
        "The copies lie in the bucket that they come from. `Bucket` is where the copy goes, "
        "`CopySource` where it comes from.",
        lambda case, out: len(out["source"]) > len(case["keys"]),
    ),
    Mistake(SOURCE_CHANGED, lambda case, out: {*out["source"].tolist()} < {*case["keys"].tolist()}),
    Mistake(
        "A key is percent-encoded in the target (`%20` for a space). Keys are plain texts; boto3 "
        "encodes what must be encoded, and the listing's `Key` is decoded already.",
        lambda case, out: any("%20" in key or "%C3" in key for key in out["keys"].tolist()),
    ),
    Mistake(data.NO_SLASH, _without_slash),
    Mistake(data.ONE_PAGE, _like(chosen=lambda keys: keys[:SHORT_PAGE])),
    Mistake(
        "What lies deeper is missing: `Delimiter='/'` lists one level. Leave it out, and you get "
        "every key below the prefix.",
        _like(chosen=lambda keys: [key for key in keys if "/old/" not in key]),
    ),
    Mistake(
        "The folders below the prefix are lost, so that files of one name replace each other. Keep "
        "all that follows the prefix, not only the last part.",
        _like(name=lambda target, rest: target + rest.rpartition("/")[2]),
    ),
    Mistake(
        "The source's prefix is still in the keys of the target. Take it off before you put the "
        "new one in front: `key.removeprefix(prefix)`.",
        lambda case, out: any(
            data.folder_of(str(case["prefix"])) + "ratings.csv" in key
            for key in out["keys"].tolist()
        ),
    ),
    Mistake(
        "Prefix and name have grown together, or two slashes stand between them, or a key begins "
        "with one. Put exactly one slash after a prefix, and none for an empty one.",
        _grown_together,
    ),
    Mistake(
        "An object was not found. If you write `CopySource` as a text, do not encode it yourself; "
        "better write a dict, `{'Bucket': bucket, 'Key': key}`, with the key as it is listed.",
        raises="NoSuchKey",
    ),
    data.OTHER_CLIENT,
)
