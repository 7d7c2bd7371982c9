"""Files that are wrong as a whole: quotes, headers, encodings, emptiness."""

from pathlib import Path

import pytest
import releases_writer as writer
from test_datasets_bad_rows import LAYOUTS, movies_file, refusal, with_line


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (0, b'1,"Toy Story (1995),Comedy'),  # swallows lines up to the next quote
        (3, b'11,"Mis"rables, Les (1995)",Drama'),
        (9, b'14,2001,"Drama'),
        (9, b'14,"2001: A Space Odyssey,Drama'),
    ],
)
@pytest.mark.parametrize("last", [b"\n", b""])
def test_unbalanced_quotes_are_refused(row: int, line: bytes, last: bytes, tmp_path: Path) -> None:
    data, number = with_line("ml-latest-small", "movies.csv", row, line)
    message = refusal("ml-latest-small", tmp_path, {"movies.csv": data.rstrip(b"\n") + last})
    assert f"movies.csv, line {number}: " in message, message


def test_a_quote_that_swallows_whole_lines_is_refused(tmp_path: Path) -> None:
    """Both quotes pair up, each row has three fields, and a plain reader would lose a film."""
    data = b'movieId,title,genres\n1,"Toy,Comedy\n3,Jumanji"" (1995)",Drama\n'
    message = refusal("ml-latest-small", tmp_path, {"movies.csv": data})
    assert "movies.csv, line 2: title 'Toy,Comedy\\n3,Jumanji\" (1995)' runs on over" in message
    data = b'userId,movieId,rating,timestamp\n"1,1,4,5\n' + b"2,1,4,5\n" * 50_000
    message = refusal("ml-latest-small", tmp_path, {"ratings.csv": data})
    assert "ratings.csv, line 2: a quote that does not close its field" in message


@pytest.mark.parametrize("name", LAYOUTS)
def test_whole_files_that_cannot_be_right(name: str, tmp_path: Path) -> None:
    for file, data in writer.files(name).items():
        if file == "README.txt":
            continue
        for i, (changed, said) in enumerate((
            (b"", f"{file} is empty; get the release again."),
            (b" \r\n\n", f"{file} is empty"),
            (b"\xef\xbb\xbf" + data, f"{file}, line 1: a byte-order mark"),
            (b"\xff\xfe" + data.decode("latin-1").encode("utf-16-le"), f"{file} is UTF-16"),
            (data.decode("latin-1").encode("utf-16-le"), "NUL byte"),
            (data.replace(b"\n", b"\n\n", 2), f"{file}, line 2: a blank line"),
            (data + b"\n", f"{file}, line {len(data.splitlines()) + 1}: a blank line"),
        )):  # fmt: skip
            assert said in refusal(name, tmp_path / f"{file}{i}", {file: changed})


@pytest.mark.parametrize("file", ["ratings.csv", "movies.csv", "tags.csv", "links.csv"])
def test_headers_of_csv_files_are_checked(file: str, tmp_path: Path) -> None:
    data = writer.files("ml-25m")[file]
    header, rows = data.split(b"\n", 1)
    for i, (changed, said) in enumerate((
        (rows, f"where '{header.decode()}' belongs"),
        (header.replace(b"movieId", b"itemId") + b"\n" + rows, "itemId"),
        (header.lower() + b"\n" + rows, "movieid"),
        (b"\n" + data, "the header is ''"),
        (data.replace(b"\n", b"\r") * 9, "…' where"),
    )):  # fmt: skip
        message = refusal("ml-25m", tmp_path / str(i), {file: changed})
        assert f"{file}, line 1: the header is " in message
        assert said in message
        assert len(message) < 500
    for i, only in enumerate((header, header + b"\n", header + b"\r\n")):
        message = refusal("ml-25m", tmp_path / f"only{i}", {file: only})
        assert f"{file} holds a header and no rows" in message


@pytest.mark.parametrize("name", ["ml-10m", "ml-latest-small"])
def test_bytes_that_are_not_utf8_are_named(name: str, tmp_path: Path) -> None:
    file = movies_file(name)
    data = writer.files(name)[file].replace("é".encode(), b"\xe9")
    line = 4 if name == "ml-10m" else 5
    message = refusal(name, tmp_path, {file: data})
    assert f"{file}, line {line}: byte 0xe9 is not utf-8" in message


@pytest.mark.parametrize("name", writer.LATIN)
def test_latin1_saved_again_as_utf8_is_refused(name: str, tmp_path: Path) -> None:
    file = movies_file(name)
    data = writer.files(name)[file].decode("latin-1").encode("utf-8")
    message = refusal(name, tmp_path, {file: data})
    assert f"{file}, line 4: saved as UTF-8, but this release is published in latin-1" in message
