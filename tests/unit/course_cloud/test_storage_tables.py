"""Tables out of S3 and back: by suffix, by column, and never two versions in one table."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
import requests

from course_cloud.storage import connect, list_keys, presign, read_table, write_table
from course_utils.errors import DataError, StorageError

SUFFIXES = [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet"]
ODD = pd.DataFrame(
    {
        "a b": [1, 2, 3],
        "t": ["x,y", None, 'a "quoted"\nline\twith tab'],
        "f": [1.5, np.nan, 2.0],
        "ü": ["Amélie (2001)", "日本", "plain"],
    }
)


def ratings(n=50_000, groups=1):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "user_id": np.sort(rng.integers(1, 6041, n)),
            "movie_id": rng.integers(1, 3953, n),
            "rating": rng.integers(1, 11, n) / 2,
            "timestamp": rng.integers(956_703_932, 1_046_454_590, n),
        }
    )
    file = io.BytesIO()
    table.to_parquet(file, index=False, row_group_size=-(-n // groups))
    return table, file.getvalue()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_comes_back_as_it_was_written(s3, suffix):
    address = s3.address(f"some folder/täble{suffix}")
    assert write_table(ODD, address) == address
    pd.testing.assert_frame_equal(read_table(address), ODD)
    pd.testing.assert_frame_equal(read_table(address, ["ü", "a b"]), ODD[["ü", "a b"]])
    pd.testing.assert_frame_equal(read_table(address, "f"), ODD[["f"]])
    assert s3.unfinished() == []


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("columns", [None, ["n"], ["x", "n"]])
def test_a_table_that_was_read_can_be_changed(moto, suffix, columns):
    address = write_table(pd.DataFrame({"n": [1, 2], "x": [0.5, 1.5]}), moto.address(f"t{suffix}"))
    table = read_table(address, columns)
    table.loc[0, "n"] = 5
    assert table["n"].tolist() == [5, 2]


def test_text_reads_as_pandas_reads_it(s3):
    table, _ = ratings()
    text = table.to_csv(index=False).encode()
    address = s3.put("ratings.csv", text)
    pd.testing.assert_frame_equal(read_table(address), pd.read_csv(io.BytesIO(text)))


@pytest.mark.parametrize("columns", [None, ["rating"], ["timestamp", "user_id"]])
@pytest.mark.parametrize("groups", [1, 4])
def test_parquet_reads_as_pandas_reads_it(s3, columns, groups):
    _, data = ratings(groups=groups)
    address = s3.put("ratings.parquet", data)
    theirs = pd.read_parquet(io.BytesIO(data), columns=columns)
    pd.testing.assert_frame_equal(read_table(address, columns), theirs)


def test_a_column_of_parquet_moves_a_small_share_of_the_bytes(s3, moved):
    _, data = ratings(200_000, groups=2)
    address = s3.put("ratings.parquet", data)
    client = connect()
    sizes = moved(client)
    read_table(address, "rating", client=client)
    column = sum(sizes)
    assert column < 0.15 * len(data)
    sizes.clear()
    read_table(address, client=client)
    assert 0.99 * len(data) < sum(sizes) <= len(data)


def test_a_small_parquet_object_takes_one_request(s3, moved):
    address = write_table(ODD, s3.address("small.parquet"))
    client = connect()
    sizes = moved(client)
    read_table(address, client=client)
    assert len(sizes) == 1


def test_lists_and_a_footer_beyond_the_first_look_are_read(moto):
    wide = pd.DataFrame({f"column_with_a_long_name_{i}": [i] for i in range(800)})
    wide["genres"] = [["Action", "Sci-Fi"]]
    address = write_table(wide, moto.address("wide.parquet"))
    pd.testing.assert_frame_equal(read_table(address), pd.read_parquet(presign(address)))
    [genres] = read_table(address, "genres")["genres"]
    assert list(genres) == ["Action", "Sci-Fi"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_unknown_column_is_answered_with_those_there_are(moto, suffix):
    address = write_table(ODD, moto.address(f"t{suffix}"))
    with pytest.raises(DataError, match="no column 'rating'; its columns are a b, t, f, ü"):
        read_table(address, ["rating"])
    with pytest.raises(DataError, match="asked for twice"):
        read_table(address, ["t", "t"])
    with pytest.raises(DataError, match="columns is empty"):
        read_table(address, [])


def test_a_quote_far_into_a_text_hides_a_line_break_all_the_same(moto):
    table = pd.DataFrame({"n": np.arange(300_000), "t": "x"})
    table.loc[250_000, "t"] = "two\nlines"
    address = write_table(table, moto.address("late.csv"))
    pd.testing.assert_frame_equal(read_table(address), table)


def test_only_an_empty_field_is_missing(moto):
    table = pd.DataFrame({"title": ["NA", "null", "None", None], "n": [1, None, 2, 3]})
    pd.testing.assert_frame_equal(read_table(write_table(table, moto.address("t.csv"))), table)


def test_types_of_text_can_be_given(moto):
    address = moto.put("links.csv", b"movieId,imdbId\n1,0114709\n")
    assert read_table(address)["imdbId"].tolist() == [114709]
    table = read_table(address, dtype={"imdbId": "str", "movieId": "int32"})
    assert table["imdbId"].tolist() == ["0114709"]
    assert table["movieId"].dtype == "int32"
    with pytest.raises(DataError, match="'imdb' is no type"):
        read_table(address, dtype={"imdbId": "imdb"})
    with pytest.raises(DataError, match="no column 'imdb_id'"):
        read_table(address, dtype={"imdb_id": "str"})


def test_movielens_own_files_have_the_columns_of_the_course(s3, repository_root):
    from course_utils.datasets import load_movielens

    sample = load_movielens("sample")
    for name in ("ratings", "movies", "users"):
        data = (repository_root / "data" / "sample" / f"{name}.dat").read_bytes()
        plain = s3.put(f"ml-1m/{name}.dat", data)
        zipped = s3.put(f"ml-1m/{name}.dat.gz", gzip.compress(data, 1))
        expected = getattr(sample, name).drop(columns="year", errors="ignore")
        pd.testing.assert_frame_equal(read_table(plain), expected)
        pd.testing.assert_frame_equal(read_table(zipped), expected)
    assert list(read_table(s3.address("ml-1m/ratings.dat"), "rating")) == ["rating"]


@pytest.mark.parametrize(
    ("key", "data", "said"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read as a table: .*Expected 2 columns, got 3"),
        ("t.csv", b"title\nAm\xe9lie\n", "'title' is not UTF-8; pass encoding='latin-1'"),
        ("t.csv.gz", b"a,b\n1,2\n", "not a whole gzip file"),
        (
            "t.csv.gz",
            gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0)[:-20],
            "not a whole gzip file",
        ),
        ("t.parquet", b"a,b\n1,2\n", "is not a Parquet file"),
        ("t.parquet", b"PAR1" + b"x" * 100 + b"\x10\0\0\0PAR1", "is a damaged Parquet file"),
        ("ratings.dat", b"1::2::9::3\n", "ratings.dat, line 1: rating '9' is not on the scale"),
        ("stars.dat", b"1::2\n", "a .dat has no header"),
        ("t.xlsx", b"x", "cannot be read: its key must end with .csv"),
    ],
)
def test_content_that_cannot_be_right_is_one_sentence(moto, key, data, said):
    with pytest.raises(DataError, match=said):
        read_table(moto.put(key, data))


def test_an_empty_parquet_object_is_no_table(s3):
    with pytest.raises((StorageError, DataError), match=r"is empty|not a Parquet"):
        read_table(s3.put("t.parquet", b""))


def test_latin_1_is_read_where_it_is_named(moto):
    address = moto.put("t.csv", "title\nAmélie\n".encode("latin-1"))
    assert read_table(address, encoding="latin-1")["title"].tolist() == ["Amélie"]


def test_what_cannot_be_written_is_refused_before_anything_is_sent(moto):
    with pytest.raises(DataError, match=r"cannot be written: its key must end with \.csv"):
        write_table(ODD, moto.address("t.xlsx"))
    with pytest.raises(DataError, match="the index 'a b' would be lost; call reset_index"):
        write_table(ODD.set_index("a b"), moto.address("t.csv"))
    with pytest.raises(DataError, match="cannot be written as Parquet"):
        write_table(pd.DataFrame({"x": [1, "a"]}), moto.address("t.parquet"))
    assert list_keys(moto.address()) == []


def test_the_same_table_gives_the_same_bytes(moto):
    for suffix in SUFFIXES:
        one = write_table(ODD, moto.address(f"one{suffix}"))
        two = write_table(ODD, moto.address(f"two{suffix}"))
        assert list_keys(one)[0].etag == list_keys(two)[0].etag


@pytest.mark.parametrize(
    "key", ["a b.csv", "/leading.csv", "a/../b.csv", "ü/日本.csv", "100%25+&.csv"]
)
def test_odd_keys_are_written_read_and_linked_to(s3, key):
    address = write_table(ODD, s3.address(key))
    pd.testing.assert_frame_equal(read_table(address), ODD)
    if ".." in key:  # whoever follows a link takes it for a path
        with pytest.raises(StorageError, match="cannot be linked to"):
            presign(address)
        return
    answer = requests.get(presign(address), timeout=10)
    assert answer.content == ODD.to_csv(index=False).encode()


def test_a_link_ends_and_holds_no_secret(s3):
    address = s3.put("key.csv", b"a\n1\n")
    link = presign(address, expires=60)
    assert "X-Amz-Expires=60" in link
    assert "not-a-real-secret" not in link
    assert requests.get(link, timeout=10).content == b"a\n1\n"
    for wrong in (0, 604_801, 1.5, True):
        with pytest.raises(StorageError, match="1 to 604,800 seconds"):
            presign(address, expires=wrong)


def test_swift_refuses_a_link_that_was_tampered_with(swift, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", swift.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", swift.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", swift.secret_key)
    link = presign("s3://bucket/key.csv", expires=60)
    answer = requests.get(link.replace("Expires=60", "Expires=600"), timeout=10)
    assert answer.status_code == 403
