"""Say what is wrong with this machine, and what to do: `make doctor`.

One line for each thing that the course needs: `ok`, a `note` where something optional is missing,
or a `problem`, and then the exit status is 1. It needs no .venv, since that may be what is wrong:
only the standard library is used, by any Python from 3.8 on. Nothing is changed, no network is
asked, and no credential is printed.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tools import ROOT
from tools.upkeep import doctor_machine as machine
from tools.upkeep import doctor_settings as settings
from tools.upkeep import doctor_venv as venv
from tools.upkeep.doctor_machine import Finding


def examine(root: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Return what is found, in the order in which it should be mended.

    Parameters
    ----------
    root : Path
        The course's root folder.
    environment : mapping of str to str
        The environment variables.
    """
    found = [
        machine.system(os.name),
        machine.python(sys.version_info[:2], has_venv=(root / ".venv/.ready").is_file()),
        *machine.programs(("make", "git")),
        machine.disk(root),
        machine.memory(),
        machine.loopback(),
    ]
    probe = venv.probe(root, environment)
    found += venv.findings(root, probe)
    found += [
        machine.java(environment),
        machine.optional("swift-proxy-server", "the tests against a real S3 server are skipped"),
        machine.optional("chromium", "the tests of the site in a browser are skipped"),
        settings.dataset(environment, probe),
        settings.bucket(environment, probe),
        settings.aws(environment),
        settings.endpoint(environment),
        settings.proxy(environment),
        settings.cache(environment),
        venv.notebooks(root),
    ]
    return found


def main(root: Path = ROOT) -> int:
    """Print what is found; return 1 if anything is a problem, else 0."""
    found = examine(root, os.environ)
    for level, about, says in found:
        print(f"{level:8} {about:10} {says}")
    counts = Counter(level for level, _, _ in found)
    print(f"\nproblems: {counts['problem']}, notes: {counts['note']}")
    return 1 if counts["problem"] else 0


if __name__ == "__main__":
    sys.exit(main())
