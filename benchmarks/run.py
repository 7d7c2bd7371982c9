"""Time the package against its peers, all in one run on one machine, and print a table for each.

`make bench` runs everything; `python benchmarks/run.py loading` one of them.
"""

from __future__ import annotations

import argparse
import os
import platform

import evaluation
import loading

BENCHMARKS = {"loading": loading.run, "evaluation": evaluation.run}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name")
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    for name in names:
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
