"""The package that the lessons of the course import.

``import course_utils`` loads the standard library only. Import its modules by name, as in
``from course_utils.datasets import load_movielens``. None of them imports a heavy library, such as
torch, before a function needs it.
"""

from course_utils.session import setup

__version__ = "0.1.0"

__all__ = ["__version__", "setup"]
