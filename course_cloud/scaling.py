"""Measured run times of the pipeline on one machine, and a formula for the cost of a service."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from course_utils.errors import DataError

RECORD = Path(__file__).with_name("scaling.json")  # written by benchmarks/scale.py
STEPS = ("start", "load", "split", "encode", "fit", "evaluate")
DAYS = 30  # per month
BYTES_PER_FACTOR, BYTES_PER_RATING = 4, 20  # float32; two ids, stars and a timestamp


class Record(NamedTuple):
    """Measurements of ``benchmarks/scale.py`` on one machine.

    Attributes
    ----------
    made
        The date, as in ``"2026-11-26"``.
    machine
        ``cores``, and ``memory_gb`` in 10⁹ bytes.
    versions
        Versions of the libraries, by name.
    runs
        A row per run: ``way``, ``size``, ``users``, ``items``, ``ratings``, the seconds of each of
        `STEPS` and their sum (``total``), the peak of memory ``peak_gb`` in 10⁹ bytes,
        ``recall@10``, and ``busy``, the average number of other running processes in the minute
        before the run, NaN where it was not measured.
    """

    made: str
    machine: dict[str, float]
    versions: dict[str, str]
    runs: pd.DataFrame


def recorded(path: Path = RECORD) -> Record:
    """Read the record that comes with the course, or another record.

    Raises
    ------
    DataError
        When the file is missing or no such record.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        runs = pd.DataFrame([run | run["seconds"] for run in said["runs"]])
        runs = runs.drop(columns="seconds").sort_values(["way", "ratings"], ignore_index=True)
        runs["busy"] = runs.get("busy", math.nan)
        runs["total"] = runs[list(STEPS)].sum(axis=1)
        return Record(said["made"], said["machine"], said["versions"], runs)
    except (OSError, ValueError, LookupError, TypeError):
        raise DataError(
            f"{path} is no record of runs; `python benchmarks/scale.py --record …` writes one."
        ) from None


@dataclass(frozen=True)
class Assumptions:
    """Assumptions of :func:`monthly_cost`; change them to those of your service.

    Attributes
    ----------
    users, items, ratings_per_user, factors
        Size of the data and of the model.
    requests_per_user_day
        Average number of lists shown to a user per day.
    peak
        Request rate of the busiest second, divided by the average rate.
    core_ms_per_request
        Milliseconds of one core per request.
    utilization
        Share of time that cores are busy at the peak, above 0 and up to 1.
    copies
        Number of replicas of every server, so that one may fail.
    memory_gb
        Memory of one server, in 10⁹ bytes.
    fit_core_seconds_per_million
        Seconds of one core to train on a million ratings.
    fits_per_day
        How often the model is trained.
    dollars_per_core_hour, dollars_per_gb_month
        Prices of a core with its memory, and of storage. Assumed: look up your own.
    """

    users: int = 1_000_000
    items: int = 100_000
    ratings_per_user: float = 150.0
    factors: int = 64
    requests_per_user_day: float = 5.0
    peak: float = 4.0
    core_ms_per_request: float = 5.0
    utilization: float = 0.5
    copies: int = 2
    memory_gb: float = 16.0
    fit_core_seconds_per_million: float = 10.0
    fits_per_day: float = 1.0
    dollars_per_core_hour: float = 0.05
    dollars_per_gb_month: float = 0.025


def monthly_cost(assumed: Assumptions) -> pd.DataFrame:
    """Return the resources and the cost of a month of recommendations.

    Returns
    -------
    DataFrame
        A row per resource: ``amount``, ``unit`` and ``dollars`` a month, 0 for intermediate
        results. The last row is the sum per million users.

    Raises
    ------
    DataError
        When an assumption is not above 0, or the utilization is above 1.

    Examples
    --------
    >>> cost = monthly_cost(Assumptions(users=2_000_000))
    >>> cost.loc["requests at the peak", "amount"].round(1)
    np.float64(463.0)
    """
    for name, value in vars(assumed).items():
        if not 0 < value < math.inf:
            raise DataError(f"{name} must be above 0, and is {value!r}.")
    if assumed.utilization > 1:
        raise DataError(f"utilization is a share, at most 1, and is {assumed.utilization!r}.")
    a = assumed
    peak = a.users * a.requests_per_user_day / 86_400 * a.peak
    vectors = (a.users + a.items) * a.factors * BYTES_PER_FACTOR / 1e9
    shards = math.ceil(vectors / a.memory_gb)
    busy = math.ceil(peak * a.core_ms_per_request / 1000 / a.utilization)
    cores = max(busy, shards) * a.copies
    ratings = a.users * a.ratings_per_user
    fitting = ratings / 1e6 * a.fit_core_seconds_per_million * a.fits_per_day * DAYS / 3600
    stored = ratings * BYTES_PER_RATING / 1e9
    rows: list[tuple[str, float, str, float]] = [
        ("requests at the peak", peak, "per second", 0.0),
        ("factors of users and items", vectors, "GB", 0.0),
        ("servers that hold them", shards, "shards", 0.0),
        ("cores that answer", cores, "cores", cores * 24 * DAYS * a.dollars_per_core_hour),
        ("training", fitting, "core hours", fitting * a.dollars_per_core_hour),
        ("ratings in storage", stored, "GB", stored * a.dollars_per_gb_month),
    ]
    whole = sum(row[3] for row in rows)
    rows.append(("all, per million users", whole * 1e6 / a.users, "dollars", whole * 1e6 / a.users))
    return pd.DataFrame(rows, columns=["need", "amount", "unit", "dollars"]).set_index("need")
