"""What steps 4 and 5 of lab 1 know of a release: its manifest, and a link to it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from course_cloud.storage.publish import MANIFEST
from course_labs.checks.lab01.data import folder_of
from course_labs.checks.question import Plain

LINK_SECONDS = 600
OLD_ONE_STAYS = (
    f"While files are being replaced, the {MANIFEST} of the earlier release still stands there and "
    "vouches for them. Delete it before the first upload; deleting what is not there is no error."
)


def entries(outputs: Plain) -> list[dict[str, Any]] | None:
    """Return the files that a manifest lists, None when it has another form."""
    try:
        files = json.loads(str(outputs["manifest"]))["files"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    fits = isinstance(files, list) and all(isinstance(file, dict) for file in files)
    return files if fits else None


def link_of(link: str) -> tuple[str, int]:
    """Return ``bucket/key`` and the seconds of a presigned link; "" and 0 of what is none."""
    try:
        url = urlsplit(link)
        query = parse_qs(url.query)
        seconds = int(query["X-Amz-Expires"][0])
    except (ValueError, KeyError):
        return "", 0
    signed = url.scheme.startswith("http") and "X-Amz-Signature" in query
    return (unquote(url.path).removeprefix("/"), seconds) if signed else ("", 0)


def old_one_stays(case: Plain, outputs: Plain) -> bool:
    """Say whether something was uploaded while the manifest of an earlier release was there."""
    steps = outputs["steps"].tolist()
    removed = f"DELETE {folder_of(str(case['prefix']))}{MANIFEST}"
    before = steps[: steps.index(removed)] if removed in steps else steps
    return bool(case["replaces"]) and any(step.startswith("PUT ") for step in before)
