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
    },
}  # fmt: skip
