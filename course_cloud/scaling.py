"""Measured run times of the pipeline on one machine, and a formula for the cost of a service."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from course_utils.errors import DataError
from course_utils.validation import need_number

RECORD = Path(__file__).with_name("scaling.json")  # written by benchmarks/scale.py
# The start, of Python or of Spark, is no work.
STEPS = ("start", "read", "split", "encode", "fit", "recommend", "evaluate")
DAYS, FREE_GB = 30, 100  # per month
BYTES_PER_FACTOR, BYTES_PER_RATING = 4, 20  # float32; two ids, stars and a timestamp


class Record(NamedTuple):
    """Measurements of ``benchmarks/scale.py`` on one machine.

    `runs` has a row per run: ``way``, ``size``, ``users``, ``items``, ``ratings``, the seconds of
    each of `STEPS`, their sum without ``start`` (``work``), ``core_seconds``, ``others`` (cores of
    other programs meanwhile), ``peak_gb`` (10⁹ bytes), and the ``recall@10`` of ``popularity`` too.
    """

    made: str  # "2026-11-26"
    machine: dict[str, float]  # "cores", and "memory_gb" in 10**9 bytes
    versions: dict[str, str]  # of the libraries, by name
    runs: pd.DataFrame


def recorded() -> Record:
    """Read the record that comes with the course."""
    said = json.loads(RECORD.read_text(encoding="utf-8"))
    runs = pd.DataFrame([run | run["seconds"] for run in said["runs"]]).drop(columns="seconds")
    runs["work"] = runs[list(STEPS[1:])].sum(axis=1)
    return Record(said["made"], said["machine"], said["versions"], runs)


@dataclass(frozen=True)
class Assumptions:
    """Assumptions of :func:`monthly_cost`; change them to those of your service.

    Prices are in US dollars, rounded from AWS' list for us-east-1 in 2025: look up your own.
    """

    users: float = 1_000_000
    items: float = 100_000
    ratings_per_user: float = 150.0
    factors: float = 64
    requests_per_user_day: float = 5.0  # lists shown to a user, on average
    peak: float = 4.0  # requests in the busiest second, divided by the average
    core_ms_per_request: float = 5.0  # milliseconds of one core
    utilization: float = 0.5  # share of time that cores are busy at the peak, at most 1
    copies: float = 2  # of every server, so that one may fail
    memory_gb: float = 16.0  # of one server, in 10**9 bytes
    fit_core_seconds_per_million: float = 10.0  # of one core, to train on a million ratings
    fits_per_day: float = 1.0
    answer_bytes: float = 1_800.0  # with headers
    request_bytes: float = 300.0  # with headers
    logged_bytes: float = 200.0  # per request
    requests_per_connection: float = 1.0
    dollars_per_core_hour: float = 0.05  # with its memory
    dollars_per_gb_month: float = 0.025  # of storage
    dollars_per_gb_out: float = 0.09  # from AWS to the internet, after 100 GB a month
    dollars_per_gb_logged: float = 0.50
    dollars_per_balancer_hour: float = 0.0225
    dollars_per_lcu_hour: float = 0.008  # of a load balancer's capacity units


def monthly_cost(assumed: Assumptions) -> pd.DataFrame:
    """Return the resources and the cost of a month of recommendations.

    It has a row per resource: ``amount``, ``unit`` and ``dollars`` a month, 0 for intermediate
    results; the last row is the sum per million users. A DataError is raised when an assumption is
    not above 0, or the utilization is above 1.
    """
    for name, value in vars(assumed).items():
        need_number(value, name, above=True)
    if assumed.utilization > 1:
        raise DataError(f"utilization is a share, at most 1, and is {assumed.utilization!r}.")
    a = assumed
    second, hours = a.users * a.requests_per_user_day / 86_400, 24 * DAYS
    month, peak = second * 3600 * hours, second * a.peak
    vectors = (a.users + a.items) * a.factors * BYTES_PER_FACTOR / 1e9
    shards = math.ceil(vectors / a.memory_gb)
    busy = math.ceil(peak * a.core_ms_per_request / 1000 / a.utilization)
    cores = max(busy, shards) * a.copies
    ratings = a.users * a.ratings_per_user
    fitting = ratings / 1e6 * a.fit_core_seconds_per_million * a.fits_per_day * DAYS / 3600
    stored, out = ratings * BYTES_PER_RATING / 1e9, month * a.answer_bytes / 1e9
    logged = month * a.logged_bytes / 1e9
    moved = second * 3600 * (a.answer_bytes + a.request_bytes) / 1e9  # GB an hour
    # a capacity unit of AWS' balancer: 25 new connections a second, or 1 GB an hour
    units = max(second / a.requests_per_connection / 25, moved)
    balancer = hours * (a.dollars_per_balancer_hour + units * a.dollars_per_lcu_hour)
    rows: list[tuple[str, float, str, float]] = [
        ("requests at the peak", peak, "per second", 0.0),
        ("factors of users and items", vectors, "GB", 0.0),
        ("servers that hold them", shards, "shards", 0.0),
        ("cores that answer", cores, "cores", cores * hours * a.dollars_per_core_hour),
        ("load balancer", units, "capacity units", balancer),
        ("answers to the internet", out, "GB", max(0, out - FREE_GB) * a.dollars_per_gb_out),
        ("logs", logged, "GB", logged * a.dollars_per_gb_logged),
        ("training", fitting, "core hours", fitting * a.dollars_per_core_hour),
        ("ratings in storage", stored, "GB", stored * a.dollars_per_gb_month),
    ]
    whole = sum(row[3] for row in rows)
    rows.append(("all, per million users", whole * 1e6 / a.users, "dollars", whole * 1e6 / a.users))
    return pd.DataFrame(rows, columns=["need", "amount", "unit", "dollars"]).set_index("need")
