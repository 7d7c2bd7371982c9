"""Run a student's code on the cases: is it written, what does it return, what does it raise."""

from __future__ import annotations

import dis
import inspect
import linecache
import site
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from course_labs.checks.limits import TimeLimitError, within
from course_labs.checks.question import AnswerError, Attempt, Outputs, Plain, Question, visible

STUB_STEPS = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    *(str(ROOT / name) for name in ("course_utils", "course_cloud", "course_labs")),
    *{str(Path(path).resolve()) for path in sysconfig.get_paths().values()},
    *site.getsitepackages(),
)
LONGEST = 200  # characters of an error's own message


def attempted(answer: Any) -> bool:
    """Say whether an answer is more than the stub of the student's notebook.

    A stub is ``...`` itself, a function whose body is ``...`` or only a docstring, or a class with
    such a method. A function that raises NotImplementedError counts as written, because only a
    call shows what it raises.

    Examples
    --------
    >>> def most_similar(films): ...
    >>> attempted(most_similar), attempted(...), attempted(0)
    (False, False, True)
    """
    if inspect.isclass(answer):
        return not any(_is_stub(value) for value in vars(answer).values())
    return answer is not ... and answer is not None and not _is_stub(answer)


def run_cases(question: Question, answer: Any, cases: Sequence[Plain]) -> Attempt:
    """Run a student's answer on copies of the cases.

    Every exception becomes a sentence of the `Attempt`, except KeyboardInterrupt, which is raised.
    """
    missing = [name for name in question.methods if not _has_method(answer, name)]
    if not attempted(answer) and len(missing) == len(question.methods):
        return Attempt(stub=True)
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        return Attempt(failure=f"{question.answer} lacks {names}; write it, then check again.")
    outputs: list[Plain] = []
    if question.prepare:
        try:
            question.prepare()
        except AnswerError as error:
            return Attempt(failure=str(error))
    for case in cases:
        mine = {name: array.copy() for name, array in visible(case).items()}
        try:
            with _same_gradients():
                outputs.append(as_plain(within(question.seconds, question.ask, answer, mine)))
        except KeyboardInterrupt:
            raise
        except NotImplementedError:
            return Attempt(stub=True)
        except AnswerError as error:
            return Attempt(outputs, failure=str(error))
        except TimeLimitError:
            return Attempt(outputs, failure=_too_slow(question.seconds))
        except BaseException as error:  # exit() and the like are a student's failure too
            return Attempt(outputs, failure=explain(error))
    return Attempt(outputs)


def as_plain(outputs: Outputs) -> Plain:
    """Return outputs as arrays of numbers, booleans or text, which can be sent to the judge.

    Raises
    ------
    AnswerError
        When an output is anything else.
    """
    plain = {}
    for name, value in outputs.items():
        try:
            array = np.asarray(value)
        except Exception:  # rows of unequal length, or an object that cannot be converted
            raise AnswerError(f"`{name}` is no regular table of numbers.") from None
        if array.dtype.kind not in "biufU":
            kind = f"of type {type(value).__name__}"
            kind = "nothing: does your function return?" if value is None else kind
            raise AnswerError(f"`{name}` should be numbers, and is {kind}.")
        plain[name] = array
    return plain


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
    says = " ".join(str(error).split()).rstrip(".")  # the place and the full stop are appended
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


@contextmanager
def _same_gradients() -> Iterator[None]:
    """Restore PyTorch's gradient mode.

    An answer may switch it off, and one that is interrupted inside ``no_grad`` leaves it off: every
    training loop of the notebook would then fail.
    """
    torch = sys.modules.get("torch")
    before = torch.is_grad_enabled() if torch else True
    try:
        yield
    finally:
        if torch:
            torch.set_grad_enabled(before)


def _too_slow(seconds: float) -> str:
    return (
        f"Your code did not finish within {seconds:g} s on a small input; look for a loop that "
        "never ends, or that goes through all pairs one by one."
    )


def _has_method(answer: Any, name: str) -> bool:
    method = getattr(answer, name, None)
    return method is not None and not _is_stub(method)


def _is_stub(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return False
    steps = list(dis.get_instructions(code))
    if any(step.opname not in STUB_STEPS for step in steps):
        return False
    returned = [s.argval for s in steps if s.opname in ("LOAD_CONST", "RETURN_CONST")]
    return returned[-1:] in ([None], [...])
