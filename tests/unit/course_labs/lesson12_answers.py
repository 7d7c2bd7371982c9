"""Wrong answers to the exercises of lesson 12."""

WRONG = {
    "a": {
        "one shard": (("ids.ravel()[best]", "ids[scores.max(axis=1).argmax()]"), "of one shard"),
        "in turns": (("ids.ravel()[best]", "ids.T.ravel()[:k]"), "in turn"),
        "joined": (("ids.ravel()[best]", "ids.ravel()[:k]"), "Sort by score"),
        "ascending": (("-scores", "scores"), "worst come first"),
        "places": (("ids.ravel()[best]", "best"), "look up the ids"),
        "everything": (("[:k]", ""), "first k"),
        "reversed": (("ids.ravel()[best]", "ids.ravel()[best][::-1]"), "worst comes first"),
        "by id": (("ids.ravel()[best]", "np.sort(ids.ravel()[best])"), "sorted by id"),
    },
    "b": {
        "no inf": (("if theirs >= ours - 1e-9:", "if theirs == ours + 1:"), "return np.inf"),
        "no start": (("spark[0] - alone[0] + (ours - theirs) * millions[0]",
                      "spark[0] - alone[0]"), "not at 0"),
        "through zero": (
            ("ours, theirs = np.diff(alone) / step, np.diff(spark) / step",
             "ours, theirs = alone[1:] / millions[1], spark[1:] / millions[1]"),
            "difference of two sizes",
        ),
        "ratings": (("return float(", "return 1e6 * float("), "in millions"),
        "always inf": (("if theirs >= ours - 1e-9:", "if True:"), "do meet"),
        "sign": (("return float(", "return -float("), "above 0"),
        "no return": (("return float(", "float("), "returns nothing"),
    },
    "c": {
        "missing": (
            ("not full[name].equals(past[name])", "(full[name] != past[name]).any()"), "NaN != NaN",
        ),
        "safe": (("if not full", "if full"), "that are safe"),
        "past deleted": (('rows[rows["known"]]', 'rows[~rows["known"]]'), "every column"),
        "sums": (
            ("not full[name].equals(past[name])",
             "not np.isclose(full[name].sum(), past[name].sum())"), "each value",
        ),
        "all": (
            ("not full[name].equals(past[name])", "(full[name] != past[name]).all()"), "`any`",
        ),
        "first": (
            ("not full[name].equals(past[name])", "full[name].iloc[0] != past[name].iloc[0]"),
            "first film",
        ),
        "one word": (
            ("return [name for name in full if not full[name].equals(past[name])]",
             "return full.equals(past)"), "list of names",
        ),
    },
}  # fmt: skip
