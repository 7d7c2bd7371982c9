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
    from importlib.metadata import version

    import numpy as np
    from threadpoolctl import threadpool_limits

    from course_utils.datasets import describe, requested_name

    name = requested_name()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scikit-learn and friends fall back on
    threadpool_limits(limits=threads, user_api="blas")
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)

    versions = [f"Python {platform.python_version()}"]
    versions += [f"{library} {version(library)}" for library in ("numpy", "pandas")]
    print(" · ".join([f"course_utils {version('course-utils')}", *versions]))
    print(f"dataset: {name} ({describe(name)})")
    print(f"seed {seed} · BLAS threads {threads}")
