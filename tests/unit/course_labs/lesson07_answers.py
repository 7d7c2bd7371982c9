"""Wrong answers to the exercises of lesson 07."""

BODY = "np.minimum(1, k / (n_items - n_seen))"
FOUND = "np.take_along_axis(held_out.toarray(), lists, axis=1) > 0"

WRONG = {
    "a": {
        "all films": ((" - n_seen", " - 0 * n_seen"), "draw from the whole catalog"),
        "above 1": ((BODY, "k / (n_items - n_seen)"), "above 1"),
        "mean": ((BODY, f"{BODY}.mean() + 0 * n_seen"), "mean over the users"),
        "one number": ((BODY, f"{BODY}.sum()"), "one number for each"),
        "a single draw": (("1, k /", "1, 1 /"), "a single draw"),
        "divided by five": ((BODY, f"{BODY} / 5"), "should get"),
    },
    "b": {
        "no copy": (("hits.copy()", "hits"), "find no metric that falls"),
        "empty list": (("range(2**10)", "range(1)"), "Try a second hit"),
        "from one hit": (("range(2**10)", "[2**slot for slot in range(10)]"), "nine hits and more"),
        "strict": (("< metric(hits) - 1e-9", "<= metric(hits)"), "reciprocal rank ignores"),
        "reversed": (("< metric(hits) - 1e-9", "> metric(hits)"), "No metric passes"),
        "returns nothing": (("    return True", "    return"), "True or False"),
    },
    "c": {
        "last column": (("(found & (lists >= 0))", "found"), "the last column"),
        "films": ((".any(axis=1)", ""), "You count films"),
        "everybody": ((FOUND, "np.isin(lists, held_out.indices)"), "films of all users"),
        "share": ((".sum())", ".sum()) / len(lists)"), "This is a share"),
        "each list": (("int((", "(("), (".sum())", ")"), "one number, for all"),
    },
}
