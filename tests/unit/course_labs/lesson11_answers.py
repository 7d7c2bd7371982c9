"""Wrong answers to the exercises of lesson 11."""

WRONG = {
    "a": {
        "mean": ((" - 1.96 * error > 0", " > 0"), "larger mean"),
        "not worse": (("- 1.96 * error", "+ 1.96 * error"), "not shown to be worse"),
        "unpaired": (
            ("difference.std(ddof=1) / np.sqrt(len(difference))",
             "np.sqrt((np.var(candidate) + np.var(current)) / len(current))"),
            "is lost here",
        ),
        "no root": ((" / np.sqrt(len(difference))", ""), "standard error is off"),
        "n": (("np.sqrt(len(difference))", "len(difference)"), "standard error is off"),
        "two sides": (("difference.mean() -", "abs(difference.mean()) -"), "sign counts"),
        "swapped": (
            ("np.asarray(candidate) - np.asarray(current)",
             "np.asarray(current) - np.asarray(candidate)"),
            "candidate minus current",
        ),
        "no return": (("return bool", "bool"), "returns nothing"),
    },
    "b": {
        "draws": (
            ('int.from_bytes(digest[:8], "big") / 2**64', "np.random.random()"),
            "from call to call",
        ),
        "hash": (
            ('int.from_bytes(digest[:8], "big") / 2**64',
             'hash(f"{salt}:{user_id}") % 1000 / 1000'),
            "differs in every process",
        ),
        "hash in a helper": (
            ("def in_canary", "def number(text):\n    return hash(text) % 1000 / 1000\n\n\n"
             "def in_canary"),
            ('int.from_bytes(digest[:8], "big") / 2**64', 'number(f"{salt}:{user_id}")'),
            "differs in every process",
        ),
        "one byte": (
            ('int.from_bytes(digest[:8], "big") / 2**64', "digest[0] / 256"), "more bytes",
        ),
        "share in the hash": (('f"{salt}:{user_id}"', 'f"{salt}:{user_id}:{share}"'), "half the"),
        "remainder": (
            ('int.from_bytes(digest[:8], "big") / 2**64 < share',
             'int.from_bytes(digest[:8], "big") % round(1 / share) == 0'),
            "half the",
        ),
        "digits": (
            ('int.from_bytes(digest[:8], "big") / 2**64', "user_id % 100 / 100"),
            "digits of ids",
        ),
        "no salt": (('f"{salt}:{user_id}"', 'f"{user_id}"'), "salt has no effect"),
    },
    "c": {
        "nothing free": ((" - 100)", ")"), "first 100 GB are free"),
        "body": (("1_800", "1_500"), "Headers leave"),
        "hundred": (("* 0.09", "* 0.0009"), "for each GB"),
        "GiB": (("1e9", "2**30"), "2³⁰ bytes"),
        "cents": (("* 0.09", "* 9"), "are cents"),
    },
}  # fmt: skip
