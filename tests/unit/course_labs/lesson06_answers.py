"""Wrong answers to the exercises of lesson 06."""

WRONG = {
    "a": {
        "by hits": (("/ n_relevant", "/ hits.sum()"), "divide by the hits"),
        "every rank": (("(precision * hits).sum()", "precision.sum()"), "at every rank"),
        "min": (("/ n_relevant", "/ min(n_relevant, len(hits))"), "min(n_relevant"),
        "by length": (("/ n_relevant", "/ len(hits)"), "length of the list"),
        "from 0": (
            ("np.arange(1, len(hits) + 1)", "np.maximum(np.arange(len(hits)), 1)"),
            "Ranks begin at 1",
        ),
    },
    "b": {
        "not rounded": (("int(np.ceil(", "(("), "round up to a whole number"),
        "level only": (("(1.96 + 0.84)", "1.96"), "half of the experiments"),
        "not squared": (
            ("(1.96 + 0.84) ** 2 * spread**2 / effect**2", "2.8 * spread / effect"),
            "Square the whole ratio",
        ),
        "parts": (("(1.96 + 0.84) ** 2", "(1.96**2 + 0.84**2)"), "squares its parts"),
        "mean": (("np.std(differences, ddof=1)", "np.mean(differences)"), "not their mean"),
    },
    "c": {
        "better films": (("1 + m", "m"), "add 1"),
        "of n": (("(rank - 1) / (n - 1)", "rank / n"), "not among them"),
        "turned": (("m * (rank - 1) / (n - 1)", "(n - 1) * (rank - 1) / m"), "yours grows"),
    },
}
