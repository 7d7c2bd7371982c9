"""What the service refuses: bad requests, bad artifacts, and reloads by those who may not."""

import json
import logging
import shutil
import threading
from dataclasses import replace

import pytest
from serving_cases import OPERATOR, TOKEN, embeddings_of, save_some, some_interactions, some_movies

from course_cloud import artifacts
from course_cloud.serving import create_app
from course_utils.errors import CourseError, DataError
from course_utils.models import ALS

TestClient = pytest.importorskip("fastapi.testclient").TestClient
Engine = pytest.importorskip("course_cloud.serving.engine").Engine


@pytest.fixture(autouse=True)
def reload_token(monkeypatch):
    monkeypatch.setenv("COURSE_RELOAD_TOKEN", TOKEN)


@pytest.fixture
def folder(tmp_path):
    save_some(tmp_path / "als")
    return tmp_path / "als"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "als"
    save_some(folder)
    with TestClient(create_app(folder)) as client:
        yield client


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/recommend/ada", 422, "user_id: Input should be a valid integer"),
        ("/recommend/-1", 422, "user_id: Input should be greater than or equal to 0."),
        ("/recommend/2147483648", 422, "user_id: Input should be less than or equal to"),
        ("/recommend/1001?n=0", 422, "n: Input should be greater than or equal to 1."),
        ("/recommend/1001?n=101", 422, "n: Input should be less than or equal to 100."),
        ("/similar/7", 404, "There is no film 7 in the catalogue."),
        ("/similar/900", 404, "Nothing is known that is similar to film 900: the model cannot"),
        ("/search", 422, "q: Field required."),
        ("/search?q=", 422, "q: String should have at least 1 character."),
        (f"/search?q={'x' * 201}", 422, "q: String should have at most 200 characters."),
        ("/search?q=x&by=smell", 422, "by: Input should be 'meaning' or 'titles'."),
        ("/nowhere", 404, "Not Found"),
        ("/page/../schemas.py", 404, "Not Found"),
        ("/page/%2e%2e/schemas.py", 404, "Not Found"),
    ],
)
def test_a_bad_address_gets_one_sentence(client, address, status, sentence):
    answer = client.get(address)
    assert answer.status_code == status
    assert [*answer.json()] == ["detail"]
    assert answer.json()["detail"].startswith(sentence)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 422, "The body: Field required."),
        (b"{", 422, "The body is no JSON."),
        (b"a \x80", 400, "There was an error parsing the body"),
        (b"[1]", 422, "The body: Input should be a valid dictionary"),
        (b'{"n": 3}', 422, "liked: Field required."),
        (b'{"liked": ["100"]}', 422, "liked.0: Input should be a valid integer."),
        (b'{"liked": [true]}', 422, "liked.0: Input should be a valid integer."),
        (b'{"liked": [-5]}', 422, "liked.0: Input should be greater than or equal to 0."),
        (b'{"liked": [100], "n": 101}', 422, "n: Input should be less than or equal to 100."),
        (b'{"liked": [100], "m": 1}', 422, "m: Extra inputs are not permitted."),
        (json.dumps({"liked": [100] * 501}).encode(), 422, "liked: List should have at most 500"),
        (b'{"liked": [7]}', 404, "There is no film 7 in the catalogue."),
        (b'{"liked": [' + b" " * 40_000 + b"100]}", 413, "The body of a request may have 32,768"),
    ],
)
def test_a_bad_body_gets_one_sentence(client, body, status, sentence):
    answer = client.post("/recommend", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert [*answer.json()] == ["detail"]
    assert answer.json()["detail"].startswith(sentence)


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(client):
    answer = client.post("/recommend", content=(b" " * 1000 for _ in range(40)))
    assert answer.status_code == 413


def test_what_we_did_not_expect_is_our_fault_and_tells_nothing(folder, monkeypatch):
    def fail(*_):
        raise KeyError("a detail")

    app = create_app(folder)
    monkeypatch.setattr(Engine, "similar", fail)
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.get("/similar/100")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Something went wrong here; the service's log has it."}
    assert 'course_errors_total{route="/similar/{movie_id}"} 1.0' in client.get("/metrics").text


def test_pages_come_from_here_alone_and_may_not_be_framed(client):
    for address in ("/", "/page/try.js", "/page/style.css"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in answer.text
        assert (
            "default-src 'self'; frame-ancestors 'none'"
            in answer.headers["content-security-policy"]
        )


def test_the_log_has_routes_and_strategies_and_no_ids(client, caplog):
    with caplog.at_level(logging.INFO, "course_cloud.serving"):
        client.get("/recommend/1003?n=2")
        client.post("/recommend", json={"liked": [100, 102]})
        client.get("/search", params={"q": "casablanca"})
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["route"] for line in lines] == ["/recommend/{user_id}", "/recommend", "/search"]
    assert [line["strategy"] for line in lines] == ["model", "model", "titles"]
    assert {"run_id", "ms", "status", "method"} < {*lines[0]}
    said = [{**line, "run_id": "", "ms": ""} for line in lines]  # a time may hold any digits
    assert not any(word in str(line) for line in said for word in ("1003", "102", "casablanca"))


def test_a_reload_brings_the_new_run(folder):
    client = TestClient(create_app(folder), headers=OPERATOR)
    before = client.get("/health").json()["run_id"]
    manifest, model, train = save_some(folder, seed=5)
    assert client.get("/health").json()["run_id"] == before  # not of itself
    assert client.post("/reload").json() == {
        "before": before, "run_id": manifest.run_id, "model": "ALS",
    }  # fmt: skip
    ids, _ = model.recommend(0, train.matrix[0], N=3)
    said = client.get("/recommend/1001?n=3").json()
    assert [film["movie_id"] for film in said["films"]] == train.items[ids].tolist()
    assert said["run_id"] == manifest.run_id
    assert 'course_reloads_total{outcome="swapped"} 1.0' in client.get("/metrics").text


def cut(folder):
    path = folder / "model.npz"
    path.write_bytes(path.read_bytes()[:-9])


def turn_a_bit(folder):
    path = folder / "train.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def take_away(folder):
    shutil.rmtree(folder)


def name_no_date(folder):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"created": "yesterday"}))


@pytest.mark.parametrize("harm", [cut, turn_a_bit, take_away, name_no_date])
def test_a_bad_artifact_is_refused_and_the_old_run_goes_on(folder, harm):
    client = TestClient(create_app(folder), headers=OPERATOR)
    before = client.get("/recommend/1001").json()
    harm(folder)
    answer = client.post("/reload")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"Run {before['run_id']} goes on answering: ")
    assert client.get("/recommend/1001").json() == before
    assert 'course_reloads_total{outcome="refused"} 1.0' in client.get("/metrics").text
    with pytest.raises(CourseError):
        create_app(folder)


def test_films_without_a_name_are_refused(folder):
    saved = artifacts.load(folder)
    with pytest.raises(DataError, match=r"^Film 100 has a column or an embedding, and no row in"):
        Engine(replace(saved, movies=saved.movies.iloc[3:]))
    movies = some_movies()
    texts = embeddings_of(movies)
    with pytest.raises(DataError, match=r"^Film 900 has a column or an embedding"):
        Engine(replace(saved, movies=movies.iloc[:-1], embeddings=texts))


def test_no_request_fails_while_runs_change(folder):
    """Half of the requests ask a known user, half somebody new; each answer is of one run."""
    app = create_app(folder)
    runs, failures, n_asked, stop = {}, [], [0], threading.Event()

    def note(manifest, model, train):
        ids, _ = model.recommend(0, train.matrix[0], N=5)
        runs[manifest.run_id] = train.items[ids].tolist()

    manifest = artifacts.load(folder).manifest
    train = some_interactions()
    note(manifest, ALS(6, 0.01, iterations=5).fit(train.matrix), train)

    def ask():
        client = TestClient(app)
        while not stop.is_set():
            one = client.get("/recommend/1001?n=5")
            other = client.post("/recommend", json={"liked": [100, 104], "n": 5})
            n_asked[0] += 2
            if {one.status_code, other.status_code} != {200}:
                failures.append((one.text, other.text))
                continue
            said = one.json()
            if runs[said["run_id"]] != [film["movie_id"] for film in said["films"]]:
                failures.append(said)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    operator = TestClient(app, headers=OPERATOR)
    for seed in range(1, 7):
        note(*save_some(folder, seed=seed))
        assert operator.post("/reload").status_code == 200
    stop.set()
    for thread in threads:
        thread.join()
    assert n_asked[0] > 20
    assert failures == []


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        (None, None, 403),
        (None, "Bearer ", 403),
        ("", "Bearer ", 403),
        (" ", "Bearer  ", 403),
        (TOKEN, None, 403),
        (TOKEN, TOKEN, 403),
        (TOKEN, f"Basic {TOKEN}", 403),
        (TOKEN, f"Bearer {TOKEN[:-1]}", 403),
        (TOKEN, f"Bearer {TOKEN}x", 403),
        (TOKEN, f"Bearer {TOKEN}", 200),
        (f"{TOKEN}\n", f"Bearer {TOKEN}", 200),  # read from a file
        ("made-up-tökén", "Bearer made-up-tökén", 200),
        ("made-up-tökén", "Bearer made-up-token", 403),
    ],
)
def test_only_the_token_gives_the_right_to_reload(folder, monkeypatch, token, sent, status):
    """Not the address: a proxy that sends no header, Via or X-Real-IP, asks from here, too."""
    monkeypatch.delenv("COURSE_RELOAD_TOKEN")
    if token is not None:
        monkeypatch.setenv("COURSE_RELOAD_TOKEN", token)
    headers = {} if sent is None else {"authorization": sent.encode()}
    client = TestClient(create_app(folder), client=("127.0.0.1", 50_000), headers=headers)
    for method, path in (("post", "/reload"), ("delete", "/canary")):
        answer = getattr(client, method)(path)
        assert answer.status_code == status
        if status == 403:
            assert "COURSE_RELOAD_TOKEN" in answer.json()["detail"]


def test_latest_in_a_bucket_is_served_and_can_be_moved_back(moto, tmp_path):
    address = moto.address("als")
    first, _, _ = save_some(tmp_path / "first")
    second, _, _ = save_some(tmp_path / "second", seed=3)
    artifacts.publish(tmp_path / "first", address)
    client = TestClient(create_app(address), headers=OPERATOR)
    assert client.get("/health").json()["run_id"] == first.run_id
    artifacts.publish(tmp_path / "second", address)
    artifacts.point(address, second.run_id)
    assert client.post("/reload").json()["run_id"] == second.run_id
    artifacts.point(address, first.run_id)
    assert client.post("/reload").json() == {
        "before": second.run_id, "run_id": first.run_id, "model": "ALS",
    }  # fmt: skip


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_there_must_be_something_to_serve(tmp_path, place):
    with pytest.raises(DataError):
        create_app(tmp_path / place)
