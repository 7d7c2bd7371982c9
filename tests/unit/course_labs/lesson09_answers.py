"""Wrong answers to the exercises of lesson 09."""

WRONG = {
    "a": {
        "no mask": (
            ("return total / mask.sum(axis=1, keepdims=True)", "return hidden.mean(axis=1)"),
            "Padding counts in your mean",
        ),
        "padding in the sum": ((" * mask[:, :, None]", ""), "still in the sum"),
        "all places": (("mask.sum(axis=1, keepdims=True)", "mask.shape[1]"), "not by all places"),
        "no keepdims": ((", keepdims=True", ""), "keepdims=True"),
        "all texts together": (("mask.sum(axis=1, keepdims=True)", "mask.sum()"), "over axis 1"),
        "integers as an index": (
            (
                "return total / mask.sum(axis=1, keepdims=True)",
                "return np.array([h[m].mean(axis=0) for h, m in zip(hidden, mask)])",
            ),
            "mask.astype(bool)",
        ),
        "cls": (
            ("return total / mask.sum(axis=1, keepdims=True)", "return hidden[:, 0]"),
            "first token",
        ),
    },
    "b": {
        "not centered": ((" - unit.mean(axis=0)", ""), "Subtract the mean"),
        "long first": (("vectors / np.linalg.norm(vectors, axis=1, keepdims=True)", "vectors"),
                       "long vectors count more"),
        "rows": (("unit.mean(axis=0)", "unit.mean(axis=1, keepdims=True)"), "each row's own mean"),
        "not unit": ((" / np.linalg.norm(rest, axis=1, keepdims=True)", ""), "length 1 again"),
    },
    "c": {
        "sign": (("total - np.diag(logits)", "np.diag(logits) - total"), "turned around"),
        "times": (("s / temperature", "s * temperature"), "Divide the cosines"),
        "no temperature": (("s / temperature", "s"), "temperature is missing"),
        "columns": (("axis=1", "axis=0"), "over a row"),
        "only negatives": (("np.exp(logits)", "(np.exp(logits) * (1 - np.eye(len(s))))"),
                           "not only the other columns"),
        "sum": ((".mean()", ".sum()"), "not the sum"),
        "all of the log-softmax": (("total - np.diag(logits)", "total[:, None] - logits"),
                                   "take the diagonal"),
    },
}  # fmt: skip
