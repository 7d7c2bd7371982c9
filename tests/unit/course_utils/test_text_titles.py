"""Film texts: articles back in front, in every language of the catalogue, and the genres."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import DataError
from course_utils.text import movie_texts, restore_articles


@pytest.mark.parametrize(
    ("published", "restored"),
    [
        ("Matrix, The (1999)", "The Matrix (1999)"),
        ("Beautiful Mind, A (2001)", "A Beautiful Mind (2001)"),
        ("American in Paris, An (1951)", "An American in Paris (1951)"),
        ("Misérables, Les (1995)", "Les Misérables (1995)"),
        ("Strada, La (1954)", "La Strada (1954)"),
        ("Avventura, L' (Adventure, The) (1960)", "L'Avventura (The Adventure) (1960)"),
        ("Boot, Das (Boat, The) (1981)", "Das Boot (The Boat) (1981)"),
        ("Postman, The (Postino, Il) (1994)", "The Postman (Il Postino) (1994)"),
        ("Hate (Haine, La) (1995)", "Hate (La Haine) (1995)"),
        (
            "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
            "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo) (1966)",
        ),
        (
            "City of the Living Dead (a.k.a. Gates of Hell, The) (Paura nella città) (1980)",
            "City of the Living Dead (a.k.a. The Gates of Hell) (Paura nella città) (1980)",
        ),
        (
            "Godzilla 1985 (Gojira) (Godzilla) (Return of Godzilla, The) (1984)",
            "Godzilla 1985 (Gojira) (Godzilla) (The Return of Godzilla) (1984)",
        ),
        (
            "Vitelloni, I (a.k.a. The Young and the Passionate) (1953)",
            "I Vitelloni (a.k.a. The Young and the Passionate) (1953)",
        ),
        ("Impossible, The (Imposible, Lo) (2012)", "The Impossible (Lo Imposible) (2012)"),
        ("Hip Hop Witch, Da (2000)", "Da Hip Hop Witch (2000)"),
        # a comma, and no article behind it
        ("I, Robot (2004)", "I, Robot (2004)"),
        ("Love, Simon (2018)", "Love, Simon (2018)"),
        ("Kiss Me, Guido (1997)", "Kiss Me, Guido (1997)"),
        ("One, Two, Three (1961)", "One, Two, Three (1961)"),
        ("Sisters (Janghwa, Hongryeon) (2003)", "Sisters (Janghwa, Hongryeon) (2003)"),
        ("Strike! (a.k.a. All I Do, The Bird)", "Strike! (a.k.a. All I Do, The Bird)"),
        # no year, blanks around, nothing to do
        ("Babylon 5", "Babylon 5"),
        ("Moonlight, The", "The Moonlight"),
        ("'burbs, The (1989) ", "The 'burbs (1989)"),
        ("The Adventures of Sherlock Holmes", "The Adventures of Sherlock Holmes"),
    ],
)  # fmt: skip
def test_articles(published, restored):
    assert restore_articles(published) == restored


@given(st.text(max_size=60))
def test_nothing_but_order_changes_and_once_is_enough(title):
    restored = restore_articles(title)
    letters = lambda text: sorted(text.replace(",", "").replace(" ", ""))  # noqa: E731
    assert letters(restored) == letters(title.strip())
    if ", " not in title:
        assert restored == title.strip()


def test_title_then_genres_in_the_order_of_the_rows():
    movies = pd.DataFrame(
        {
            "movie_id": [7, 3, 5, 9],
            "title": ["Matrix, The (1999)", "Toy Story (1995)", "Cosmos", "Alien (1979)"],
            "genres": ["Action|Sci-Fi", "Comedy", "(no genres listed)", None],
        },
        index=[4, 4, 0, 1],
    )
    before = movies.copy()
    assert movie_texts(movies) == [
        "The Matrix (1999) [SEP] Action Sci-Fi",
        "Toy Story (1995) [SEP] Comedy",
        "Cosmos",
        "Alien (1979)",
    ]
    pd.testing.assert_frame_equal(movies, before)


def test_a_separator_in_a_title_divides_nothing():
    movies = pd.DataFrame({"title": ["Up [SEP] Down (2009)"], "genres": ["Drama|War"]})
    assert movie_texts(movies) == ["Up SEP Down (2009) [SEP] Drama War"]


@pytest.mark.parametrize("title", [None, float("nan"), "", "  "])
def test_a_film_without_a_title_is_named(title):
    movies = pd.DataFrame({"movie_id": [7, 12], "title": ["Up (2009)", title], "genres": ""})
    with pytest.raises(DataError, match="Movie 12 has no title"):
        movie_texts(movies)


def test_a_table_without_titles():
    with pytest.raises(DataError, match="no column 'title', only user_id, genres"):
        movie_texts(pd.DataFrame({"user_id": [1], "genres": ["Drama"]}))
