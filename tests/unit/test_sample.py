"""The embedded sample: reproducible bytes, ML-1M's format, a right catalogue, believable people."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import data_report
import make_sample
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sample import chance, exposure, stars
from sample.catalogue import COLUMNS, CatalogueError, parse, read_catalogue
from sample.films import END, START
from sample.people import AGES

SHA256 = {
    "movies.dat": "46d8ff61c77f5c12b8ceb53da8239d8db4c041da8df70d1a42319929ce5d2c4c",
    "users.dat": "0341f7a86faaba9f1b05c14abe5d6dbc4dc4ed0e55a4584b7386d1f9b9ca69a2",
    "ratings.dat": "5a1aae9e5500020d3882220cce03dddf10e378584430c5ac9895806fe23999da",
}
PATTERNS = {
    "movies.dat": r"[1-9]\d*::(?!.*::.*::)\S.* \((19|20)\d\d\)::[A-Z][A-Za-z'|-]+",
    "users.dat": r"[1-9]\d*::[FM]::(1|18|25|35|45|50|56)::(\d|1\d|20)::000\d\d",
    "ratings.dat": r"[1-9]\d*::[1-9]\d*::[1-5]::\d{9,10}",
}
GOOD_ROW = ["Heat (1995)", "Action|Crime", "", "heist|police", "tense", "62", "77"]


@pytest.fixture(scope="module")
def simulation():
    return make_sample.simulate()


@pytest.fixture(scope="module")
def ratings(simulation) -> pd.DataFrame:
    columns = ["user_id", "movie_id", "rating", "timestamp"]
    return pd.DataFrame(simulation[2], columns=columns)


@pytest.fixture(scope="module")
def movies(simulation) -> pd.DataFrame:
    films = simulation[0]
    return pd.DataFrame({"movie_id": films.movie_id, "title": [f.title for f in films.facts]})


# ---------------------------------------------------------------- bytes and format


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", SHA256)
def test_the_committed_files_have_the_known_checksums(repository_root, name):
    assert sha256(repository_root / "data" / "sample" / name) == SHA256[name]


def test_regenerating_gives_the_committed_bytes(tmp_path):
    make_sample.make_sample(tmp_path)
    assert {path.name: sha256(path) for path in tmp_path.iterdir()} == SHA256


def test_another_seed_gives_another_sample():
    other = make_sample.simulate(n_people=50, seed=43)[2]
    assert not np.array_equal(other, make_sample.simulate(n_people=50, seed=42)[2])


def test_memory_batches_do_not_change_the_sample(monkeypatch, simulation):
    monkeypatch.setattr(exposure, "BATCH", 77)
    monkeypatch.setattr(stars, "BATCH", 101)
    assert np.array_equal(make_sample.simulate()[2], simulation[2])


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    from sample.files import write_lines

    target = tmp_path / "movies.dat"
    target.write_bytes(b"old\n")
    with pytest.raises(UnicodeEncodeError):
        write_lines(target, ["fine", "\u0142"])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("movies.dat", b"old\n")
    ]


@pytest.mark.parametrize("name", PATTERNS)
def test_every_line_has_the_format_of_ml_1m(repository_root, name):
    text = (repository_root / "data" / "sample" / name).read_bytes().decode("latin-1")
    assert text.endswith("\n")
    assert "\r" not in text
    bad = [line for line in text[:-1].split("\n") if not re.fullmatch(PATTERNS[name], line)]
    assert bad == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("movies.dat", "1::Heat::Action"),
        ("movies.dat", "1::He::at (1995)::Action"),
        ("movies.dat", "1::Heat (1995)::"),
        ("users.dat", "1::X::25::4::00012"),
        ("users.dat", "1::F::24::4::00012"),
        ("users.dat", "1::F::25::21::00012"),
        ("users.dat", "1::F::25::4::94110"),
        ("ratings.dat", "1::2::4.5::978300760"),
        ("ratings.dat", "1::2::6::978300760"),
    ],
)
def test_the_patterns_refuse_other_formats(name, line):
    assert not re.fullmatch(PATTERNS[name], line)


def test_the_sample_is_small(repository_root):
    folder = repository_root / "data" / "sample"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000


# ---------------------------------------------------------------- ratings, people, time


def test_ratings_are_grouped_by_user_and_unique(ratings):
    assert ratings["user_id"].is_monotonic_increasing
    assert not ratings.duplicated(["user_id", "movie_id"]).any()
    assert ratings.groupby("user_id").size().min() >= 20
    assert set(ratings["user_id"]) == set(range(1, 1001))


def test_ratings_of_a_user_are_not_in_order_of_time(ratings):
    in_order = ratings.groupby("user_id")["timestamp"].apply(lambda t: t.is_monotonic_increasing)
    assert in_order.mean() < 0.01


def test_movie_ids_have_gaps_and_some_films_no_rating(ratings, movies):
    assert movies["movie_id"].is_monotonic_increasing
    assert movies["movie_id"].iloc[-1] > 2 * len(movies)
    unrated = 1 - ratings["movie_id"].nunique() / len(movies)
    assert 0.01 < unrated < 0.06


def test_no_film_is_rated_before_it_appears_nor_outside_the_period(simulation, ratings):
    films = simulation[0]
    appears = pd.Series(films.appears, index=films.movie_id)
    assert (ratings["timestamp"] >= ratings["movie_id"].map(appears)).all()
    assert ratings["timestamp"].between(START, END).all()
    late = appears[appears > START + 365 * 86_400].index
    assert ratings["movie_id"].isin(late).sum() > 300  # there is a cold start to study


def test_occupations_fit_ages(simulation):
    people = simulation[1]
    age = np.array(AGES)[people.age]
    assert set(people.occupation[age == 1]) == {10}
    assert 10 not in people.occupation[age > 1]
    assert (age[people.occupation == 13] == 56).all()


def test_series_pull_people_along(simulation, ratings):
    films = simulation[0]
    title = {film.title: number for number, film in zip(films.movie_id, films.facts, strict=True)}
    first, sequel = title["Jaws (1975)"], title["Jaws 2 (1978)"]
    seen = ratings.groupby("user_id")["movie_id"].agg(set)
    began = seen.map(lambda films_seen: first in films_seen)
    went_on = seen.map(lambda films_seen: sequel in films_seen)
    assert went_on[began].mean() > 2 * went_on[~began].mean()


# ---------------------------------------------------------------- statistics and structure


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("mean rating", 3.53, 3.58),
        ("standard deviation of ratings", 1.10, 1.14),
        ("share of ratings of 4 and more", 0.55, 0.575),
        ("Gini of ratings per film", 0.60, 0.66),
        ("share held by the top 10 % of films", 0.41, 0.46),
        ("standard deviation of user means", 0.42, 0.47),
        ("standard deviation of film means (20 ratings and more)", 0.50, 0.56),
        ("correlation of log(count) and mean, per film", 0.47, 0.57),
        ("users whose history fits in one day", 0.64, 0.72),
        ("users who share their last timestamp", 0.41, 0.47),
    ],
)
def test_statistics_are_near_real_movielens(ratings, movies, name, least, most):
    found = {row.name: row.sample for row in data_report.report_rows(ratings, movies)}
    assert least <= float(found[name]) <= most


def recall_at_10(scores: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    scores = np.where(train > 0, -np.inf, scores)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return float((np.take_along_axis(test, top, axis=1).sum(axis=1) / test.sum(axis=1)).mean())


def held_out(positives: pd.DataFrame, n_last: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return dense train and test matrices, each user's last positives in the second."""
    positives = positives.sort_values(["user_id", "timestamp"], kind="stable")
    size = positives.groupby("user_id")["movie_id"].transform("size")
    positives = positives[size >= 2 * n_last]
    user = pd.factorize(positives["user_id"])[0]
    item = pd.factorize(positives["movie_id"])[0]
    is_test = (positives.groupby("user_id").cumcount(ascending=False) < n_last).to_numpy()
    train = np.zeros((user.max() + 1, item.max() + 1))
    test = np.zeros_like(train)
    train[user[~is_test], item[~is_test]] = 1
    test[user[is_test], item[is_test]] = 1
    return train, test


def cosine(train: np.ndarray) -> np.ndarray:
    sparse = sp.csr_matrix(train)
    length = np.sqrt(np.maximum(train.sum(axis=0), 1))
    similarity = (sparse.T @ sparse).toarray() / np.outer(length, length)
    np.fill_diagonal(similarity, 0)
    return similarity


def test_neighbors_beat_popularity_and_popularity_beats_chance(ratings):
    train, test = held_out(ratings[ratings["rating"] >= 4])
    knn = recall_at_10(train @ cosine(train), train, test)
    popularity = recall_at_10(np.tile(train.sum(axis=0), (len(train), 1)), train, test)
    random = recall_at_10(np.random.default_rng(0).random(train.shape), train, test)
    assert 0.5 < popularity / knn < 0.75
    assert random < popularity / 4


@pytest.mark.parametrize(
    ("title", "neighbor"),
    [
        ("Toy Story (1995)", "Toy Story 2 (1999)"),
        ("Godfather, The (1972)", "Godfather: Part II, The (1974)"),
        ("Alien (1979)", "Aliens (1986)"),
        ("Matrix, The (1999)", "Terminator 2: Judgment Day (1991)"),
    ],
)
def test_nearest_neighbors_make_sense(ratings, movies, title, neighbor):
    positives = ratings[ratings["rating"] >= 4]
    liked = pd.crosstab(positives["user_id"], positives["movie_id"])
    names = movies.set_index("movie_id")["title"][liked.columns].tolist()
    nearest = np.argsort(-cosine(liked.to_numpy(float))[names.index(title)])[:5]
    assert neighbor in [names[i] for i in nearest]


# ---------------------------------------------------------------- chance


def test_log2_agrees_with_numpy():
    numbers = np.array([1, 2, 3, 1000, 65_535, 2**31, 2**32 - 1], dtype=np.uint64)
    assert chance.log2(numbers) / chance.ONE == pytest.approx(np.log2(numbers), abs=1e-4)


@pytest.mark.parametrize(
    ("draw", "mean", "deviation"),
    [("bell", 0, 1), ("exponential", 1, 1), ("gumbel", 0.5772, 1.2825), ("share", 0.5, 0.2887)],
)
def test_draws_have_the_mean_and_deviation_of_their_distribution(draw, mean, deviation):
    drawn = getattr(chance.Chance(7, "test"), draw)(200_000) / chance.ONE
    assert drawn.mean() == pytest.approx(mean, abs=0.01)
    assert drawn.std() == pytest.approx(deviation, abs=0.01)


def test_pick_follows_the_weights():
    picked = chance.Chance(7, "test").pick([1, 0, 3], 100_000)
    assert np.bincount(picked) / 100_000 == pytest.approx([0.25, 0, 0.75], abs=0.01)


# ---------------------------------------------------------------- catalogue


def test_the_catalogue_is_varied():
    films = read_catalogue()
    names = Counter(re.sub(r" \(\d{4}\)$", "", film.title) for film in films)
    assert len({film.series for film in films if film.series}) >= 25
    assert min(film.year for film in films) < 1930
    assert max(film.year for film in films) == 2000
    assert sum(count > 1 for count in names.values()) >= 10  # remakes under the same name
    assert any(not film.title.isascii() for film in films)
    series = Counter(film.series for film in films if film.series)
    assert [slug for slug, count in series.items() if count < 2] == []


def test_a_good_row_is_accepted():
    assert parse(GOOD_ROW).year == 1995


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("title", "Heat", "does not end in a year"),
        ("title", "Heat (95)", "does not end in a year"),
        ("title", "Heat (1895)", "year 1895 is not within"),
        ("title", "Heat (2001)", "year 2001 is not within"),
        ("title", "The Heat (1995)", "article behind a comma"),
        ("title", "He::at (1995)", "separator"),
        ("title", "Cesta z města (1995)", "latin-1"),
        ("genres", "Action|Krimi", "unknown genre 'Krimi'"),
        ("genres", "", "unknown genre ''"),
        ("genres", "Crime|Action", "alphabetical"),
        ("genres", "Action|Action", "comes twice"),
        ("series", "Star Wars", "not a slug"),
        ("themes", "heist", "1 themes instead of 2 to 3"),
        ("themes", "heist|boats", "unknown theme 'boats'"),
        ("tone", "blue", "unknown tone 'blue'"),
        ("fame", "0", "fame '0' is not"),
        ("fame", "101", "fame '101' is not"),
        ("quality", "7.5", "quality '7.5' is not"),
    ],
)
def test_a_bad_row_is_refused(column, value, complaint):
    row = [value if name == column else old for name, old in zip(COLUMNS, GOOD_ROW, strict=True)]
    with pytest.raises(CatalogueError, match=re.escape(complaint)):
        parse(row)


def write_catalogue(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *rows, ""]), encoding="utf-8")
    return path


def test_a_refusal_names_file_and_line(tmp_path):
    good = ",".join(GOOD_ROW)
    path = write_catalogue(tmp_path / "films.csv", good, good.replace("Crime", "Krimi"))
    with pytest.raises(CatalogueError) as refusal:
        read_catalogue(path)
    assert str(refusal.value) == f"{path}, line 3: unknown genre 'Krimi'."


def test_a_film_listed_twice_is_refused(tmp_path):
    good = ",".join(GOOD_ROW)
    path = write_catalogue(tmp_path / "films.csv", good, good)
    with pytest.raises(CatalogueError, match="line 3: 'Heat \\(1995\\)' is listed twice"):
        read_catalogue(path)


@pytest.mark.parametrize("text", ["", "title,genres\n", ",".join(COLUMNS) + "\n"])
def test_a_catalogue_without_columns_or_films_is_refused(tmp_path, text):
    path = tmp_path / "films.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError, match="line 1"):
        read_catalogue(path)


# ---------------------------------------------------------------- report


def test_the_page_is_what_the_report_prints_now():
    assert data_report.PAGE.read_text(encoding="utf-8") == data_report.report()


def test_gini_and_top_share_on_counts_that_can_be_checked_on_paper():
    assert data_report.gini(np.array([5.0, 5, 5, 5])) == 0
    assert data_report.gini(np.array([0.0, 0, 0, 8])) == pytest.approx(0.75)
    assert data_report.top_share(np.array([1.0] * 9 + [11])) == pytest.approx(0.55)


def test_time_statistics_on_users_that_can_be_checked_on_paper():
    frame = pd.DataFrame(
        {"user_id": [1, 1, 2, 2], "timestamp": [0, 86_400, 100, 100], "movie_id": [1, 2, 1, 2]}
    )
    assert data_report.fits_in_one_day(frame) == 0.5
    assert data_report.shares_last_timestamp(frame) == 0.5
