"""Wrong answers to the exercises of lesson 04."""

WRONG = {
    "a": {
        "precision": (("/ len(held_out)", "/ k"), "which is precision"),
        "beyond k": (("recommended[:k]", "recommended"), "beyond rank k"),
        "hits": ((" / len(held_out)", ""), "number of hits"),
    },
    "b": {
        "under the root": (
            ("(np.sqrt(a.sum() * b.sum()) + h)", "np.sqrt(a.sum() * b.sum() + h)"),
            "not under it",
        ),
        "no root": (("np.sqrt(a.sum() * b.sum())", "a.sum() * b.sum()"), "lacks the root"),
        "no h": ((" + h)", ")"), "h belongs below"),
        "Jaccard": (("np.sqrt(a.sum() * b.sum())", "((a + b) > 0).sum()"), "Jaccard"),
    },
    "c": {
        "seen": (("    scores[history > 0] = -np.inf\n", ""), "films of the history"),
        "lowest": (
            ("= -np.inf", "= np.inf"),
            ("np.argsort(-scores", "np.argsort(scores"),
            "lowest scores",
        ),
        "turned": (("history @ weights", "weights @ history"), "not the other way"),
    },
}
