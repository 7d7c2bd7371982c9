"""Wrong answers to the exercises of lesson 03."""

WRONG = {
    "a": {
        "not compared": (
            ("    rows = np.minimum(rows, len(ids) - 1)\n", ""),
            ("np.where(ids[rows] == wanted, rows, -1)", "rows"),
            "also answers for ids that do not exist",
        ),
        "beyond the end": (
            ("    rows = np.minimum(rows, len(ids) - 1)\n", ""),
            "the position len(ids)",
        ),
        "row 0 for nobody": (("rows, -1)", "rows, 0)"), "gets row 0"),
        "ids": (("wanted, rows, -1", "wanted, ids[rows], -1"), "These are ids again"),
    },
    "b": {
        "either": (("intersect1d", "union1d"), "in either row"),
        "one early": (
            ("indptr[a] : indptr[a + 1]", "indptr[a - 1] : indptr[a]"),
            ("indptr[b] : indptr[b + 1]", "indptr[b - 1] : indptr[b]"),
            "begins one earlier",
        ),
        "indptr": (
            ("first = indices[", "first = indptr[a : a + 2] if True else indices["),
            ("second = indices[", "second = indptr[b : b + 2] if True else indices["),
            ("np.intersect1d(first, second)", "np.union1d(first, second)"),
            "not `indptr` itself",
        ),
    },
    "c": {
        "ties": (("np.arange(len(times)), times", "-np.arange(len(times)), times"), "further up"),
        "no times": (
            ("np.arange(len(times)), times, user_ids", "np.arange(len(times)), user_ids"),
            "the times decide first",
        ),
        "first": ((".tail(n)", ".head(n)"), "marked the first"),
        "whole table": (('.groupby("user").tail(n)', ".tail(n)"), "of the whole table"),
    },
}
