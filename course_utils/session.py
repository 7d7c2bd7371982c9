"""Setup of a notebook: seeds, threads, and a print of versions and dataset."""

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
        Number of threads of the BLAS libraries of NumPy and SciPy. With one thread, the order of
        summation is fixed, so that printed numbers are reproducible, and the threads of `implicit`
        do not compete with those of BLAS.

    Notes
    -----
    Functions with their own `seed` argument, such as all models of the course, do not depend on
    these seeds.

    The scripts folder of this Python is put at the front of ``PATH``, so that ``!aws`` in a cell
    runs the version that is installed with the course.
    """
    import numpy as np
    import scipy.linalg  # noqa: F401 - its BLAS must be loaded before the limit below
    from threadpoolctl import threadpool_limits

    from course_utils.datasets import describe, requested_name

    name = requested_name()
    _put_commands_on_path()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the default of scikit-learn and others
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
    """Return the version of a distribution without importing it, or "not installed"."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:  # imported from a checkout that is not installed
        return "not installed"
