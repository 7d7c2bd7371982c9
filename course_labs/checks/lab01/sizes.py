"""Lab 1, step 1: the bytes in each folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_labs.checks.lab01 import data
from course_labs.checks.lab01.server import PAGE
from course_labs.checks.question import Detector, Mistake, Outputs, Plain

Sizes = dict[str, int]


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return buckets: a small one, one of more than a page, and one with the empty prefix."""
    small = ["data/ml-1m/ratings.csv", "data/ml-1m/old/ratings.csv", "data/ml-10m/ratings.csv",
             "data/ml-10m/tags.csv", "data/read me.txt", "data-2019/ml-1m/ratings.csv",
             "data-2019/notes.txt", "essay.txt"]  # fmt: skip
    many = [f"logs/{day}/{n:04}.csv" for day in ("mon", "tue") for n in range(600)]
    many += ["logs/index.json", "logs-old/mon/0001.csv"]
    return [
        {
            "bucket": np.array(data.bucket_name(rng)),
            "prefix": np.array(prefix),
            "keys": data.texts(sorted(keys)),
            "sizes": rng.integers(10, 3000, len(keys)),
        }
        for prefix, keys in [("data", small), ("logs/", many), ("", small)]
    ]


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``folder_sizes(client, bucket, prefix)``."""
    server = data.filled(case, page=PAGE)
    result = answer(server.client(), str(case["bucket"]), str(case["prefix"]))
    pairs = sorted(data.items_of(result, "from a folder to its bytes; this returns"))
    return {
        "names": data.texts(name for name, _ in pairs),
        "sizes": np.array([size for _, size in pairs]),
        "moved": data.moved(server.requests),
    }


def sizes_of(
    case: Plain,
    *,
    start: str | None = None,
    name: Callable[[str], str] = lambda rest: rest.partition("/")[0] if "/" in rest else "",
    pages: slice = slice(None),
    add: Callable[[int, int], int] = lambda total, size: total + size,
) -> Sizes:
    """Return the bytes of each folder; the keywords make one mistake each."""
    start = data.folder_of(str(case["prefix"])) if start is None else start
    size_of = dict(zip(case["keys"].tolist(), case["sizes"].tolist(), strict=True))
    sizes: Sizes = {}
    for key in data.below(size_of, start)[pages]:
        folder = name(key[len(start) :])
        sizes[folder] = add(sizes.get(folder, 0), size_of[key])
    return sizes


def judge(case: Plain, outputs: Plain) -> str:
    """Compare names and bytes exactly; nothing may have been downloaded."""
    wanted, got = sizes_of(case), _sizes(outputs)
    prefix = str(case["prefix"])
    if got.keys() != wanted.keys():
        return f"Below {prefix!r} the folders should be {sorted(wanted)}; yours are {sorted(got)}."
    for name, size in wanted.items():
        if got[name] != size:
            return f"Below {prefix!r}, {name!r} should have {size:,} bytes; yours has {got[name]}."
    return DOWNLOADED if outputs["moved"] > 0 else ""


def _sizes(outputs: Plain) -> Sizes:
    return dict(zip(outputs["names"].tolist(), outputs["sizes"].tolist(), strict=True))


def _like(**wrong: Any) -> Detector:
    return lambda case, out: _sizes(out) == sizes_of(case, **wrong)


def _total_like(case: Plain, outputs: Plain, sizes: Sizes) -> bool:
    return bool(outputs["sizes"].sum() == sum(sizes.values()))


def _without_slash(case: Plain, outputs: Plain) -> bool:
    start = str(case["prefix"]).rstrip("/")
    return start != "" and _total_like(case, outputs, sizes_of(case, start=start))


def _pages(case: Plain, outputs: Plain, pages: slice) -> bool:
    some = sizes_of(case, pages=pages)
    return some != sizes_of(case) and _total_like(case, outputs, some)


DOWNLOADED = (
    "The sums are right, but you download objects to learn their sizes. The listing tells them "
    "already: each of its `Contents` has a `Size`."
)
MISTAKES = (
    Mistake(
        "You find nothing below a prefix that ends with a slash, or below the empty one. Add a "
        "slash only where one is missing, and none to an empty prefix: no key begins with `/`.",
        lambda case, out: len(out["names"]) == 0,
    ),
    Mistake(data.NO_SLASH, _without_slash),
    Mistake(data.ONE_PAGE, lambda case, out: _pages(case, out, slice(PAGE))),
    Mistake(
        "You keep the last page of the listing only: the sums begin anew with each page. Make the "
        "dict once, before the loop over pages.",
        lambda case, out: _pages(case, out, slice(PAGE, None)),
    ),
    Mistake(
        "You count objects. Add up their `Size`, which is in bytes.",
        _like(add=lambda total, size: total + 1),
    ),
    Mistake(
        "A folder has the size of its last object only: you assign where you should add. "
        "`sizes[name] = sizes.get(name, 0) + size`.",
        _like(add=lambda total, size: size),
    ),
    Mistake(
        "Objects right below the prefix, in no folder, are missing. Count them under `''`.",
        lambda case, out: _sizes(out) == {k: v for k, v in sizes_of(case).items() if k},
    ),
    Mistake(
        "An object right below the prefix is listed as if it were a folder. What has no slash "
        "after the prefix lies in no folder; count it under `''`.",
        _like(name=lambda rest: rest.partition("/")[0]),
    ),
    Mistake(
        "You go down to the deepest folder. Cut what follows the prefix at its *first* slash: "
        "`rest.partition('/')[0]`.",
        _like(name=lambda rest: rest.rpartition("/")[0]),
    ),
    Mistake(
        "The names are not what the step asks for: only the part between the prefix and the next "
        "slash, without either.",
        lambda case, out: (
            any("/" in name for name in out["names"].tolist())
            and _total_like(case, out, sizes_of(case))
        ),
    ),
    data.OTHER_CLIENT,
)
