"""What goes wrong in step 4 of lab 1, recognized by files, manifest and the order of uploads."""

from __future__ import annotations

from course_cloud.storage.publish import MANIFEST
from course_labs.checks.lab01.data import OTHER_CLIENT, folder_of
from course_labs.checks.lab01.release import (
    LINK_SECONDS,
    OLD_ONE_STAYS,
    entries,
    link_of,
    old_one_stays,
)
from course_labs.checks.question import Mistake, Plain


def _manifest_at(outputs: Plain) -> list[int]:
    """Return at which places among the uploads the manifest was written."""
    puts = [step for step in outputs["steps"].tolist() if step.startswith("PUT ")]
    return [n for n, step in enumerate(puts) if step.endswith(f"/{MANIFEST}")]


def _written_after_all(case: Plain, outputs: Plain) -> bool:
    steps = outputs["steps"].tolist()
    return bool(case["refused"]) and steps[-1] == f"PUT {folder_of(str(case['prefix']))}{MANIFEST}"


def _in_characters(case: Plain, outputs: Plain) -> bool:
    key = f"{folder_of(str(case['prefix']))}movies.csv"
    at = outputs["keys"].tolist().index(key)
    sizes = [file["size"] for file in entries(outputs) or [] if file["file"] == "movies.csv"]
    return bool(sizes == [outputs["characters"][at]] != [outputs["sizes"][at]])


def _one_checksum(case: Plain, outputs: Plain) -> bool:
    sums = [str(file.get("sha256")) for file in entries(outputs) or []]
    return len(set(sums)) < len(sums)


PUBLISH_MISTAKES = (
    Mistake(
        "A key has its prefix grown onto its name, or two slashes between them. The prefix comes "
        "with or without a slash at its end; make it exactly one.",
        lambda case, out: any(
            "//" in key or not key.startswith(folder_of(str(case["prefix"])))
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
    Mistake(OLD_ONE_STAYS, old_one_stays),
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
            len(str(file.get("sha256", "")).strip('"')) == 32 for file in entries(out) or []
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
        lambda case, out: any("/" in str(file.get("file")) for file in entries(out) or []),
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
        lambda case, out: link_of(str(out["link"]))[1] not in (0, LINK_SECONDS),
    ),
    OTHER_CLIENT,
)
