"""Time the package against its peers, all in one run on one machine, and print a table for each.

`make bench` runs everything; `python benchmarks/run.py loading` one of them.
"""

from __future__ import annotations

import argparse
import os
import platform

import als
import evaluation
import grading
import index
import loading
import mf
import models
import scale
import serving
import storage
import text
import transfers

BENCHMARKS = {
    "loading": loading.run,
    "storage": storage.run,
    "transfers": transfers.run,
    "evaluation": evaluation.run,
    "models": models.run,
    "als": als.run,
    "mf": mf.run,
    "text": text.run,
    "index": index.run,
    "grading": grading.run,
    "serving": serving.run,
    "scale": scale.run,
}


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
