"""Exercises of lesson 01: folders out of keys, batches of keys, and what a policy allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain, Question, named_type

ARN, TEXT = "arn:aws:s3:::class", "U64"  # with a type of its own, an empty list is one of text, too


def folder_cases(rng: np.random.Generator) -> list[Plain]:
    """Return keys in random order, with prefixes: a folder, the root, one inside, half a name."""
    n = rng.integers(10, 99, 5)
    inside = ["ratings.csv", "movies.csv", f"raw/{n[1]}.dat", f"raw/{n[2]}/a.dat"]
    others = [f"data/zip/{n[3]}.zip", f"data/read-{n[4]}.md", f"exams/{n[1]}.pdf", f"z{n[2]}.txt"]
    keys = np.array([*(f"data/ml-{n[0]}/{key}" for key in inside), *others], dtype=TEXT)
    prefixes = ["data/", "", f"data/ml-{n[0]}/", "data/ml", "data/re"]
    return [{"keys": rng.permutation(keys), "prefix": np.array(prefix)} for prefix in prefixes]


def ask_folders(answer: Any, case: Plain) -> Outputs:
    """Call ``list_folder(keys, prefix)``."""
    result = answer(case["keys"].tolist(), str(case["prefix"]))
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise AnswerError(f"Return two lists, `folders, keys`; this returns {named_type(result)}.")
    folders, files = (np.array(sorted(map(str, part)), dtype=TEXT) for part in result)
    return {"folders": folders, "files": files}


def _below(case: Plain) -> tuple[list[str], list[str]]:
    """Return the folders, one for each key in them, and the keys directly below the prefix."""
    prefix = str(case["prefix"])
    rests = [k.removeprefix(prefix) for k in sorted(case["keys"].tolist()) if k.startswith(prefix)]
    folders = [f"{prefix}{rest.split('/')[0]}/" for rest in rests if "/" in rest]
    return folders, [prefix + rest for rest in rests if "/" not in rest]


def judge_folders(case: Plain, outputs: Plain) -> str:
    """Compare both lists, in any order."""
    folders, files = _below(case)
    for name, wanted in (("folders", sorted(set(folders))), ("files", files)):
        if outputs[name].tolist() != wanted:
            got = f"should be {wanted}, and are {outputs[name].tolist()}"
            return f"For the prefix {str(case['prefix'])!r}, the {name} {got}."
    return ""


def _folders(hint: str, change: Callable[[list[str], str], Sequence[str]]) -> Mistake:
    """Return the mistake of folders changed in this way."""

    def made(case: Plain, out: Plain) -> bool:
        wrong = change(_below(case)[0], str(case["prefix"]))
        return bool(out["folders"].tolist() == sorted(wrong))

    return Mistake(hint, made)


FOLDER_MISTAKES = (
    Mistake("You also show folders inside folders. Cut each key at the first slash behind the "
            "prefix.",
            lambda case, out: any(
                f.startswith(prefix) and f.removeprefix(prefix).count("/") > 1
                for prefix in [str(case["prefix"])] for f in out["folders"].tolist())),
    Mistake("Some keys do not begin with the prefix. Choose by `key.startswith(prefix)` first, "
            "as in A bucket is a dictionary.",
            lambda case, out: set(out["folders"]) > set(_below(case)[0])),
    _folders("You list a folder once for each key in it. Show each once; a set keeps them so.",
             lambda folders, prefix: folders),
    _folders("The folders have lost their prefix. S3 returns whole prefixes: see the output of the "
             "server above.", lambda folders, prefix: [*{f[len(prefix):] for f in folders}]),
    _folders("The folders have lost their slash. Without it `ml-1` also finds `ml-10m/`.",
             lambda folders, prefix: [*{f[:-1] for f in folders}]),
    _folders("You cut the whole key at its first slash. Cut what comes *after* the prefix.",
             lambda folders, prefix: [*{f.split("/")[0] + "/" for f in folders}]),
    Mistake("Keys of deeper folders are among your keys. A key that has another slash after the "
            "prefix is in a folder, and only the folder is listed.",
            lambda case, out: len(out["files"]) == sum(map(len, _below(case)))),
)  # fmt: skip


def batch_cases(rng: np.random.Generator) -> list[Plain]:
    """Return keys and a size: with a rest, without one, fewer keys than the size, none."""
    size = int(rng.integers(3, 6))
    keys = np.array([f"data/{n}.csv" for n in rng.permutation(90)], dtype=TEXT)
    counts = (2 * size + 1, 3 * size, size - 1, 0)
    return [{"keys": keys[:count], "size": np.array(size)} for count in counts]


def ask_batches(answer: Any, case: Plain) -> Outputs:
    """Call ``batches(keys, size)``."""
    result = answer(case["keys"].tolist(), int(case["size"]))
    lists = [] if result is None or isinstance(result, int | float) else list(result)
    if result is None or isinstance(result, int | float) or any(isinstance(x, str) for x in lists):
        raise AnswerError("Return a list of lists of keys, one for each request.")
    keys = np.array([key for one in lists for key in one], dtype=TEXT)
    return {"lengths": np.array([len(one) for one in lists], dtype=np.int64), "keys": keys}


def judge_batches(case: Plain, outputs: Plain) -> str:
    """Ask for all keys in their order, and lists that are neither empty nor too long."""
    n, size, lengths = len(case["keys"]), int(case["size"]), outputs["lengths"].tolist()
    if outputs["keys"].tolist() == case["keys"].tolist() and all(1 <= x <= size for x in lengths):
        return ""
    return f"{n} keys, at most {size} each, came in lists of {lengths}; keep all, in their order."


BATCH_MISTAKES = (
    Mistake("One list is empty. S3 answers a request to delete no keys with an error.",
            lambda case, out: bool((out["lengths"] == 0).any())),
    Mistake("A list is longer than `size`: S3 refuses such a request whole, see Remove.",
            lambda case, out: bool((out["lengths"] > case["size"]).any())),
    Mistake("You return only the first list, and the other keys would stay in the bucket.",
            lambda case, out: len(out["lengths"]) == 1 and len(case["keys"]) > int(case["size"])),
    Mistake("The last keys are lost: those that do not fill a whole list need one, too.",
            lambda case, out: len(out["keys"]) + len(case["keys"]) % int(case["size"])
            == len(case["keys"])),
)  # fmt: skip


def policy_cases(rng: np.random.Generator) -> list[Plain]:
    """Return the statements of a policy in two orders, and requests that tell the rules apart."""
    n = int(rng.integers(10, 99))
    rows = [
        ("Allow", "s3:GetObject", "data/*"),
        ("Deny", "s3:GetObject", f"data/exam-{n}/*"),
        ("Allow", "s3:PutObject s3:GetObject", f"home/u{n}/*"),
        ("Deny", "s3:DeleteObject", "home/*"),
        ("Allow", "s3:DeleteObject", f"home/u{n}/*"),
    ]
    asked = [("Get", f"data/{n}"), ("Get", f"data/exam-{n}/1"), ("Put", f"data/{n}")]
    asked += [("Put", f"home/u{n}/a"), ("Get", f"home/u{n + 1}/a"), ("Delete", f"home/u{n}/a")]
    statements = np.array([(effect, does, f"{ARN}/{on}") for effect, does, on in rows])
    requests = np.array([(f"s3:{does}Object", f"{ARN}/{on}") for does, on in asked])
    return [{"statements": one, "requests": requests} for one in (statements, statements[::-1])]


def ask_policy(answer: Any, case: Plain) -> Outputs:
    """Call ``may(statements, action, resource)`` for each request."""
    rows = case["statements"].tolist()
    statements = [{"Effect": e, "Action": a.split(), "Resource": r} for e, a, r in rows]
    answers = [answer(statements, *request) for request in case["requests"].tolist()]
    if not all(isinstance(one, bool | np.bool_) for one in answers):
        raise AnswerError(f"Return True or False; this returns {named_type(answers[0])}.")
    return {"allowed": np.array(answers)}


def _rule(hint: str, rule: Callable[[list[str]], bool], exact: bool = False,
          any_action: bool = False) -> Mistake:  # fmt: skip
    """Return the mistake of another rule, for the effects of the statements that match."""

    def made(case: Plain, out: Plain) -> bool:
        rows = case["statements"].tolist()
        return bool(out["allowed"].tolist() == [
            rule([effect for effect, actions, on in rows if (any_action or does in actions.split())
                  and (to == on if exact else fnmatchcase(to, on))])
            for does, to in case["requests"].tolist()
        ])  # fmt: skip

    return Mistake(hint, made)


def _allowed(effects: list[str]) -> bool:
    return "Allow" in effects and "Deny" not in effects


def judge_policy(case: Plain, outputs: Plain) -> str:
    """Compare with the rule of AWS."""
    right = _rule("", _allowed).made
    got = dict(zip((f"{a} {r}" for a, r in case["requests"]), outputs["allowed"], strict=True))
    allowed = ", ".join(request.replace(f"{ARN}/", "") for request, yes in got.items() if yes)
    return "" if right and right(case, outputs) else f"You allow: {allowed or 'nothing'}."


ONE = "You let one statement decide, the first or the last that matches. Look at all of them."
POLICY_MISTAKES = (
    _rule("You forget `Deny`: a statement that denies outweighs every one that allows.",
          lambda found: "Allow" in found),
    _rule("You allow what no statement mentions: something must allow it, see Who may do what.",
          lambda found: "Deny" not in found),
    _rule(ONE, lambda found: found[:1] == ["Allow"]),
    _rule(ONE, lambda found: found[-1:] == ["Allow"]),
    _rule("You compare resources with `==`. The star in `data/*` stands for any text: use "
          "`fnmatchcase`, as `matches` above does.", _allowed, exact=True),
    _rule("You look at the resource only. The statement must name the action, too.", _allowed,
          any_action=True),
)  # fmt: skip

QUESTIONS = (
    Question("a", "folders out of keys", 0, "list_folder", "",
             folder_cases, ask_folders, judge_folders, FOLDER_MISTAKES),
    Question("b", "no more than a thousand", 0, "batches", "",
             batch_cases, ask_batches, judge_batches, BATCH_MISTAKES),
    Question("c", "who may?", 0, "may", "",
             policy_cases, ask_policy, judge_policy, POLICY_MISTAKES),
)  # fmt: skip
