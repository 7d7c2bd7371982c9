"""Build the site into _build/html. Lessons are shown as they were executed; warnings are errors."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import course_map

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"


def main() -> int:
    """Build from nothing, and print where the site is."""
    start = time.monotonic()
    shutil.rmtree(ROOT / "_build", ignore_errors=True)  # a stale page is worse than a slow build
    print("Building the book …", flush=True)
    course_map.write()
    # --keep-going reports every warning before it fails, not the first only.
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", "."]
    done = subprocess.run([*command, "-W", "--keep-going", "-q"], cwd=ROOT, check=False)
    if done.returncode == 0 and not (SITE / "index.html").exists():
        print("jupyter-book said nothing and built nothing.", file=sys.stderr)
        return 1
    if done.returncode:
        print("The book was not built; the warnings above say where to look.", file=sys.stderr)
        return 1
    print(f"Built in {time.monotonic() - start:.0f} s. Open {SITE.relative_to(ROOT)}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
