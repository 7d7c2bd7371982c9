"""The tested package that the lessons of the course import.

``import course_utils`` is light: it loads the standard library only. Each module is imported
by name (``from course_utils.datasets import load_movielens``), and none of them loads a heavy
library before a function needs it.
"""

from course_utils.session import setup

__version__ = "0.1.0"

__all__ = ["__version__", "setup"]
