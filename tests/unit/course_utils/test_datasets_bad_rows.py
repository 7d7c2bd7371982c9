"""What cannot be right is refused in one sentence that names file, line and value."""

from pathlib import Path

import pytest
import releases_writer as writer

from course_utils.datasets import MovieLens, load_movielens
from course_utils.errors import CourseWarning, DataError

LAYOUTS = ("ml-100k", "ml-1m", "ml-10m", "ml-latest-small")  # one or two of each
DELIMITER = {"ml-100k": "\t", "ml-1m": "::", "ml-10m": "::", "ml-latest-small": ","}


def ratings_file(name: str) -> str:
    return writer.RATINGS_FILE.get(name, "ratings.csv")


def movies_file(name: str) -> str:
    return writer.MOVIES_FILE.get(name, "movies.csv")


def refusal(name: str, home: Path, changed: dict[str, bytes | None]) -> str:
    """Load a release with some files changed; return the sentence it is refused with."""
    writer.write_folder(name, home, changed)
    with pytest.raises(DataError) as caught:
        load_movielens(name, data_home=home, download=False)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__, "a chained traceback"
    assert "\n" not in str(error)
    return str(error)


def with_line(name: str, file: str, row: int, line: bytes) -> tuple[bytes, int]:
    """Return the file with its row (from 0) replaced, and that row's line number."""
    first = 1 if name not in writer.CSV else 2
    lines = writer.files(name)[file].split(b"\n")
    lines[row + first - 1] = line
    return b"\n".join(lines), row + first


BAD_RATINGS = {
    "missing field": ("1|3|4", "3 fields where 4 belong (user_id, movie_id, rating, timestamp)"),
    "too many fields": ("1|3|4|5|6", "5 fields where 4 belong"),
    "blank line": ("", "a blank line"),
    "rating zero": ("1|3|0|5", "rating '0' is not on the scale"),
    "rating too high": ("1|3|5.5|5", "rating '5.5' is not on the scale"),
    "rating negative": ("1|3|-1|5", "rating '-1' is not on the scale"),
    "rating between": ("1|3|3.7|5", "rating '3.7' is not on the scale"),
    "rating nan": ("1|3|nan|5", "rating 'nan' is not a number"),
    "rating inf": ("1|3|inf|5", "rating 'inf' is not a number"),
    "rating word": ("1|3|good|5", "rating 'good' is not a number"),
    "rating comma": ("1|3|4'5|5", 'rating "4\'5" is not a number'),
    "rating other digits": ("1|3|٣|5", "is not a number"),
    "rating missing": ("1|3||5", "rating '' is missing"),
    "user fraction": ("12.5|3|4|5", "user_id '12.5' is not an integer"),
    "user word": ("abc|3|4|5", "user_id 'abc' is not an integer"),
    "user hexadecimal": ("0x10|3|4|5", "user_id '0x10' is not an integer"),
    "movie hexadecimal": ("1|0X10|4|5", "movie_id '0X10' is not an integer"),
    "user exponent": ("1e3|3|4|5", "user_id '1e3' is not an integer"),
    "user plus": ("+7|3|4|5", "user_id '+7' is not an integer"),
    "user underscore": ("1_0|3|4|5", "user_id '1_0' is not an integer"),
    "user odd blank": ("\x1c1|3|4|5", "user_id '\\x1c1' is not an integer"),
    "user other digits": ("٣|3|4|5", "is not an integer"),
    "user blank": (" |3|4|5", "user_id ' ' is missing"),
    "user missing": ("|3|4|5", "user_id '' is missing"),
    "user zero": ("0|3|4|5", "user_id '0' is not between 1 and 2147483647"),
    "user negative": ("-4|3|4|5", "user_id '-4' is not between 1 and 2147483647"),
    "movie too large": ("1|2147483648|4|5", "movie_id '2147483648' is not between 1 and"),
    "movie endless": ("1|" + "9" * 5000 + "|4|5", "9…' is not an integer"),
    "time negative": ("1|3|4|-1", "timestamp '-1' is not between 0"),
    "time too large": ("1|3|4|9223372036854775808", "timestamp '9223372036854775808' is not"),
    "time missing": ("1|3|4|", "timestamp '' is missing"),
    "time a date": ("1|3|4|01/02/2001", "timestamp '01/02/2001' is not an integer"),
    "nul": ("1|3|4|5\0", "a NUL byte"),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("case", BAD_RATINGS)
def test_a_bad_rating_names_file_line_and_value(name: str, case: str, tmp_path: Path) -> None:
    text, said = BAD_RATINGS[case]
    line = text.replace("|", DELIMITER[name]).encode()
    for row in (0, 2, 5):
        data, number = with_line(name, ratings_file(name), row, line)
        message = refusal(name, tmp_path, {ratings_file(name): data})
        where = str(tmp_path / writer.inner_folder(name) / ratings_file(name))
        assert message.startswith(f"{where}, line {number}: "), message
        assert said in message
        assert message.endswith("; mend that line or get the release again.")
        assert len(message) < 500


def test_half_stars_only_where_the_release_has_them(tmp_path: Path) -> None:
    data, _ = with_line("ml-1m", "ratings.dat", 1, b"1::3::4.5::5")
    message = refusal("ml-1m", tmp_path, {"ratings.dat": data})
    assert "rating '4.5' is not on the scale of this release, 1 to 5 in steps of 1" in message
    data, _ = with_line("ml-10m", "ratings.dat", 1, b"1::3::4.25::5")
    message = refusal("ml-10m", tmp_path, {"ratings.dat": data})
    assert "0.5 to 5 in steps of 0.5" in message


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_line_is_right_at_the_end_of_many(name: str, end: bytes, tmp_path: Path) -> None:
    """60,000 rows are more than 1 MB, so that Arrow reads more than one block."""
    sep = DELIMITER[name].encode()
    rows = [sep.join([b"%d" % user, b"1", b"4", b"978300760"]) for user in range(1, 60_001)]
    header = [b"userId,movieId,rating,timestamp"] if name in writer.CSV else []
    for at, bad in ((59_999, sep.join([b"7", b"3", b"6", b"1"])), (50_000, b"")):
        lines = header + rows[:at] + [bad] + rows[at + 1 :]
        message = refusal(name, tmp_path, {ratings_file(name): end.join(lines) + end})
        assert f", line {at + 1 + len(header)}: " in message
    doubled = end.join([*header, *rows, rows[50_000]]) + end
    if name != "ml-latest-small":
        message = refusal(name, tmp_path, {ratings_file(name): doubled})
        assert ", line 60001: user 50001 rates movie 1 a second time (1 such rows" in message


BAD_MOVIES = {
    "ml-100k": (b"3|Matrix (1999)|Action", "3 fields where 24 belong (movie_id, title, release, "),
    "ml-1m": (b"3::Matrix (1999)", "2 fields where 3 belong (movie_id, title, genres)"),
    "ml-10m": (b"3::Matrix: the :: second::Action", "4 fields where 3 belong"),
    "ml-latest-small": (b"3,Matrix, The (1999),Action", "4 fields where 3 belong"),
}
BAD_TITLES = {
    "id": ("x|Matrix (1999)", "movie_id 'x' is not an integer"),
    "zero": ("0|Matrix (1999)", "movie_id '0' is not between 1 and"),
    "endless": ("9" * 5000 + "|Matrix (1999)", "is not an integer"),
    "hexadecimal": ("0x3|Matrix (1999)", "movie_id '0x3' is not an integer"),
    "no title": ("3|", "title '' is missing"),
    "blank title": ("3|  ", "title '  ' is missing"),
    "twice": ("1|Matrix (1999)", "movie 1 a second time"),
    "nul": ("3|Mat\0rix (1999)", "a NUL byte"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_bad_movie_names_file_and_line(name: str, tmp_path: Path) -> None:
    file = movies_file(name)
    bad = [BAD_MOVIES[name], (b"", "a blank line")]
    for text, said in BAD_TITLES.values():
        rest = {"ml-100k": "|1-Jan|||" + "|".join("0" * 19), "ml-latest-small": ",Action"}
        sep = {"ml-100k": "|", "ml-latest-small": ","}.get(name, "::")
        bad.append((text.replace("|", sep).encode() + rest.get(name, "::Action").encode(), said))
    for line, said in bad:
        data, number = with_line(name, file, 4, line)
        message = refusal(name, tmp_path, {file: data})
        assert f"{file}, line {number}: " in message
        assert said in message


def test_other_tables_are_checked_too(tmp_path: Path) -> None:
    for name, file, line, said in (
        ("ml-100k", "u.item", b"3|A|||" + b"|2" * 19, "unknown '2' is not between 0 and 1"),
        ("ml-100k", "u.user", b"2|x|F|other|1", "age 'x' is not an integer"),
        ("ml-1m", "users.dat", b"2::F::40000::1::02139", "age '40000' is not between 0 and 32767"),
        ("ml-10m", "ratings.dat", b'1::3::4::"5', "timestamp '\"5' is not an integer"),
        ("ml-100k", "u.data", b'"1"\t3\t4\t5', "user_id '\"1\"' is not an integer"),
        ("ml-10m", "tags.dat", b"1::1::a::b::5", "5 fields where 4 belong"),
        ("ml-25m", "tags.csv", b"1,1,a,b", "timestamp 'b' is not an integer"),
        ("ml-25m", "links.csv", b"1,0114709,0x1f", "tmdb_id '0x1f' is not an integer"),
        ("ml-25m", "links.csv", b"1,0114709,-2", "tmdb_id '-2' is not between 1"),
    ):
        data, number = with_line(name, file, 1, line)
        message = refusal(name, tmp_path / file / str(number) / said[:3], {file: data})
        assert f"{file}, line {number}: " in message
        assert said in message


def load(name: str, home: Path, changed: dict[str, bytes]) -> MovieLens:
    writer.write_folder(name, home, changed)
    return load_movielens(name, data_home=home, download=False)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_pair_twice_is_refused_or_reported(name: str, tmp_path: Path) -> None:
    data = writer.files(name)[ratings_file(name)]
    first = data.splitlines()[1 if name in writer.CSV else 0]
    again = data + first.replace(b"978300760", b"978300761") + b"\n"
    line = len(again.splitlines())
    said = f"line {line}: user 1 rates movie 1 a second time (1 such rows in all)"
    if name == "ml-latest-small":
        with pytest.warns(CourseWarning) as caught:
            ml = load(name, tmp_path, {"ratings.csv": again})
        assert len(caught) == 1
        assert f"ratings.csv, {said}; all rows are kept." in str(caught[0].message)
        assert caught[0].filename == __file__
        assert len(ml.ratings) == len(writer.small(name).ratings) + 1
    else:
        message = refusal(name, tmp_path, {ratings_file(name): again})
        assert f"{ratings_file(name)}, {said}; {name} holds no pair twice" in message


@pytest.mark.parametrize("ids", [1, 2_000_000_000])
def test_pairs_that_look_alike_are_none(ids: int, tmp_path: Path) -> None:
    """(1, 12) and (11, 2), near and far: whichever way pairs are compared, these differ."""
    rows = [(ids + 10, 2), (ids, 12), (ids, 2), (ids + 1, 1), (ids, 1)]
    data = b"".join(b"%d::%d::4::5\n" % row for row in rows)
    movies = b"".join(b"%d::A (1990)::Drama\n" % movie for movie in (1, 2, 12))
    ml = load("ml-1m", tmp_path, {"ratings.dat": data, "movies.dat": movies})
    assert list(zip(ml.ratings["user_id"], ml.ratings["movie_id"], strict=True)) == rows
    data += b"%d::12::3::6\n" % ids
    assert "line 6: user" in refusal("ml-1m", tmp_path, {"ratings.dat": data, "movies.dat": movies})


@pytest.mark.parametrize("name", LAYOUTS)
def test_ratings_of_unlisted_movies_are_kept_with_a_word(name: str, tmp_path: Path) -> None:
    sep = DELIMITER[name].encode()
    data = writer.files(name)[ratings_file(name)]
    for user in (5, 6):
        data += sep.join([b"%d" % user, b"999", b"4", b"5"]) + b"\n"
    with pytest.warns(CourseWarning) as caught:
        ml = load(name, tmp_path, {ratings_file(name): data})
    assert len(caught) == 1
    assert "2 ratings are of movies that the release does not list (the first is movie 999)" in str(
        caught[0].message
    )
    assert caught[0].filename == __file__
    assert ml.ratings["movie_id"].tolist()[-2:] == [999, 999]
