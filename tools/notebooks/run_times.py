"""How long each notebook took to execute, when, and on what machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

FILE = Path("notebooks") / "times.json"


class RunTime(TypedDict):
    """One execution of a notebook, beside another one at a time."""

    seconds: float
    date: str
    machine: str


def record(root: Path, ran: Mapping[str, float]) -> None:
    """Renew the kept times of some notebooks; those of the others stay.

    Parameters
    ----------
    root
        The course's root folder.
    ran
        For each script, ``notebooks/02_loading_movielens.py``, its seconds.
    """
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    date = datetime.now(UTC).date().isoformat()
    times = read(root)
    for script, seconds in ran.items():
        name = Path(script).with_suffix("").as_posix()
        times[name] = RunTime(seconds=round(seconds, 1), date=date, machine=machine)
    text = json.dumps(dict(sorted(times.items())), indent=1)
    (root / FILE).write_text(f"{text}\n", encoding="utf-8")


def read(root: Path) -> dict[str, RunTime]:
    """Return the kept times by notebook, ``notebooks/02_loading_movielens``; empty without any."""
    path = root / FILE
    if not path.is_file():
        return {}
    times: dict[str, RunTime] = json.loads(path.read_text(encoding="utf-8"))
    return times
