"""Lab 5, step 6: a report whose numbers fit together; its style is not judged."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from course_labs.checks.question import AnswerError, Mistake, Outputs, Plain
from course_labs.checks.ranked import Table

KEYS = ("chosen", "mean", "low", "high", "group", "number", "limitation")
GIVEN = ("validation", "test", "baseline", "groups")
GROUPS = ("newcomers", "some films", "many films")
LEAST_WORDS = 12
TOLERANCE = 1e-6
OF_WIDTH = 0.25  # of an interval's width; a bootstrap and a formula differ by less
IN_WORDS = 0.0051  # of a number in a sentence, so that two decimals are enough


def cases(rng: np.random.Generator) -> list[Plain]:
    """Return recalls whose best weight on the test set is not the best on the validation set."""
    return [_recalls(rng, best, worst) for best, worst in [(1, 0), (3, 2), (2, 1)]]


def _recalls(rng: np.random.Generator, best: int, worst: int) -> Plain:
    n_users, n_weights = 150, 5
    groups = rng.choice(3, n_users, p=[0.2, 0.5, 0.3])
    ease = rng.beta(1.2, 4.0, n_users)  # some users are easy for every model
    baseline = np.clip(ease + rng.normal(0, 0.06, n_users), 0, 1)
    noise = rng.normal(0, 0.05, (2, n_weights, n_users))
    validation, test = np.clip(ease + 0.02 + noise, 0, 1)
    validation[best] += 0.08
    test[best] += 0.04
    test[best - 1] += 0.09
    test[:, groups == worst] -= 0.12
    return {
        "validation": np.clip(validation, 0, 1),
        "test": np.clip(test, 0, 1),
        "baseline": baseline,
        "groups": np.array(GROUPS)[groups],
    }


def ask(answer: Any, case: Plain) -> Outputs:
    """Call ``report(validation, test, baseline, groups)``."""
    result = answer(*(case[name] for name in GIVEN))
    if not isinstance(result, dict) or not set(KEYS) <= set(result):
        raise AnswerError(f"Return a dict with the keys {', '.join(KEYS)}.")
    return {name: result[name] for name in KEYS}


def gains(case: Plain, chosen: int) -> Table:
    """Return each user's recall with one weight, minus the baseline's."""
    difference: Table = case["test"][chosen] - case["baseline"]
    return difference


def chosen_by(values: Table) -> int:
    """Return the position of the weight with the highest mean over users."""
    return int(values.mean(axis=1).argmax())


def gain_by_group(case: Plain, chosen: int) -> dict[str, float]:
    """Return the mean gain of each group."""
    difference = gains(case, chosen)
    return {
        str(group): float(difference[case["groups"] == group].mean())
        for group in np.unique(case["groups"])
    }


def half_width(values: Table) -> float:
    """Return half the width of the 95% interval of a mean over users."""
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def judge(case: Plain, outputs: Plain) -> str:
    """Compare with the numbers computed again, the interval's width to within a quarter."""
    if any(outputs[name].shape != () for name in KEYS):
        return "Each entry of the report is one number or one text."
    chosen = chosen_by(case["validation"])
    if outputs["chosen"] != chosen:
        return f"`chosen` should be {chosen} here, and is {outputs['chosen']}."
    difference = gains(case, chosen)
    mean, low, high = (float(outputs[name]) for name in ("mean", "low", "high"))
    if not abs(mean - difference.mean()) < TOLERANCE:
        return f"`mean` should be {difference.mean():.4f} here, and is {mean:.4f}."
    if not low < mean < high:
        return f"The interval, {low:.4f} to {high:.4f}, does not hold the mean, {mean:.4f}."
    wanted = half_width(difference)
    if not abs((high - low) / 2 - wanted) < OF_WIDTH * wanted:
        return f"The interval should be about {2 * wanted:.4f} wide, and is {high - low:.4f}."
    by_group = gain_by_group(case, chosen)
    weakest = min(by_group, key=lambda group: by_group[group])
    if str(outputs["group"]) != weakest:
        said = f"{outputs['group']!s:.40}"
        return f"`group` should be {weakest!r}, where you gain least, and is {said!r}."
    if not abs(outputs["number"] - by_group[weakest]) < TOLERANCE:
        return f"`number` should be {by_group[weakest]:.4f}, that group's mean gain."
    return _wrong_sentence(str(outputs["limitation"]), weakest, by_group[weakest])


def _wrong_sentence(sentence: str, group: str, number: float) -> str:
    if len(sentence.split()) < LEAST_WORDS:
        return f"`limitation` has {len(sentence.split())} words; write at least {LEAST_WORDS}."
    if group not in sentence:
        return f"`limitation` does not name the group it is about, {group!r}."
    if not _names(sentence, number):
        return f"`limitation` does not hold the number that supports it, {number:.3f}."
    return ""


def _names(sentence: str, number: float) -> bool:
    """Say whether a sentence holds a number, to two decimals or as a percentage."""
    said = [float(text) for text in re.findall(r"\d+\.\d+|\d+(?=\s*%)", sentence)]
    return any(
        min(abs(value - abs(number)), abs(value / 100 - abs(number))) < IN_WORDS for value in said
    )


def _width_like(case: Plain, outputs: Plain, half: float) -> bool:
    got = float(outputs["high"] - outputs["low"]) / 2
    return abs(got - half) < OF_WIDTH * half


def _interval_of(case: Plain, outputs: Plain, name: str) -> bool:
    mine, other = case["test"][int(outputs["chosen"])], case["baseline"]
    if name == "people":
        return _width_like(case, outputs, 1.96 * float((mine - other).std())) or _width_like(
            case, outputs, float((mine - other).std())
        )
    apart = float(np.hypot(half_width(mine), half_width(other)))
    return any(
        _width_like(case, outputs, half) for half in (apart, half_width(mine), half_width(other))
    )


def _group_number(case: Plain, outputs: Plain, function: Any) -> bool:
    chosen = int(outputs["chosen"])
    by_group = gain_by_group(case, chosen)
    return bool(str(outputs["group"]) == function(by_group, key=lambda group: by_group[group]))


def _weakest_recall(case: Plain, outputs: Plain) -> bool:
    test, groups = case["test"][int(outputs["chosen"])], case["groups"]
    means = {group: test[groups == group].mean() for group in np.unique(groups)}
    lowest = min(means, key=lambda group: means[group])
    return bool(np.isclose(outputs["number"], means[str(outputs["group"])])) or (
        str(outputs["group"]) == lowest and not _group_number(case, outputs, min)
    )


MISTAKES = (
    Mistake(
        "The weight was tuned on the test: it is the one with the best test recall. Choose on the "
        "validation, and look at the test once.",
        lambda case, out: int(out["chosen"]) == chosen_by(case["test"]),
    ),
    Mistake(
        "`mean` is what the validation says, which flatters: the weight was chosen there. Report "
        "the test.",
        lambda case, out: bool(
            np.isclose(
                out["mean"], (case["validation"][int(out["chosen"])] - case["baseline"]).mean()
            )
        ),
    ),
    Mistake(
        "`mean` is the recall of the hybrid. The claim is about the gain: less the baseline's, "
        "person by person.",
        lambda case, out: bool(np.isclose(out["mean"], case["test"][int(out["chosen"])].mean())),
    ),
    Mistake(
        "The interval says how people differ, not how sure the mean is. Divide the deviation by "
        "the root of how many people there are.",
        lambda case, out: _interval_of(case, out, "people"),
    ),
    Mistake(
        "The interval is that of a recall, not of the gain. Both models serve the same people, "
        "so take the differences first: much of the noise is shared.",
        lambda case, out: (
            _interval_of(case, out, "apart")
            and not _width_like(case, out, half_width(gains(case, int(out["chosen"]))))
        ),
    ),
    Mistake(
        "That is the group with the largest gain. An honest limitation names the group with "
        "the smallest.",
        lambda case, out: _group_number(case, out, max),
    ),
    Mistake(
        "Group and number speak of the recall. A group may be hard for every model; name the one "
        "where you gain least over the baseline, and that gain.",
        _weakest_recall,
    ),
    Mistake(
        "The sentence does not hold its number. Write it into the sentence, from the variable: "
        '`f"… {number:.3f} …"`, with two decimals at least.',
        lambda case, out: (
            len(str(out["limitation"]).split()) >= LEAST_WORDS
            and str(out["group"]) in str(out["limitation"])
            and not _names(str(out["limitation"]), float(out["number"]))
        ),
    ),
)
