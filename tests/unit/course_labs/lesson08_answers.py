"""Wrong answers to the exercises of lesson 08."""

WRONG = {
    "a": {
        "up": (("bias - learning_rate", "bias + learning_rate"), "against it"),
        "no penalty": ((" + l2 * bias", ""), "has a derivative, too"),
        "not scaled": (("l2 * bias)", "n * l2 * bias)"), "The penalty is divided by n, too"),
        "each time": (("np.sum(errors) + l2 * bias", "np.sum(errors + l2 * bias)"),
                      "once for a bias"),
        "half": (("2 / n", "1 / n"), "a factor of 2"),
        "own mean": (("np.sum(errors)", "n * np.mean(errors)"), "the number of all ratings"),
    },
    "b": {
        "one repair": (("while (clash := liked[users, columns]).any():",
                        "if (clash := liked[users, columns]).any():"), "may clash again"),
        "unchecked": (("while (clash := liked[users, columns]).any():",
                       "while (clash := np.zeros(len(users), bool)).any():"), "draw these again"),
        "dropped": (
            ("while (clash := liked[users, columns]).any():",
             "if (clash := liked[users, columns]).any():"),
            ("columns[clash] = rng.integers(liked.shape[1], size=clash.sum())",
             "columns = columns[~clash]"),
            "one film for each entry",
        ),
        "first films": (("rng.integers(liked.shape[1], size=len(users))",
                         "rng.integers(liked.shape[1] - 1, size=len(users))"), "or never"),
        "moves on": (("rng.integers(liked.shape[1], size=clash.sum())",
                      "(columns[clash] + 1) % liked.shape[1]"), "instead of moving on"),
    },
    "c": {
        "reversed": (("negative - positive", "positive - negative"), "turned around"),
        "sign": (("return np.log1p", "return -np.log1p"), "sign is missing"),
        "sum": ((".mean()", ".sum()"), "sum over the pairs"),
        "no log": (("np.log1p(np.exp(negative - positive))",
                    "-(1 / (1 + np.exp(negative - positive)))"), "logarithm is missing"),
        "all pairs": (("negative - positive", "negative[None] - positive[:, None]"),
                      "in the same place"),
        "log of a mean": (
            ("np.log1p(np.exp(negative - positive)).mean()",
             "-np.log((1 / (1 + np.exp(negative - positive))).mean())"),
            "Take the log of each pair",
        ),
    },
}  # fmt: skip
