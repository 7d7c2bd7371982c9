"""The people of the sample answer: deterministic, the same whoever else is asked, never twice."""

import shutil
import time

import numpy as np
import pandas as pd
import pytest

from course_utils.datasets import load_movielens
from course_utils.errors import DataError
from course_utils.world import OPEN_AT, OPEN_STEP, PATIENCE, load_world


@pytest.fixture(scope="module")
def world():
    return load_world()


@pytest.fixture(scope="module")
def lists(world):
    rng = np.random.default_rng(0)
    return np.array([rng.choice(world.items, 10, replace=False) for _ in world.users])


@pytest.fixture(scope="module")
def best(world):
    """The ten unseen films of highest utility of each person."""
    utility = np.where(world._seen, 0, world.utility(world.users))
    return world.items[np.argsort(-utility, axis=1)[:, :10]]


def test_the_same_question_gets_the_same_answer_and_another_seed_or_day_another(world, best):
    answers = world.respond(world.users, best, 1, seed=0)
    again = load_world().respond(world.users, best, 1, seed=0)
    np.testing.assert_array_equal(answers.opened, again.opened)
    np.testing.assert_array_equal(answers.stars, again.stars)
    for day, seed in ((1, 1), (2, 0)):
        assert (world.respond(world.users, best, day, seed).opened != answers.opened).mean() > 0.1


def test_an_answer_does_not_depend_on_who_else_is_asked(world, best):
    whole = world.respond(world.users, best, 3, seed=5)
    rows = np.array([700, 3, 41])
    some = world.respond(world.users[rows], best[rows], 3, seed=5)
    np.testing.assert_array_equal(some.opened, whole.opened[rows])
    np.testing.assert_array_equal(some.stars, whole.stars[rows])


def test_shapes_types_and_stars_only_where_opened(world, lists):
    answers = world.respond(world.users, lists, 1, seed=0)
    assert answers.opened.dtype == bool
    assert answers.stars.dtype == np.float32
    assert answers.opened.shape == answers.stars.shape == lists.shape
    np.testing.assert_array_equal(np.isnan(answers.stars), ~answers.opened)
    assert set(answers.stars[answers.opened]) <= {1, 2, 3, 4, 5}


def test_what_has_been_seen_is_not_opened_again(world, best):
    ratings = world.history()
    seen = ratings.groupby("user_id")["movie_id"].apply(lambda films: films.to_numpy()[:10])
    shown = world.respond(seen.index, np.stack(seen), 1, seed=0)
    assert not shown.opened.any()
    answers = world.respond(world.users, best, 1, seed=0)
    later = world.after(answers)
    assert not (later.respond(world.users, best, 1, seed=0).opened & answers.opened).any()
    assert world.respond(world.users, best, 1, seed=0).opened.sum() == answers.opened.sum()


def test_history_is_the_sample_then_the_answers(world, best):
    ratings = load_movielens("sample").ratings
    assert world.history().equals(ratings)
    answers = world.respond(world.users, best, 2, seed=0)
    grown = world.after(answers).history()
    assert list(grown.dtypes) == list(ratings.dtypes)
    assert grown.iloc[: len(ratings)].equals(ratings)
    new = grown.iloc[len(ratings) :]
    assert len(new) == answers.opened.sum()
    assert not grown.duplicated(["user_id", "movie_id"]).any()
    assert new["timestamp"].min() > ratings["timestamp"].max()


def test_attention_falls_by_the_patience_from_slot_to_slot(world):
    # The same unseen film in slot 0 and in slot 4, alone on its list, over many days.
    rates = []
    for slot in (0, 4):
        lists = np.full((len(world.users), 5), -1)
        liked = np.where(world._seen, 0, world.utility(world.users)).argmax(axis=1)
        lists[:, slot] = world.items[liked]
        days = [world.respond(world.users, lists, day, 0).opened.mean() for day in range(1, 60)]
        rates.append(np.mean(days))
    assert rates[1] / rates[0] == pytest.approx(PATIENCE**4, rel=0.03)


def test_opening_and_stars_follow_the_documented_odds(world):
    rows = np.arange(0, 1000, 3)
    films = world.items[np.where(world._seen[rows], 0, world.utility(world.users[rows])).argmax(1)]
    utility = world.utility(world.users[rows])[
        np.arange(len(rows)), np.searchsorted(world.items, films)
    ]
    opened, stars = [], []
    for seed in range(200):
        answers = world.respond(world.users[rows], films[:, None], 1, seed)
        opened.append(answers.opened[:, 0])
        stars.append(answers.stars[:, 0])
    opinion = world._opinion(rows, np.searchsorted(world.items, films)[:, None], 1)[:, 0]
    expected = 1 / (1 + np.exp(-(opinion - OPEN_AT) / OPEN_STEP))
    assert np.mean(opened) == pytest.approx(expected.mean(), abs=0.01)
    assert np.nanmean(stars) == pytest.approx(utility[np.mean(opened, axis=0) > 0].mean(), abs=0.1)


def test_utility_orders_what_people_did(world):
    """Ratings given long before agree with the truth, though it is not a copy of them."""
    ratings = world.history()
    rows = np.searchsorted(world.users, ratings["user_id"])
    columns = np.searchsorted(world.items, ratings["movie_id"])
    utility = world.utility(world.users)[rows, columns]
    assert 0.6 < np.corrcoef(utility, ratings["rating"])[0, 1] < 0.9
    assert utility.mean() == pytest.approx(ratings["rating"].mean(), abs=0.15)


def test_the_truth_beats_chance_by_far(world, best, lists):
    likes = [
        (world.respond(world.users, shown, 1, 0).stars >= 4).sum(axis=1).mean()
        for shown in (best, lists)
    ]
    assert likes[0] > 10 * likes[1]


def test_newcomers_are_of_the_same_kind_and_have_seen_nothing(world):
    larger = world.with_newcomers(500, seed=1)
    new = larger.users[-500:]
    assert (new > world.users[-1]).all()
    assert not set(new) & set(larger.history()["user_id"])
    mine, theirs = larger.utility(world.users), larger.utility(new)
    assert theirs.mean() == pytest.approx(mine.mean(), abs=0.1)
    assert theirs.std() == pytest.approx(mine.std(), rel=0.1)
    assert not np.array_equal(theirs, world.with_newcomers(500, seed=2).utility(new))
    lists = np.tile(larger.items[:10], (500, 1))
    assert larger.respond(new, lists, 1, 0).opened.shape == (500, 10)
    assert len(world.users) == 1000  # nothing changed the world it came from


def test_fashions_go_on_after_the_sample(world):
    changed = world.utility(world.users[:5], day=1) != world.utility(world.users[:5], day=60)
    assert changed.mean() > 0.1


def test_a_thousand_people_answer_in_twenty_milliseconds(world, lists):
    seconds = []
    for day in range(1, 12):
        start = time.process_time()
        world.respond(world.users, lists, day, 0)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.02


def test_the_file_is_small_and_holds_no_pickle(repository_root):
    path = repository_root / "data" / "sample" / "world.npz"
    assert path.stat().st_size < 1_000_000
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "iuf" for name in file.files)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"user_ids": [1, 5000]}, "There is no user 5000 in this world"),
        ({"user_ids": [1, 1]}, "User 1 is asked twice"),
        ({"user_ids": [1.0, 2.0]}, "`user_ids` must be a list of integers"),
        ({"item_ids": [[2, 2], [4, 6]]}, "shows film 2 twice"),
        ({"item_ids": [[2, 3_000_000], [4, 6]]}, "There is no film 3000000"),
        ({"item_ids": [[2, 4]]}, "of shape \\(2, k\\)"),
        ({"item_ids": [[2.0, 4.0], [2.0, 4.0]]}, "must be movie ids"),
        ({"day": 0}, "day must be an integer of at least 1"),
        ({"day": 2**63}, "day must be at most 100000"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"seed": 2**64}, "seed must be at most 18446744073709551615"),
    ],
)
def test_bad_questions_get_one_sentence(world, change, complaint):
    films = world.items[[0, 1, 2, 3]].tolist()
    names = {2: films[0], 4: films[1], 6: films[2]}
    asked = {"user_ids": [1, 2], "item_ids": [films[:2], films[2:]], "day": 1, "seed": 0}
    if "item_ids" in change:
        kind = type(change["item_ids"][0][0])
        shown = [[kind(names.get(film, film)) for film in row] for row in change["item_ids"]]
        change = {"item_ids": shown}
        complaint = complaint.replace("film 2 ", f"film {films[0]} ")
    with pytest.raises(DataError, match=complaint):
        world.respond(**(asked | change))


def test_answers_count_once(world, best):
    answers = world.respond(world.users, best, 1, seed=0)
    later = world.after(answers)
    with pytest.raises(DataError, match="given already"):
        later.after(answers)


def test_real_data_has_no_world(tmp_path):
    with pytest.raises(DataError, match="only simulated data has a world"):
        load_world(tmp_path)


def test_another_folder_of_simulated_people(tmp_path, repository_root):
    shutil.copytree(repository_root / "data" / "sample", tmp_path / "ml-1m")
    assert repr(load_world(tmp_path / "ml-1m")) == "World(1,000 people, 1,399 films, simulated)"


def test_an_empty_slot_is_never_opened_nor_remembered(world):
    answers = world.respond([1, 2], [[-1, -1], [-1, -1]], 1, 0)
    assert not answers.opened.any()
    assert world.after(answers).history().equals(world.history())


def test_lists_of_different_length_get_one_sentence(world):
    with pytest.raises(DataError, match="differ in length"):
        world.respond([1, 2], [[1], [1, 2]], 1, 0)


def test_nobody_asked_is_nobody_answering(world):
    assert world.respond([], [], 1, 0).opened.shape == (0, 0)
    assert world.respond([1, 2], [[], []], 1, 0).opened.shape == (2, 0)
    assert world.utility([]).shape == (0, len(world.items))


def test_ids_cannot_be_shuffled_in_place(world):
    for ids in (world.users, world.items, world.with_newcomers(3, 0).users):
        with pytest.raises(ValueError, match="read-only"):
            np.random.default_rng(0).shuffle(ids)


def test_newcomers_of_two_days_are_no_clones(world):
    twice = world.with_newcomers(5, seed=0).with_newcomers(5, seed=0)
    first, second = twice.utility(twice.users[-10:-5]), twice.utility(twice.users[-5:])
    assert not np.array_equal(first, second)


def test_the_first_day_is_the_day_after_the_last_rating(world, best):
    last = pd.to_datetime(world.history()["timestamp"].max(), unit="s").normalize()
    grown = world.after(world.respond(world.users, best, 1, seed=0)).history()
    first = pd.to_datetime(grown["timestamp"].iloc[-1], unit="s").normalize()
    assert first - last == pd.Timedelta(days=1)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "other arrays", "one array"])
def test_a_damaged_world_gets_one_sentence(tmp_path, repository_root, damage):
    folder = tmp_path / "ml-1m"
    shutil.copytree(repository_root / "data" / "sample", folder)
    path = folder / "world.npz"
    whole = path.read_bytes()
    if damage == "other arrays":
        np.savez(path, taste=np.ones(3))
    elif damage == "one array":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    else:
        path.write_bytes({"truncated": whole[:5_000], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(DataError, match="damaged or of another version"):
        load_world(folder)


def test_ratings_of_another_world_are_refused(tmp_path, repository_root):
    folder = tmp_path / "ml-1m"
    shutil.copytree(repository_root / "data" / "sample", folder)
    (folder / "ratings.dat").write_text("1::999999::5::1000000000\n")
    (folder / "movies.dat").write_text("999999::Another (1999)::Drama\n")
    with pytest.raises(DataError, match="not those of its world"):
        load_world(folder)
