"""Wrong answers to the exercises of lesson 05."""

WRONG = {
    "a": {
        "only watchers": (
            ("(P.T * confidence)", "(P.T * confidence * (column > 0))"),
            "Empty cells",
        ),
        "counts": (("(column > 0)", "column"), "you took the counts"),
        "bare preference": (
            ("(confidence * (column > 0))", "(column > 0)"),
            "right the confidence",
        ),
        "no preference": (("(confidence * (column > 0))", "confidence"), "multiplied by the pref"),
        "no one": (("1 + alpha * column", "alpha * column"), "lacks the 1"),
        "no ridge": ((" + regularization * np.eye(P.shape[1])", ""), "λ is missing"),
    },
    "b": {
        "no confidence": (("(1 + alpha) * mine", "mine"), "before each contribution"),
        "dot products": (("np.linalg.solve(left, Q[item])", "Q[item]"), "plain dot products"),
        "same for all": ((" + alpha * mine.T @ mine", ""), "like all others"),
        "history only": (("Q.T @ Q", "mine.T @ mine"), "all films count"),
    },
    "c": {
        "unpaired": (
            ("difference.std(ddof=1) / np.sqrt(len(difference))",
             "np.sqrt((np.var(a) + np.var(b)) / len(a))"),
            "on different users",
        ),
        "no root": ((" / np.sqrt(len(difference))", ""), "divide by √n"),
        "one error": (("1.96 * error", "error"), "one standard error"),
        "whole width": (("1.96 * error", "2 * 1.96 * error"), "the whole width"),
        "sign": (
            ("np.asarray(a) - np.asarray(b)", "np.asarray(b) - np.asarray(a)"),
            "turned around",
        ),
    },
}  # fmt: skip
