"""The embedded sample: reproducible bytes, ML-1M's format, a right catalogue, believable people."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from course_utils.datasets import load_movielens
from tools.sample import chance, exposure, findings, make, report, world
from tools.sample.catalogue import COLUMNS, CatalogueError, parse, read_catalogue
from tools.sample.films import DAY, END, START
from tools.sample.people import AGES

SHA256 = {
    "movies.dat": "14738bd036696bd70787ffc9d167f3c4e04e1b58060f4ea9d80d3b023e701dcd",
    "users.dat": "0341f7a86faaba9f1b05c14abe5d6dbc4dc4ed0e55a4584b7386d1f9b9ca69a2",
    "ratings.dat": "a916cea7729c497725e1dfec4af88fb76aac55c27918107bb1f10c9900a706cc",
}
PATTERNS = {
    "movies.dat": r"[1-9]\d*::(?!.*::.*::)\S.* \((19|20)\d\d\)::[A-Z][A-Za-z'|-]+",
    "users.dat": r"[1-9]\d*::[FM]::(1|18|25|35|45|50|56)::(\d|1\d|20)::000\d\d",
    "ratings.dat": r"[1-9]\d*::[1-9]\d*::[1-5]::\d{9,10}",
}
GOOD_ROW = ["Heat (1995)", "Action|Crime", "", "heist|police", "tense", "62", "77"]


@pytest.fixture(scope="module")
def here() -> world.World:
    return world.build_world(make.SAMPLE, seed=42)


def ratings_of(here: world.World) -> pd.DataFrame:
    parts = list(world.all_ratings(here))
    names = ("user_id", "movie_id", "stars", "timestamp")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return pd.DataFrame(columns).rename(columns={"stars": "rating"})


@pytest.fixture(scope="module")
def ratings(here) -> pd.DataFrame:
    return ratings_of(here)


@pytest.fixture(scope="module")
def movies(here) -> pd.DataFrame:
    films = here.films
    return pd.DataFrame({"movie_id": films.movie_id, "title": [f.title for f in films.facts]})


@pytest.fixture(scope="module")
def split(ratings) -> tuple[np.ndarray, np.ndarray]:
    """Train and test of the positives, each user's last five in the second."""
    return held_out(ratings[ratings["rating"] >= 4])


# ---------------------------------------------------------------- bytes and format


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", SHA256)
def test_the_committed_files_have_the_known_checksums(repository_root, name):
    assert sha256(repository_root / "data" / "sample" / name) == SHA256[name]


def test_regenerating_gives_the_committed_bytes(tmp_path):
    make.make_sample(tmp_path)
    made = {path.name: sha256(path) for path in tmp_path.iterdir() if path.suffix == ".dat"}
    assert made == SHA256


def test_the_sample_lists_the_whole_catalogue():
    assert make.SAMPLE.items == len(read_catalogue())


def test_another_seed_gives_another_sample(ratings):
    other = ratings_of(world.build_world(make.SAMPLE, seed=43))
    assert not other.equals(ratings)
    assert len(other) == len(ratings)


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


def test_there_are_about_as_many_ratings_as_in_ml_100k(ratings):
    assert 95_000 <= len(ratings) <= 105_000


def test_the_ratings_of_a_page_stand_together_the_best_known_first(here, ratings):
    fame = pd.Series(here.films.fame, index=here.films.movie_id)
    same = (ratings["user_id"].diff() == 0) & (ratings["timestamp"].diff() == 0)
    # Two sittings that overlap can, rarely, have a page in the same second.
    assert ratings[~same].duplicated(["user_id", "timestamp"]).mean() < 0.001
    assert (ratings["movie_id"].map(fame).diff()[same] <= 0).mean() > 0.999


def test_ratings_of_a_user_are_not_in_order_of_time(ratings):
    in_order = ratings.groupby("user_id")["timestamp"].apply(lambda t: t.is_monotonic_increasing)
    assert in_order.mean() < 0.01


def test_movie_ids_have_gaps_and_some_films_no_rating(ratings, movies):
    assert movies["movie_id"].is_monotonic_increasing
    assert movies["movie_id"].iloc[-1] > 2 * len(movies)
    unrated = 1 - ratings["movie_id"].nunique() / len(movies)
    assert 0.01 < unrated < 0.06


def test_no_film_is_rated_before_it_appears_nor_outside_the_period(here, ratings):
    films = here.films
    appears = pd.Series(films.appears, index=films.movie_id)
    assert (ratings["timestamp"] >= ratings["movie_id"].map(appears)).all()
    assert ratings["timestamp"].between(START, END).all()
    late = appears[appears > START + 365 * DAY].index
    assert ratings["movie_id"].isin(late).sum() > 300  # there is a cold start to study


def test_occupations_fit_ages(here):
    people = here.people
    age = np.array(AGES)[people.age]
    assert set(people.occupation[age == 1]) == {10}
    assert 10 not in people.occupation[age > 1]
    assert (age[people.occupation == 13] == 56).all()


def test_series_pull_people_along(here, ratings, monkeypatch):
    def films_per_begun_series(ratings: pd.DataFrame) -> float:
        series = pd.Series(here.films.series, index=here.films.movie_id)
        begun = ratings.assign(series=ratings["movie_id"].map(series)).query("series >= 0")
        return begun.groupby(["user_id", "series"]).size().mean()

    with_pull = films_per_begun_series(ratings)
    monkeypatch.setattr(exposure, "SEQUEL", 0)
    assert with_pull > 1.1 * films_per_begun_series(ratings_of(here))


# ---------------------------------------------------------------- statistics and structure


@pytest.mark.parametrize("name", sorted(set(report.DECIMALS) - set(report.SIZES)))
def test_every_statistic_is_near_real_movielens(ratings, movies, name):
    found = report.statistics(ratings, movies)
    assert report.verdict(name, found[name]) in ("between", "equal", "within 10 %")


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("mean rating", 3.53, 3.60),
        ("standard deviation of ratings", 1.10, 1.16),
        ("share of ratings of 4 and more", 0.55, 0.58),
        ("Gini of ratings per film", 0.61, 0.65),
        ("share held by the top 10 % of films", 0.42, 0.46),
        ("users who share their last timestamp", 0.41, 0.47),
    ],
)
def test_some_statistics_are_nearer(ratings, movies, name, least, most):
    assert least <= report.statistics(ratings, movies)[name] <= most


def recall_at_10(scores: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    scores = np.where(train > 0, -np.inf, scores)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return float((np.take_along_axis(test, top, axis=1).sum(axis=1) / test.sum(axis=1)).mean())


def held_out(
    positives: pd.DataFrame, n_last: int = 5, tie: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return dense train and test matrices, each user's last positives in the second.

    `tie` says which of two in one second counts as later; by default, the one later in the file.
    """
    tie = np.arange(len(positives)) if tie is None else tie
    positives = positives.assign(tie=tie).sort_values(["user_id", "timestamp", "tie"])
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


def by_popularity(train: np.ndarray) -> np.ndarray:
    return np.tile(train.sum(axis=0), (len(train), 1))


def by_ease(train: np.ndarray, l2: float = 250.0) -> np.ndarray:
    inverse = np.linalg.inv(train.T @ train + l2 * np.eye(train.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return train @ weights


def test_each_model_earns_its_place(split):
    train, test = split
    random = recall_at_10(np.random.default_rng(0).random(train.shape), train, test)
    popularity = recall_at_10(by_popularity(train), train, test)
    knn = recall_at_10(train @ cosine(train), train, test)
    ease = recall_at_10(by_ease(train), train, test)
    assert random < popularity / 4
    assert popularity < knn < ease


# What real MovieLens has, at the size measured there (the contract of the sample).
BOUNDS = {
    "next item: popularity, NDCG@10": (0, 0.05),
    "next item: Markov chain ÷ EASE": (1.1, 2.4),
    "others' future: popularity gains, %": (12, 65),
    "others' future: EASE (250) gains, %": (8, 25),
    "last five: ALS, tuned": (0.1, 0.17),
    "last five: popularity ÷ ALS": (0.54, 0.65),
    "last five: EASE ÷ ALS": (0.97, 1.06),
    "last five: item-kNN ÷ popularity": (1.2, 1.65),
    "stars: biased MF is lower by, %": (1, 3),
    "stars: t of the paired squared errors": (2, 100),
}


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    return findings.findings(load_movielens("sample").ratings)


@pytest.mark.parametrize("name", BOUNDS)
def test_models_find_what_they_find_in_real_data(found, name):
    least, most = BOUNDS[name]
    assert least <= found[name] <= most


def test_the_page_of_findings_is_what_the_sample_gives_now(found):
    rows = report.FINDINGS_PAGE.read_text(encoding="utf-8").splitlines()[2:]
    shown = {cells[1].strip(): float(cells[2]) for cells in (row.split("|") for row in rows)}
    for name, decimals in findings.DECIMALS.items():
        # Floating-point sums differ between machines, and a tie in a list can turn with them.
        assert shown[name] == pytest.approx(found[name], rel=0.03, abs=10.0**-decimals), name


def test_a_chain_and_counts_that_can_be_checked_on_paper():
    # Three people: 1 then 2 then 3; 1 then 2 then 3; 2 then 3 then 1. The last one is held out.
    ratings = pd.DataFrame(
        {"user_id": [1, 1, 1, 2, 2, 2, 3, 3, 3], "movie_id": [1, 2, 3, 1, 2, 3, 2, 3, 1],
         "rating": 5.0, "timestamp": [1, 2, 3] * 3}
    )  # fmt: skip
    # After 2 comes 3. Unseen are 3, 3 and 1, so every list has one film, the right one.
    assert findings.next_item(ratings)["markov"].tolist() == [1, 1, 1]


def test_the_future_of_others_is_no_gain_where_nothing_drifts():
    rng = np.random.default_rng(0)
    likes = pd.DataFrame(
        {"user_id": np.repeat(np.arange(150), 30), "rating": 5.0,
         "movie_id": np.concatenate([rng.choice(200, 30, replace=False) for _ in range(150)]),
         "timestamp": rng.integers(0, 1_000_000, 4_500)}
    )  # fmt: skip
    assert abs(findings.others_future(likes)["popularity"]) < 40  # of an NDCG@10 of about .05


def test_the_future_of_others_is_a_gain_where_tastes_change():
    rng = np.random.default_rng(0)
    rising = np.arange(1, 201) / 20_100
    rows = []
    for user in range(150):
        early = rng.choice(200, 15, replace=False, p=rising[::-1])
        left = np.setdiff1d(np.arange(200), early)
        late = rng.choice(left, 15, replace=False, p=rising[left] / rising[left].sum())
        rows += [(user, film, rng.integers(0, 500)) for film in early]
        rows += [(user, film, rng.integers(500, 1000)) for film in late]
    likes = pd.DataFrame(rows, columns=["user_id", "movie_id", "timestamp"]).assign(rating=5.0)
    gains = findings.others_future(likes)
    assert gains["popularity"] > 20
    assert gains["ease"] > 20


def test_a_random_split_flatters(ratings, split):
    positives = ratings[ratings["rating"] >= 4]
    shuffled = np.random.default_rng(0).permutation(len(positives))
    flattering = held_out(positives.assign(timestamp=0), tie=shuffled)
    at_random, in_time = (recall_at_10(by_ease(one[0]), *one) for one in (flattering, split))
    assert at_random > 1.25 * in_time


def test_the_tie_rule_matters(ratings):
    positives = ratings[ratings["rating"] >= 4]
    shuffled = np.random.default_rng(0).permutation(len(positives))
    in_file_order, at_random = held_out(positives, 1), held_out(positives, 1, tie=shuffled)
    hit_rate = [recall_at_10(by_popularity(one[0]), *one) for one in (in_file_order, at_random)]
    assert hit_rate[1] > 1.2 * hit_rate[0]


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


@pytest.fixture(scope="module")
def table() -> dict[str, report.Statistics]:
    return report.all_statistics()


def test_the_page_is_what_the_report_prints_now(table):
    assert report.PAGE.read_text(encoding="utf-8") == report.markdown(table)


def test_the_figure_is_the_same_twice_and_the_committed_one(table):
    drawn = report.draw(table)
    assert drawn == report.draw(table)
    committed = report.FIGURE.read_bytes()
    version = f"Matplotlib v{matplotlib.__version__},".encode()
    if version not in committed:
        pytest.skip("the committed figure was drawn by another version of matplotlib")
    assert drawn == committed


def test_other_numbers_give_another_figure(table):
    changed = table | {"sample": table["sample"] | {"mean rating": 2.5}}
    assert report.draw(changed) != report.draw(table)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("mean rating", 3.55, "between"),
        ("mean rating", 3.58, "between"),
        ("mean rating", 3.2, "within 10 %"),
        ("mean rating", 3.1, "off"),
        ("mean rating", 3.95, "off"),
        ("users whose history fits in one day", 0.684, "equal"),
        ("users whose history fits in one day", 0.62, "within 10 %"),
        ("users whose history fits in one day", 0.6, "off"),
        ("ratings per user, minimum", 19, "within 10 %"),
        ("ratings per user, minimum", 10, "off"),
        ("users", 5, ""),
    ],
)
def test_verdicts_that_can_be_checked_on_paper(name, value, expected):
    assert report.verdict(name, value) == expected


def test_without_ml_latest_small_the_kept_numbers_stand_in(table, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    kept = report.latest_small()
    assert set(kept) == set(report.DECIMALS)
    assert set(report.kept("findings")) == set(findings.DECIMALS)
    assert kept["ratings"] == 100_836
    assert kept == table["ml-latest-small"]


def test_gini_and_top_share_on_counts_that_can_be_checked_on_paper():
    assert report.gini(np.array([5.0, 5, 5, 5])) == 0
    assert report.gini(np.array([0.0, 0, 0, 8])) == pytest.approx(0.75)
    assert report.top_share(np.array([1.0] * 9 + [11])) == pytest.approx(0.55)


def test_time_statistics_on_users_that_can_be_checked_on_paper():
    frame = pd.DataFrame(
        {"user_id": [1, 1, 2, 2], "timestamp": [0, 86_400, 100, 100], "movie_id": [1, 2, 1, 2]}
    )
    assert report.fits_in_one_day(frame) == 0.5
    assert report.shares_last_timestamp(frame) == 0.5
