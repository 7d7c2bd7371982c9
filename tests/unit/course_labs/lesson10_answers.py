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
        "log10": (("np.log(q)", "np.log10(q)"), "natural logarithm"),
        "log2": (("np.log(q)", "np.log2(q)"), "natural logarithm"),
        "no mean": ((".mean()", ""), "mean over the batch"),
        "diagonal left": (
            (" - np.log(q)\n", " - np.log(q) * (1 - np.eye(len(q)))\n"),
            "in both places",
        ),
    },
    "b": {
        "all films": (("s[~liked]", "s"), "include liked films"),
        "raw": (("(s - s[~liked].mean()) / s[~liked].std()", "s"), "not standardized"),
        "no spread": ((" / s[~liked].std()", ""), "Divide by the"),
        "n - 1": ((".std()", ".std(ddof=1)"), "not by n − 1"),
        "variance": ((".std()", ".var()"), "You divide by the variance"),
        "range": (
            ("s[~liked].mean()) / s[~liked].std()", "min(s[~liked])) / np.ptp(s[~liked])"),
            "scales to 0",
        ),
        "mask": (("np.where(liked", "np.where(~liked"), "The candidates got"),
        "infinite first": (
            (
                "(s - s[~liked].mean()) / s[~liked].std() for s in (a, b)",
                "(s - s.mean()) / s.std() for s in np.where(liked, -np.inf, [a, b])",
            ),
            "standardize first",
        ),
        "weights": (("(1 - w) * z[0] + w * z[1]", "w * z[0] + (1 - w) * z[1]"), "exchanged"),
        "liked kept": (
            ("np.where(liked, -np.inf, (1 - w) * z[0] + w * z[1])", "(1 - w) * z[0] + w * z[1]"),
            "no candidates",
        ),
    },
}  # fmt: skip
