"""What the service is asked and what it answers: the shapes that its documentation shows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MOST = 100  # films in an answer
MOST_LIKED = 500  # films in a question
LONGEST_QUERY = 200  # characters
LARGEST_ID = 2**31 - 1


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Strict: "7" and true are no numbers in JSON, and 7.0 is one, the same as 7.
FilmId = Annotated[int, Field(ge=0, le=LARGEST_ID, strict=True), BeforeValidator(_whole)]
HowMany = Annotated[int, Field(ge=1, le=MOST, strict=True), BeforeValidator(_whole)]


class Likes(BaseModel):
    """What somebody whom nobody knows liked."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"liked": [260, 1196], "n": 5}}
    )

    liked: list[FilmId] = Field(max_length=MOST_LIKED, description="Movie ids, in any order.")
    n: HowMany = Field(10, description="How many films to recommend.")
    why: bool = Field(True, strict=True, description="Whether to say which likes speak for each.")


class Problem(BaseModel):
    """What is wrong with a request, in one sentence."""

    model_config = ConfigDict(json_schema_extra={"example": {"detail": "There is no film 7."}})

    detail: str


FILM: dict[str, Any] = {
    "movie_id": 2571,
    "title": "The Matrix (1999)",
    "year": 1999,
    "genres": ["Action", "Sci-Fi", "Thriller"],
}


class Film(BaseModel):
    """A film of the catalogue; its article is at the front of the title."""

    model_config = ConfigDict(json_schema_extra={"example": FILM})

    movie_id: int
    title: str
    year: int | None
    genres: list[str]


class Because(BaseModel):
    """A liked film that speaks for a recommended one, and what it adds to the score."""

    movie_id: int
    title: str
    adds: float


class Scored(Film):
    """A film and its score; what a score means is the model's business."""

    model_config = ConfigDict(json_schema_extra={"example": {**FILM, "score": 0.71}})

    score: float


class Recommended(Scored):
    """A recommended film, and why; null where nobody asked or the model cannot say."""

    model_config = ConfigDict(json_schema_extra={"example": {**FILM, "score": 0.71, "why": None}})

    why: list[Because] | None = None


class Recommendations(BaseModel):
    """Films for one person, best first."""

    run_id: str
    model: str = Field(description="The class of the model of this run.")
    strategy: Literal["model", "popularity"] = Field(
        description="Who answers: the model, or the list that everybody gets."
    )
    reason: str | None = Field(description="Why it is not the model that answers.")
    ignored: list[int] = Field(description="Liked films that nobody in the training data liked.")
    films: list[Recommended]


class Similar(BaseModel):
    """Films that are like one film, most similar first, itself left out."""

    run_id: str
    model: str
    strategy: Literal["model", "embeddings"] = Field(
        description="What is compared: the films' audiences, or their texts."
    )
    to: Film
    films: list[Scored]


class Found(BaseModel):
    """Films for a query, best first."""

    run_id: str
    strategy: Literal["meaning", "titles"]
    reason: str | None = Field(description="Why titles were searched where meaning was asked for.")
    films: list[Film]


class Health(BaseModel):
    """What is being served."""

    status: Literal["ok"]
    run_id: str
    model: str
    dataset: str
    created: str
    age_seconds: float = Field(description="Since the artifact was saved.")
    users: int
    items: int
    films: int
    search: Literal["meaning", "titles"]


class Reloaded(BaseModel):
    """Which run answered before, and which one does now."""

    before: str
    run_id: str
    model: str
