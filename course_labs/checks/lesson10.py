"""Exercises of lesson 10: the loss with logQ, a blend over the candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.question import Mistake, Outputs, Plain, Question


def loss_cases(rng: np.random.Generator) -> list[Plain]:
    """Return users' and films' vectors of a batch, and the films' shares of all likes."""
    vectors = {n: (rng.normal(size=(n, 3)), rng.normal(size=(n, 3))) for n in (4, 9)}
    return [{"P": P, "V": V, "q": rng.uniform(0.01, 0.5, n)} for n, (P, V) in vectors.items()]


def ask_loss(answer: Any, case: Plain) -> Outputs:
    """Call ``corrected_loss(P, V, q)``."""
    return {"loss": answer(case["P"], case["V"], case["q"])}


def _loss(case: Plain, wrong: str = "") -> float:
    plain, log_q = case["P"] @ case["V"].T, np.log(case["q"])
    off = {"plain": 0.0, "plus": -log_q, "share": case["q"]}
    off |= {f"base {n}": log_q / np.log(n) for n in (2, 10)}
    scores = plain - off.get(wrong, log_q)
    if wrong == "diagonal":
        np.fill_diagonal(scores, np.diagonal(plain))
    own = np.diagonal(plain if wrong == "own" else scores)
    total = np.log(np.exp(scores).sum(axis=0 if wrong == "columns" else 1))
    return float((total - own).sum() if wrong == "sum" else (total - own).mean())


def _is_loss(*wrong: str) -> Any:
    return lambda case, out: (
        out["loss"].size == 1 and np.isclose(out["loss"], [_loss(case, w) for w in wrong]).any()
    )


def judge_loss(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.001 %."""
    if outputs["loss"].size != 1:
        return "Return one number: take the mean over the batch."
    right, found = _loss(case), outputs["loss"].item()
    return "" if np.isclose(found, right) else f"It is {right:.4f}; yours is {found:.4f}."


LOSS = (
    Mistake("Log q is not taken off the columns; off the rows it cancels.", _is_loss("plain")),
    Mistake("You add log q; subtract it: rare films count for more then.", _is_loss("plus")),
    Mistake("You subtract q itself; its logarithm is wanted.", _is_loss("share")),
    Mistake("The film on the diagonal is corrected, too.", _is_loss("own")),
    Mistake("The diagonal needs log q, too, in both places.", _is_loss("diagonal")),
    Mistake("Take the natural logarithm of q, np.log.", _is_loss("base 10", "base 2")),
    Mistake("The sum in the denominator runs over films, along a row.", _is_loss("columns")),
    Mistake("The loss is the mean over the users of the batch, not the sum.", _is_loss("sum")),
)


def blend_cases(rng: np.random.Generator) -> list[Plain]:
    """Return two models' scores of all films for a user, a weight, and the liked films."""
    cases = []
    for n, w in ((8, 0.3), (20, 0.6)):
        liked = np.isin(np.arange(n), rng.permutation(n)[: n // 3])
        a, b = rng.random(n) + 2 * liked, 30 * rng.random(n)
        cases.append({"a": a, "b": b, "w": np.array(w), "liked": liked})
    return cases


def ask_blend(answer: Any, case: Plain) -> Outputs:
    """Call ``blend(a, b, w, liked)``."""
    return {"scores": answer(case["a"], case["b"], float(case["w"]), case["liked"])}


def _blend(case: Plain, wrong: str = "") -> npt.NDArray[np.float64]:
    liked, w, z = case["liked"], float(case["w"]), []
    some = np.ones_like(liked) if wrong == "all" else ~liked
    for s in (case["a"], case["b"]):
        x = s[some]
        spreads = {"raw": 1.0, "no spread": 1.0, "n − 1": x.std(ddof=1), "variance": x.var()}
        spread = (spreads | {"range": np.ptp(x)}).get(wrong, x.std())
        z.append((s - {"raw": 0.0, "range": x.min()}.get(wrong, x.mean())) / spread)
    first, second = (w, 1 - w) if wrong == "weights" else (1 - w, w)
    liked = ~liked if wrong == "mask" else liked
    return np.where(liked & (wrong != "liked"), -np.inf, first * z[0] + second * z[1])


def _is_blend(wrong: str) -> Any:
    return lambda case, out: np.allclose(out["scores"], _blend(case, wrong), rtol=1e-4)


def judge_blend(case: Plain, outputs: Plain) -> str:
    """Compare to within 0.01 %."""
    right, found = _blend(case), outputs["scores"]
    if found.shape != right.shape:
        return f"Return a score for each film, {len(right)} here."
    if np.isnan(found).any():
        return "Some scores are nan: standardize first, then give the liked films −∞."
    close = np.allclose(found, right, rtol=1e-4)
    return "" if close else f"It should be {right.round(2)}; yours is {found.round(2)}."


BLEND = (
    Mistake("Standardize over the candidates; yours include liked films.", _is_blend("all")),
    Mistake("The scores are not standardized: the larger numbers decide alone.", _is_blend("raw")),
    Mistake("Divide by the standard deviation, too.", _is_blend("no spread")),
    Mistake("Divide by s.std() as it is: NumPy's divides by n, not by n − 1.", _is_blend("n − 1")),
    Mistake("You divide by the variance; take its root, .std().", _is_blend("variance")),
    Mistake("That scales to 0 … 1; subtract the mean, divide by .std().", _is_blend("range")),
    Mistake("The candidates got −∞ and the liked films a score.", _is_blend("mask")),
    Mistake("The weights are exchanged: w is the weight of b.", _is_blend("weights")),
    Mistake("Liked films are no candidates; give them −∞.", _is_blend("liked")),
)  # fmt: skip

QUESTIONS = (
    Question("a", "the loss", 0, "corrected_loss", "", loss_cases, ask_loss, judge_loss, LOSS),
    Question("b", "a blend", 0, "blend", "", blend_cases, ask_blend, judge_blend, BLEND),
)  # fmt: skip
