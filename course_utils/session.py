"""What every notebook does first: fix seeds and threads, say which versions and data are in use."""

from __future__ import annotations

import platform
import random
import sys


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
    """
    import numpy as np
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own, and the limit below must see it
    from threadpoolctl import threadpool_limits

    from course_utils.datasets import describe, requested_name

    name = requested_name()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scikit-learn and friends fall back on
    threadpool_limits(limits=threads, user_api="blas")
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)

    versions = [f"{name} {_version(name)}" for name in ("course-utils", "numpy", "pandas")]
    versions.insert(1, f"Python {platform.python_version()}")
    print(" · ".join(versions))
    print(f"dataset: {name} ({describe(name)})")
    print(f"seed {seed} · BLAS threads {threads}")


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:  # imported from a checkout that nobody installed
        return "not installed"
