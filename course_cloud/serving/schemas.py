"""Schemas of requests and answers, as the documentation of the service shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MOST = 100  # films in an answer
MOST_LIKED = 500  # films in a question
LONGEST_QUERY = 200  # characters
LARGEST_ID = 2**31 - 1


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Strict: in JSON, "7" and true are no numbers, and 7.0 is the number 7.
AnyId = Annotated[int, Field(ge=0, le=LARGEST_ID, strict=True), BeforeValidator(_whole)]
HowMany = Annotated[int, Field(ge=1, le=MOST, strict=True), BeforeValidator(_whole)]


class Likes(BaseModel):
    """What a new user liked, or a user of the training data has liked since."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"liked": [260, 1196], "n": 5}}
    )

    liked: list[AnyId] = Field(max_length=MOST_LIKED, description="Movie ids, in any order.")
    user_id: AnyId | None = Field(None, description="A user of the training data.")
    n: HowMany = Field(10, description="How many films to recommend.")
    why: bool = Field(True, strict=True, description="Whether to say which likes speak for each.")


class Problem(BaseModel):
    """What is wrong with a request, in one sentence."""

    detail: str


class Film(BaseModel):
    """A film of the catalogue; its article is at the front of the title."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]


class Because(BaseModel):
    """A liked film, and what it adds to the score of a recommended one."""

    movie_id: int
    title: str
    adds: float


class Scored(Film):
    """A film and its score; scores of different models are not comparable."""

    score: float


class Recommended(Scored):
    """A recommended film, and why; null when not asked for, or the model cannot explain it."""

    why: list[Because] | None = None


class Recommendations(BaseModel):
    """Films for one person, best first."""

    run_id: str
    model: str = Field(description="The class of the model of this run.")
    strategy: Literal["model", "popularity"] = Field(
        description="The model, or the list of popular films."
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


class Try(BaseModel):
    """A run to try, and on whom."""

    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(description="A run of the bucket that is served.")
    share: float = Field(
        0.1, gt=0, le=1, strict=True, description="Share of the users, chosen by their ids."
    )
    shadow: bool = Field(False, strict=True, description="Only compare its answers, send none.")
    salt: str | None = Field(None, max_length=99, description="Hashed with ids; else the run id.")


class Trying(BaseModel):
    """The run on trial; null without a trial."""

    run_id: str | None = None
    model: str | None = None
    share: float = 0.0
    shadow: bool = False


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
    trial: Trying


class Reloaded(BaseModel):
    """Which run answered before, and which one does now."""

    before: str
    run_id: str
    model: str
