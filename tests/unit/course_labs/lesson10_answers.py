"""Wrong answers to the exercises of lesson 10."""

WRONG = {
    "a": {
        "no correction": ((" - np.log(q)", ""), "off the rows it cancels"),
        "added": ((" - np.log(q)", " + np.log(q)"), "You add log q"),
        "no logarithm": ((" - np.log(q)", " - q"), "subtract q itself"),
        "rows": (("np.log(q)\n", "np.log(q)[:, None]\n"), "off the rows it cancels"),
        "own uncorrected": (("np.diagonal(scores)", "np.diagonal(P @ V.T)"), "corrected, too"),
        "along columns": (("sum(axis=1)", "sum(axis=0)"), "along a row"),
        "sum": ((".mean()", ".sum()"), "not the sum"),
    },
    "b": {
        "all films": (("s[~liked]", "s"), "include liked films"),
        "raw": (("(s - s[~liked].mean()) / s[~liked].std()", "s"), "not standardized"),
        "no spread": ((" / s[~liked].std()", ""), "Divide by"),
        "weights": (("(1 - w) * z[0] + w * z[1]", "w * z[0] + (1 - w) * z[1]"), "exchanged"),
        "liked kept": (
            ("np.where(liked, -np.inf, (1 - w) * z[0] + w * z[1])", "(1 - w) * z[0] + w * z[1]"),
            "no candidates",
        ),
    },
}  # fmt: skip
