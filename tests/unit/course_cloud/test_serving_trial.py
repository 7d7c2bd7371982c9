"""A candidate on trial: the same users, whoever asks when; counted by arm; ended at once."""

import json
import logging
import re

import numpy as np
import pytest
from scipy import sparse
from serving_cases import OPERATOR, TOKEN, save_some

from course_cloud import artifacts
from course_cloud.serving import create_app
from course_utils.errors import DataError
from course_utils.models import ALS, EASE

TestClient = pytest.importorskip("fastapi.testclient").TestClient
trials = pytest.importorskip("course_cloud.serving.trial")


@pytest.fixture(autouse=True)
def reload_token(monkeypatch):
    monkeypatch.setenv("COURSE_RELOAD_TOKEN", TOKEN)


SALT = "20261130T120000000000-0123abcd"
IDS = np.arange(1, 100_001)


def shares(ids, share, salt=SALT):
    return np.array([trials.in_share(int(i), share, salt) for i in ids])


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("ids", [IDS, IDS * 10, IDS + 2**31 - 200_000])
def test_of_100_000_ids_the_wanted_share_is_tried(share, ids):
    """Within four standard deviations, also among the first, the last and every second id."""
    tried = shares(ids, share)
    for part in (tried, tried[:10_000], tried[-10_000:], tried[::2]):
        assert abs(part.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(part))


def test_who_is_tried_depends_on_the_id_alone():
    tried, order = shares(IDS[:2000], 0.3), np.random.default_rng(0).permutation(2000)
    assert (shares(IDS[:2000][order], 0.3) == tried[order]).all()
    assert (shares(IDS[:2000], 0.3) == tried).all()
    assert shares(IDS[:2000], 0.6)[tried].all()  # a larger share keeps the users of a smaller one
    other = shares(IDS[:2000], 0.3, salt="another run")
    assert abs((tried & other).mean() - 0.09) < 4 * np.sqrt(0.09 * 0.91 / 2000)
    assert not shares(IDS[:100], 0).any()
    assert shares(IDS[:100], 1).all()


@pytest.fixture
def served(moto, tmp_path):
    """Return a client of two runs, current and candidate, their models and interactions."""
    address, runs = moto.address("runs"), []
    for model in (ALS(6, 0.01, iterations=5), EASE(l2=2.0)):
        manifest, fitted, train = save_some(tmp_path / "one", model=model)
        runs.append((manifest.run_id, fitted))
        artifacts.publish(tmp_path / "one", address)
    return TestClient(create_app(address), headers=OPERATOR), address, runs, train


def start(client, run_id, **options):
    answer = client.post("/canary", json={"run_id": run_id} | options)
    assert answer.status_code == 200
    return answer.json()


def metric(client, name, **labels):
    """Return the value of a metric that has these labels, 0 where there is none."""
    for line in client.get("/metrics").text.splitlines():
        if re.match(rf"{name}(\{{|\s)", line) and all(
            f'{k}="{v}"' in line for k, v in labels.items()
        ):
            return float(line.rpartition(" ")[2])
    return 0.0


def films_of(model, train, row, n=5):
    return train.items[model.recommend(row, train.matrix[row], N=n)[0]].tolist()


def test_a_canary_answers_its_share_of_the_users_and_no_others(served, caplog):
    client, _, runs, train = served
    (old, current), (new, candidate) = runs
    assert start(client, new, share=0.4) == {
        "run_id": new, "model": "EASE", "share": 0.4, "shadow": False,
    }  # fmt: skip
    assert client.get("/health").json()["trial"]["run_id"] == new
    assert client.get("/health").json()["run_id"] == old
    tried = shares(train.users, 0.4, new)
    assert 0 < tried.sum() < len(tried)
    with caplog.at_level(logging.INFO, "course_cloud.serving"):
        for _ in range(2):
            for row, user in enumerate(train.users):
                said = client.get(f"/recommend/{user}?n=5").json()
                assert said["run_id"] == (new if tried[row] else old)
                wanted = films_of(candidate if tried[row] else current, train, row)
                assert [film["movie_id"] for film in said["films"]] == wanted
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["arm"] for line in lines] == ["candidate" if t else "current" for t in tried] * 2
    assert {line["run_id"] for line in lines if line["arm"] == "candidate"} == {new}
    said = {key for line in lines for key in line}
    assert said == {"route", "method", "status", "ms", "run_id", "arm", "strategy"}  # and no ids
    assert metric(client, "course_answers_total", arm="candidate", run_id=new) == 2 * tried.sum()
    assert metric(client, "course_answers_total", arm="current", run_id=old) == 2 * (~tried).sum()
    assert metric(client, "course_arm_seconds_count", arm="candidate") == 2 * tried.sum()


def test_a_salt_of_ones_own_chooses_the_same_users_for_every_run(served):
    client, _, (_, (new, _)), train = served
    start(client, new, share=0.4, salt="monday")
    found = [client.get(f"/recommend/{user}").json()["run_id"] == new for user in train.users]
    assert found == shares(train.users, 0.4, "monday").tolist()


def test_a_shadow_answers_nobody_and_is_compared(served, caplog):
    client, _, ((old, current), (new, candidate)), train = served
    start(client, new, share=1, shadow=True)
    with caplog.at_level(logging.INFO, "course_cloud.serving"):
        for user in train.users:
            assert client.get(f"/recommend/{user}?n=5").json()["run_id"] == old
    same = [
        len({*films_of(current, train, row)} & {*films_of(candidate, train, row)}) / 5
        for row in range(len(train.users))
    ]
    assert 0 < np.mean(same) < 1
    assert metric(client, "course_shadow_overlap_sum", run_id=new) == pytest.approx(sum(same))
    assert metric(client, "course_shadow_overlap_count", run_id=new) == len(same)
    assert metric(client, "course_arm_seconds_count", arm="shadow") == len(same)
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["overlap"] for line in lines] == pytest.approx(same)
    assert {(line["arm"], line["run_id"]) for line in lines} == {("current", old)}


@pytest.mark.parametrize("shadow", [False, True])
def test_whatever_a_candidate_does_users_get_an_answer(served, monkeypatch, shadow):
    client, _, ((old, _), (new, _)), train = served
    start(client, new, share=1, shadow=shadow)

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(EASE, "recommend", fail)
    answer = client.get(f"/recommend/{train.users[0]}")
    assert (answer.status_code, answer.json()["run_id"]) == (200, old)
    arm = "shadow" if shadow else "candidate"
    assert metric(client, "course_answers_total", arm=arm, strategy="failed") == 1


def test_the_log_says_what_kind_of_error_a_candidate_raised_and_no_more(
    served, monkeypatch, caplog
):
    client, _, (_, (new, _)), train = served
    start(client, new, share=1)

    def fail(*_, **__):
        raise ValueError(f"user {train.users[0]} liked 987654321")

    monkeypatch.setattr(EASE, "recommend", fail)
    assert client.get(f"/recommend/{train.users[0]}").status_code == 200
    assert f"Run {new} failed as a candidate: ValueError." in caplog.text
    assert "987654321" not in caplog.text


@pytest.mark.parametrize("shadow", [False, True])
def test_a_film_that_nobody_knows_is_no_failure_of_the_candidate(served, caplog, shadow):
    client, _, (_, (new, _)), train = served
    start(client, new, share=1, shadow=shadow)
    body = {"liked": [987654321], "user_id": int(train.users[0])}
    assert client.post("/recommend", json=body).status_code == 404
    assert metric(client, "course_answers_total", strategy="failed") == 0
    assert "987654321" not in caplog.text


def test_users_without_an_id_are_in_no_trial(served):
    client, _, ((old, _), (new, _)), train = served
    start(client, new, share=1)
    assert client.post("/recommend", json={"liked": [100, 104]}).json()["run_id"] == old
    known = {"liked": [100, 104], "user_id": int(train.users[0])}
    assert client.post("/recommend", json=known).json()["run_id"] == new


def test_a_trial_ends_at_once_and_when_its_run_is_promoted(served):
    client, address, ((old, _), (new, _)), train = served
    nothing = {"run_id": None, "model": None, "share": 0.0, "shadow": False}
    user = train.users[0]
    start(client, new, share=1)
    assert client.get(f"/recommend/{user}").json()["run_id"] == new
    assert client.delete("/canary").json()["run_id"] == new
    assert client.get(f"/recommend/{user}").json()["run_id"] == old
    assert client.delete("/canary").json() == nothing
    start(client, new, share=1)
    assert client.post("/reload").json()["run_id"] == old  # the trial goes on
    assert client.get("/health").json()["trial"]["run_id"] == new
    artifacts.point(address, new)
    assert client.post("/reload").json()["run_id"] == new
    assert client.get("/health").json()["trial"] == nothing


def test_what_cannot_be_tried_is_refused_and_changes_nothing(served, tmp_path):
    client, address, ((old, _), (new, _)), _ = served
    start(client, new)
    for run_id, why in [
        (old, "It is the run that answers already"),
        ("latest", "It is the run that answers already"),
        ("../latest", "is no run id"),
        ("20200101T000000000000-00000000", "there is no such key"),
    ]:
        answer = client.post("/canary", json={"run_id": run_id})
        assert answer.status_code == 409
        assert why in answer.json()["detail"]
    for body in ({"run_id": new, "share": 0}, {"run_id": new, "share": 1.1}, {}, {"run": new},
                 {"run_id": new, "share": True}, {"run_id": new, "share": "0.5"}):  # fmt: skip
        assert client.post("/canary", json=body).status_code == 422
    for share in (np.nan, 0.0, -1.0, 2.0, np.inf, True):
        with pytest.raises(DataError, match="The share of the users must be"):
            create_app(address, canary=new, share=share)
    assert client.get("/health").json()["trial"]["run_id"] == new
    alone = TestClient(create_app(tmp_path / "one"), headers=OPERATOR)
    answer = alone.post("/canary", json={"run_id": old})
    assert answer.status_code == 409
    assert "is a folder; only a bucket holds several runs" in answer.json()["detail"]
    far = TestClient(create_app(address))
    assert far.post("/canary", json={"run_id": new}).status_code == 403
    assert far.delete("/canary").status_code == 403


def test_a_trial_can_begin_with_the_service(served, monkeypatch, capsys):
    main = pytest.importorskip("course_cloud.serving.__main__")
    uvicorn = pytest.importorskip("uvicorn")
    _, address, (_, (new, _)), _ = served
    apps = []
    for name in ("_log", "_hold_the_blas"):
        monkeypatch.setattr(main, name, lambda **_: None)
    monkeypatch.setattr(main.gc, "freeze", lambda: None)
    monkeypatch.setattr(uvicorn, "run", lambda app, **_: apps.append(app))
    assert main.main([address, "--canary", new, "--share", "0.25", "--shadow"]) == 0
    assert TestClient(apps[0]).get("/health").json()["trial"] == {
        "run_id": new, "model": "EASE", "share": 0.25, "shadow": True,
    }  # fmt: skip
    assert main.main([address, "--canary", "nonsense"]) == 1
    assert "is no run id" in capsys.readouterr().err


@pytest.mark.parametrize("model", [ALS(6, 0.01, iterations=5), EASE(l2=2.0)])
def test_fresh_likes_of_a_known_user_count_beside_those_of_the_training_data(tmp_path, model):
    _, model, train = save_some(tmp_path / "one", model=model)
    client = TestClient(create_app(tmp_path / "one"))
    row, user = 3, int(train.users[3])
    before = client.get(f"/recommend/{user}?n=5").json()["films"]
    fresh = [film["movie_id"] for film in before[:2]]  # seen since, and liked
    stale = client.get(f"/recommend/{user}?n=5").json()["films"]
    assert [film["movie_id"] for film in stale[:2]] == fresh  # nobody told the service
    said = client.post("/recommend", json={"liked": fresh, "user_id": user, "n": 5}).json()
    ids = [film["movie_id"] for film in said["films"]]
    assert not {*ids} & {*fresh, *train.items[train.matrix[row].indices]}
    history = train.matrix[row].toarray()
    history[0, train.columns_of(fresh)] = 1
    history = sparse.csr_matrix(history)
    wanted, scores = model.recommend(row, history, N=5, recalculate_user=True)
    assert ids == train.items[wanted].tolist()
    assert [film["score"] for film in said["films"]] == scores.tolist()


def test_an_unknown_user_with_likes_is_a_new_one_and_unknown_likes_are_counted(tmp_path):
    _, _, train = save_some(tmp_path / "one")
    client = TestClient(create_app(tmp_path / "one"))
    likes = {"liked": [100, 104, 900, 104], "n": 4}
    known = client.post("/recommend", json=likes).json()
    assert client.post("/recommend", json=likes | {"user_id": 5}).json() == known
    assert metric(client, "course_likes_total", known="yes") == 4
    assert metric(client, "course_likes_total", known="no") == 2
    nothing_new = client.post("/recommend", json={"liked": [], "user_id": int(train.users[0])})
    assert nothing_new.json()["strategy"] == "model"
