"""Wrong answers to the exercises of lesson 02, and a part of the hint that each must get."""

SPLIT = 'line.decode("latin-1").split("::")'
YEAR = r're.search(r"\((\d{4})\)$", title)'
INT = "int(year[1]) if year else None"
THERE = "timestamps + hours * 3600"
COUNT = "1 + (gaps > 3600).sum()"

WRONG = {
    "a": {
        "single colons": ((SPLIT, 'line.decode("latin-1").split(":")[0::2]'), "their own colon"),
        "utf-8": (("latin-1", "utf-8"), "not UTF-8"),
        "utf-8, ignoring errors": (('"latin-1"', '"utf-8", "ignore"'), "titles are wrong"),
        "first number": ((YEAR, r're.search(r"(\d{4})", title)'), "another number"),
        "not at the end": ((YEAR, r're.search(r"\((\d{4})\)", title)'), "another number"),
        "year expected": ((INT, "int(year[1])"), "stops your function"),
        "last characters": ((INT, "int(title[-5:-1])"), "stops your function"),
        "year as text": ((INT, "year[1] if year else None"), "years should be integers"),
        "0 without a year": ((INT, "int(year[1]) if year else 0"), "not 0 or"),
        "genres as text": (('genres.split("|")', "genres"), "genres as a list"),
        "id as text": (("int(movie_id)", "movie_id"), "ids should be integers"),
        "three values": (('genres.split("|"), ', ""), "four values"),
    },
    "b": {
        "wrong direction": (("+ hours", "- hours"), "add the hours"),
        "dates": (
            ("timestamps >= cut", "timestamps // 86_400"),
            (f"{THERE} >= cut", f"({THERE}) // 86_400"),
            "another date",
        ),
        "hours as seconds": (("hours * 3600", "hours"), "3,600 of them"),
        "midnight to the old day": ((">= cut", "> cut"), "the new day"),
        "share": ((".sum()", ".mean()"), "This is a share"),
        "each rating": ((".sum()", ""), "cannot be judged"),
    },
    "c": {
        "gaps": (("1 + ", ""), "add 1"),
        "unsorted": (("np.sort(timestamps)", "timestamps"), "sort them first"),
        "at least": (("> 3600", ">= 3600"), "exactly 3,600"),
        "days": ((COUNT, "len(np.unique(timestamps // 86_400))"), "not days"),
    },
}
