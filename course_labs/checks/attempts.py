"""Has a step been attempted? And running an answer on the cases, which may fail in any way."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any

import numpy as np
import numpy.typing as npt

from course_labs.checks.failures import explain
from course_labs.checks.limits import TimeLimitError, within
from course_labs.checks.question import AnswerError, Attempt, Plain, Question, visible

STUB_STEPS = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


def attempted(answer: Any) -> bool:
    """Say whether an answer is more than the stub of the student's notebook.

    A stub is ``...`` itself, a function whose body is ``...`` or nothing but a docstring, and
    a class with such a method. A function that raises NotImplementedError counts as written:
    what it raises, only a call shows.

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
    """Run a student's answer on copies of the cases; whatever it does becomes an `Attempt`.

    Only KeyboardInterrupt gets through.
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


def as_plain(outputs: Mapping[str, npt.ArrayLike]) -> Plain:
    """Return outputs as arrays of numbers, booleans or text: what travels between processes.

    Raises
    ------
    AnswerError
        When one is anything else.
    """
    plain = {}
    for name, value in outputs.items():
        try:
            array = np.asarray(value)
        except Exception:  # rows of several lengths, or an object that resists
            raise AnswerError(f"`{name}` is no regular table of numbers.") from None
        if array.dtype.kind not in "biufU":
            kind = type(value).__name__
            raise AnswerError(f"`{name}` should be numbers, and is {_what_it_is(value, kind)}.")
        plain[name] = array
    return plain


@contextmanager
def _same_gradients() -> Iterator[None]:
    """Leave PyTorch recording gradients, or not, as before.

    An answer may switch that off, and one that is interrupted inside ``no_grad`` leaves it off:
    every training loop of the notebook would then fail.
    """
    torch = sys.modules.get("torch")
    before = torch.is_grad_enabled() if torch else True
    try:
        yield
    finally:
        if torch:
            torch.set_grad_enabled(before)


def _what_it_is(value: object, kind: str) -> str:
    return "nothing: does your function return?" if value is None else f"of type {kind}"


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
