"""What every notebook does first: fix seeds and threads, say which versions and data are in use."""

from __future__ import annotations

import os
import platform
import random
import sys
import sysconfig


def setup(seed: int = 42, threads: int = 1) -> None:
    """Fix seeds and BLAS threads, then print the versions and the dataset in use.

    Parameters
    ----------
    seed
        Seed of Python's ``random``, of NumPy's legacy global generator and, when it is
        imported already, of PyTorch.
    threads
        Threads of the BLAS libraries behind NumPy and SciPy. One by default: sums then run in
        one order, so that a printed number repeats, and `implicit` does not fight over cores.

    Notes
    -----
    Code that takes a seed of its own, as every model of the course does, ignores these.

    The commands installed beside this Python go to the front of the path, where a kernel does not
    have them by itself: ``!aws`` in a cell is then the one that came with the course.
    """
    import numpy as np
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own, and the limit below must see it
    from threadpoolctl import threadpool_limits

    from course_utils.datasets import describe, requested_name

    name = requested_name()
    _put_commands_on_path()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scikit-learn and friends fall back on
    threadpool_limits(limits=threads, user_api="blas")
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)

    versions = [f"{name} {version_of(name)}" for name in ("course-utils", "numpy", "pandas")]
    versions.insert(1, f"Python {platform.python_version()}")
    print(" · ".join(versions))
    print(f"dataset: {name} ({describe(name)})")
    print(f"seed {seed} · BLAS threads {threads}")


def _put_commands_on_path() -> None:
    here, known = sysconfig.get_path("scripts"), os.environ.get("PATH", "")
    if here not in known.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(filter(None, (here, known)))


def version_of(distribution: str) -> str:
    """Return the version of what is installed, or "not installed"; nothing is loaded."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:  # imported from a checkout that nobody installed
        return "not installed"
