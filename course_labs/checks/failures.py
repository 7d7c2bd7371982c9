"""What a student's code raised, summed up in one sentence with its line."""

from __future__ import annotations

import linecache
import site
import sysconfig
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    *(str(ROOT / name) for name in ("course_utils", "course_cloud", "course_labs")),
    *{str(Path(path).resolve()) for path in sysconfig.get_paths().values()},
    *site.getsitepackages(),
)
LONGEST = 200


def explain(error: BaseException) -> str:
    r"""Return one sentence: what was raised, and in which line of the student's own code.

    Examples
    --------
    >>> try:
    ...     exec("def half(x):\n    return x / 0\nhalf(1)")
    ... except ZeroDivisionError as error:
    ...     explain(error)
    'Your code stopped with ZeroDivisionError: division by zero, in line 2 of half.'
    """
    if isinstance(error, SystemExit):
        return "Your code called exit(); let the function return instead."
    says = " ".join(str(error).split()).rstrip(".")  # the place follows, then the full stop
    if len(says) > LONGEST:
        says = f"{says[:LONGEST]} …"
    what = f"{type(error).__name__}: {says}" if says else type(error).__name__
    left = " An `...` is still there to be replaced." if "ellipsis" in says.lower() else ""
    return f"Your code stopped with {what}{_place(error)}.{left}"


def _place(error: BaseException) -> str:
    own = [
        (frame, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith(LIBRARIES)
    ]
    if not own:
        return ""
    frame, number = own[-1]
    code = frame.f_code
    line = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    where = "your cell" if code.co_name == "<module>" else code.co_name
    return f", in line {number} of {where}" + (f": `{line}`" if line else "")
