"""A load generator for machines without wrk: connections that each ask as soon as answered."""

from __future__ import annotations

import http.client
import random
import threading
import time
from urllib.parse import urlsplit


def load(
    url: str, n_users: int, connections: int, seconds: float
) -> tuple[list[float], int, float]:
    """Ask for random users on several connections at once.

    Parameters
    ----------
    url
        What a user's number is put behind.
    n_users
        Numbers are drawn below this.
    connections, seconds
        How many at a time, and for how long.

    Returns
    -------
    times, failed, took
        Seconds of each answer, how many were lost or not 200, and how long it all took.
    """
    place, times, failures = urlsplit(url), list[float](), list[int]()
    end = time.perf_counter() + seconds

    def ask() -> None:
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
        while (start := time.perf_counter()) < end:
            try:
                connection.request("GET", f"{place.path}{random.randrange(n_users)}?n=10")
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                failures.append(0)
                connection.close()
                continue
            if answer.status != 200:
                failures.append(answer.status)
            times.append(time.perf_counter() - start)
        connection.close()

    start = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(failures), time.perf_counter() - start
