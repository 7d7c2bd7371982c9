"""What every benchmark needs: the time of a call, and a table of times beside a baseline."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from time import perf_counter


def best_of(repeats: int, call: Callable[[], object]) -> float:
    """Return the seconds of the fastest of `repeats` calls: the one least disturbed by others."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def print_table(title: str, seconds: dict[str, float], baseline: str) -> None:
    """Print milliseconds, and how many times as fast as `baseline` each way is."""
    print(f"\n{title}\n")
    print(f"| way | ms | × {baseline} |\n|---|---:|---:|")
    for way, time in seconds.items():
        print(f"| {way} | {time * 1000:,.0f} | {seconds[baseline] / time:.1f} |")


def has(module: str) -> bool:
    """Say whether a peer is installed; where it is not, its rows are left out."""
    try:
        import_module(module)
    except ImportError:
        return False
    return True
