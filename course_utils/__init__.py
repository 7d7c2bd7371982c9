"""Load, split, model and evaluate MovieLens: the package of lessons 02 to 10.

``import course_utils`` loads the standard library only. Import its modules by name, as in
``from course_utils.datasets import load_movielens``. A heavy library, such as torch, is imported
when a function first needs it; only `course_utils.models.biased_mf_module` imports torch at once.
"""

from course_utils.session import setup

__version__ = "0.1.0"

__all__ = ["__version__", "setup"]
