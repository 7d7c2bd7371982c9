"""The gate: a better run is promoted, an equal and a worse one are refused with a sentence."""

import json

import artifact_cases as cases
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from course_cloud import artifacts
from course_cloud.artifacts.validation import Validation, compared, measured
from course_utils.errors import ArtifactError, DataError, StorageError
from course_utils.evaluation import evaluate
from course_utils.interactions import Interactions
from course_utils.models import EASE, Popularity

N_USERS = 951  # of the sample, with validation films


def planted(rng, gain):
    """Return recall@10 of two models for the same users: five films each, most users have none.

    The models agree on most users; `gain` is how much more often the candidate finds a film.
    """
    ease = rng.beta(0.6, 2.6, N_USERS)  # mean .19
    hits = rng.binomial(5, ease)
    again = rng.random(N_USERS) < 0.4  # the users on whom the two models differ
    moved = np.clip(ease + gain / 0.4, 0, 1)
    other = np.where(again, rng.binomial(5, moved), hits)
    return (Validation(pd.Series(found / 5, name="recall@10"), "") for found in (other, hits))


@pytest.mark.parametrize(("gain", "fewest", "most"), [(0.02, 95, 100), (0.0, 0, 5), (-0.02, 0, 0)])
def test_of_a_hundred_runs_the_gate_promotes_the_better_ones(gain, fewest, most):
    rng = np.random.default_rng(19)
    found = [compared(*planted(rng, gain)) for _ in range(100)]
    promoted = sum(one.low > 0 for one in found)
    print(f"gain {gain:+.2f}: {promoted} of 100 promoted")
    assert fewest <= promoted <= most


def test_the_comparison_is_that_of_the_course(tmp_path):
    from course_utils.evaluation import compare

    train, val = split_of(seed=0)
    models = {"one": Popularity().fit(train.matrix), "other": EASE(l2=2.0).fit(train.matrix)}
    results = {n: evaluate(m, train.matrix, val.matrix, progress=False) for n, m in models.items()}
    table = compare(results, baseline="one", metrics=["recall@10"]).set_index("model").loc["other"]
    one, other = (measured((result, val), train) for result in results.values())
    found = compared(other, one)
    assert list(found[:3]) == pytest.approx(
        table[["difference", "difference_low", "difference_high"]].tolist(), abs=0.003
    )


def split_of(seed, n_users=60):
    """Return training and held-out positives of some users; two groups like films of their own."""
    rng = np.random.default_rng(seed)
    taste = np.arange(n_users)[:, None] % 2 == np.arange(cases.N_ITEMS) % 2
    liked = rng.random(taste.shape) < np.where(taste, 0.5, 0.05)
    held = liked & (rng.random(taste.shape) < 0.3)
    held[:, 0] |= ~held.any(axis=1)
    users = np.arange(1, n_users + 1, dtype=np.int32)
    items = cases.movies()["movie_id"].to_numpy()
    parts = (sparse.csr_matrix(part.astype(np.float32)) for part in (liked & ~held, held))
    return [Interactions(part, users, items) for part in parts]


def save_measured(folder, model, seed=0, n_users=60, **options):
    train, val = split_of(seed, n_users)
    result = evaluate(model.fit(train.matrix), train.matrix, val.matrix, progress=False)
    options = {"validation": (result, val)} | options
    manifest = cases.save(folder, model, train=train, **options)
    return manifest.run_id, result, val


@pytest.fixture
def current(moto, tmp_path):
    """Return an address, the run of a popularity model there, and a folder for candidates."""
    address = moto.address("models")
    run_id, _, _ = save_measured(tmp_path / "model", Popularity())
    artifacts.publish(tmp_path / "model", address)
    return address, run_id, tmp_path / "model"


def latest(moto):
    said = moto.client.get_object(Bucket=moto.bucket, Key="models/latest.json")["Body"].read()
    return json.loads(said)["run_id"]


def test_values_by_user_come_back_with_the_artifact(tmp_path):
    _, result, val = save_measured(tmp_path / "model", Popularity())
    saved = artifacts.load(tmp_path / "model")
    values = result.per_user["recall@10"]
    assert saved.manifest.format == 2
    assert saved.validation.by_user.tolist() == values.tolist()
    assert saved.validation.by_user.index.tolist() == val.users[values.index].tolist()
    assert saved.validation.by_user.name == "recall@10"


def test_only_the_first_run_is_the_latest_without_a_comparison(moto, current):
    address, first, folder = current
    assert latest(moto) == first
    second, _, _ = save_measured(folder, EASE(l2=2.0))
    assert artifacts.publish(folder, address) == second
    assert latest(moto) == first
    assert artifacts.promote(address, second, move=False).startswith(
        f"Run {second} can be promoted"
    )
    assert latest(moto) == first
    said = artifacts.promote(address, second)
    assert said.startswith(f"Run {second} is promoted: its recall@10 of 0.")
    assert "is better than the current run's 0." in said
    assert latest(moto) == second
    artifacts.point(address, first)  # and back
    assert latest(moto) == first


@pytest.mark.parametrize(
    ("now", "why"), [(Popularity(), "cannot be told apart from"), (EASE(l2=2.0), "is worse than")]
)
def test_an_equal_and_a_worse_run_are_refused_with_the_numbers(moto, current, now, why):
    address, _, folder = current
    first, _, _ = save_measured(folder, now)
    artifacts.publish(folder, address)
    artifacts.point(address, first)
    run_id, _, _ = save_measured(folder, Popularity())
    artifacts.publish(folder, address)
    refusal = rf"^Run {run_id} is not promoted: its recall@10 .*{why}"
    with pytest.raises(ArtifactError, match=refusal) as no:
        artifacts.promote(address, run_id)
    assert "over 60 users." in str(no.value)
    assert "\n" not in str(no.value)
    assert latest(moto) == first


def test_runs_that_cannot_be_compared_are_not_promoted(moto, current):
    address, first, folder = current
    for options, why in [
        ({"seed": 1}, "same metric on the same held-out pairs; measure both on one split"),
        ({"n_users": 29}, "same metric on the same held-out pairs"),
        ({"validation": None}, r"carries no validation values to compare; save it with validation"),
    ]:
        run_id, _, _ = save_measured(folder, EASE(l2=2.0), **options)
        artifacts.publish(folder, address)
        with pytest.raises(ArtifactError, match=why):
            artifacts.promote(address, run_id)
    with pytest.raises(StorageError, match="there is no such key"):
        artifacts.promote(address, "20200101T000000000000-00000000")
    result, val, train = split_result(n_users=29)
    few = measured((result, val), train)
    with pytest.raises(ArtifactError, match="values of 29 users; at least 30 are needed"):
        compared(few, few)
    assert latest(moto) == first


def split_result(n_users):
    train, val = split_of(0, n_users)
    model = Popularity().fit(train.matrix)
    return evaluate(model, train.matrix, val.matrix, progress=False), val, train


def test_an_artifact_of_the_format_before_is_loaded_and_not_compared(moto, current):
    address, _, folder = current
    run_id, _, _ = save_measured(folder, EASE(l2=2.0), validation=None)
    cases.reseal(folder, format=1)
    saved = artifacts.load(folder)
    assert (saved.manifest.format, saved.validation) == (1, None)
    artifacts.publish(folder, address)
    artifacts.point(address, run_id)
    newer, _, _ = save_measured(folder, EASE(l2=2.0))
    artifacts.publish(folder, address)
    with pytest.raises(ArtifactError, match=f"Run {run_id} carries no validation values"):
        artifacts.promote(address, newer)


def test_values_that_changed_in_the_bucket_are_refused(moto, current):
    address, _, folder = current
    run_id, _, _ = save_measured(folder, EASE(l2=2.0))
    artifacts.publish(folder, address)
    key = f"models/runs/{run_id}/validation.npz"
    content = bytearray(moto.client.get_object(Bucket=moto.bucket, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    moto.put(key, bytes(content))
    with pytest.raises(ArtifactError, match=r"validation\.npz does not match the manifest"):
        artifacts.promote(address, run_id)


def test_a_model_that_was_fitted_on_what_it_is_measured_on_is_not_saved(tmp_path):
    train, val = split_of(0)
    both = Interactions(train.matrix.maximum(val.matrix), train.users, train.items)
    model = EASE(l2=2.0).fit(both.matrix)
    result = evaluate(model, train.matrix, val.matrix, progress=False)
    for options, why in [
        ({"train": both, "validation": (result, val)}, r"fitted on \d+ of the held-out pairs"),
        ({"train": train, "validation": (result, split_of(0, 59)[1])}, r"must be \(result, val\)"),
    ]:
        with pytest.raises(DataError, match=why):
            cases.save(tmp_path / "model", model, **options)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 7.248])
def test_a_recall_that_is_no_share_is_not_saved(tmp_path, value):
    """A mean would leave out the users without a value, and so all but the luckiest one."""
    result, val, train = split_result(n_users=60)
    result.per_user.loc[result.per_user.index[1:], "recall@10"] = value
    with pytest.raises(DataError, match="recall@10 that is no number from 0 to 1"):
        save_measured(tmp_path / "model", Popularity(), validation=(result, val))
    assert not (tmp_path / "model").exists()
    assert measured((split_result(60)[0], val), train)


def test_what_is_not_a_result_and_its_split_is_refused_with_one_sentence(tmp_path):
    result, val, _ = split_result(n_users=60)
    pairs = [result, (val, result), (), (None, val), (result, None), (result, val.matrix), 7, "ab"]
    for wrong in pairs:
        with pytest.raises(DataError, match=r"`validation` must be \(result, val\): recall@10"):
            save_measured(tmp_path / "model", Popularity(), validation=wrong)


def test_only_latest_json_itself_is_the_pointer(moto, tmp_path):
    moto.put("models/latest.json.bak", b"{}")
    run_id, _, _ = save_measured(tmp_path / "model", Popularity())
    artifacts.publish(tmp_path / "model", moto.address("models"))
    assert latest(moto) == run_id


@pytest.mark.parametrize("harm", [
    lambda arrays: arrays.pop("users"),
    lambda arrays: arrays.update(more=arrays["users"]),
    lambda arrays: arrays.update(users=np.array(7)),
    lambda arrays: arrays.update(users=np.ones_like(arrays["users"])),
    lambda arrays: arrays.update(held_out=arrays["held_out"][:0]),
    lambda arrays: arrays.update({"recall@10": arrays["recall@10"] > 0}),
    lambda arrays: arrays.update({"recall@10": arrays["recall@10"] * np.nan}),
])  # fmt: skip
def test_a_strangers_values_are_refused(tmp_path, harm):
    save_measured(tmp_path / "model", Popularity())
    path = tmp_path / "model" / "validation.npz"
    with np.load(path) as found:
        arrays = dict(found)
    harm(arrays)
    np.savez(path, **arrays)
    cases.reseal(tmp_path / "model", format=2)
    with pytest.raises(ArtifactError, match=r"validation\.npz is damaged, or not of artifacts"):
        artifacts.load(tmp_path / "model")
