"""What the service counts, in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # seconds


class Measures:
    """Counters of one app, in a registry of their own: two apps in a process do not mix.

    Parameters
    ----------
    age
        Returns how many seconds ago the artifact that answers was saved.

    Notes
    -----
    A route stands for all its addresses, ``/recommend/{user_id}``: a label with an id in it would
    make as many time series as there are users.
    """

    def __init__(self, age: Callable[[], float]) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "course_requests", "Requests answered", ("route", "method", "status"), registry=own
        )
        self._errors = Counter(
            "course_errors", "Answers of 500 and above", ("route",), registry=own
        )
        self._seconds = Histogram(
            "course_request_seconds",
            "Until the last byte",
            ("route",),
            buckets=BUCKETS,
            registry=own,
        )
        self._fallbacks = Counter(
            "course_fallbacks",
            "Answers that are not what was asked for",
            ("route", "strategy"),
            registry=own,
        )
        self._reloads = Counter("course_reloads", "Reloads", ("outcome",), registry=own)
        since = Gauge("course_artifact_age_seconds", "Since the artifact was saved", registry=own)
        since.set_function(age)
        ProcessCollector(registry=own)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route).observe(seconds)
        if status >= 500:
            self._errors.labels(route).inc()

    def fell_back(self, route: str, strategy: str) -> None:
        """Count an answer that another strategy gave than the one asked for."""
        self._fallbacks.labels(route, strategy).inc()

    def reloaded(self, outcome: str) -> None:
        """Count a reload, "swapped" or "refused"."""
        self._reloads.labels(outcome).inc()

    def text(self) -> bytes:
        """Return everything counted so far."""
        return generate_latest(self._registry)
