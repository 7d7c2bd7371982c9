"""A limit on the time of a call, in a notebook's main thread and in any other."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
AGAIN = 0.005  # seconds after which code that swallowed the exception gets it once more
TRIES = 50
PATIENCE = 4  # times its limit that a call may take while the processor is busy with others


class TimeLimitError(BaseException):
    """The time is over. No Exception, so that ``except Exception`` in a loop does not stop it."""


def within(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function, and interrupt it when its time is over.

    In the main thread a signal interrupts, which ends a ``sleep`` too. Elsewhere, and where the
    system has no such signal, the call runs in a thread of its own, into which the exception is
    thrown; one that blocks outside Python, or swallows every exception, is left behind.

    Parameters
    ----------
    seconds
        How long the call may take, when it has the processor. On a machine that is busy with
        something else it goes on until the process has had that much of the processor, at most
        `PATIENCE` times as long.
    function, arguments
        What to call.

    Raises
    ------
    TimeLimitError
        When the time is over; else whatever the function raises.

    Examples
    --------
    >>> within(1.0, max, 3, 5)
    5
    """
    main = threading.current_thread() is threading.main_thread()
    if main and hasattr(signal, "setitimer") and signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        return _by_signal(seconds, function, arguments)
    return _in_a_thread(seconds, function, arguments)


def _deadline(seconds: float) -> Callable[[], bool]:
    """Return what says whether a call that begins now has had its time."""
    start, processor = time.monotonic(), time.process_time()

    def over() -> bool:
        passed, used = time.monotonic() - start, time.process_time() - processor
        return passed >= seconds and (used >= seconds or passed >= PATIENCE * seconds)

    return over


def _by_signal(seconds: float, function: Callable[..., T], arguments: Any) -> T:
    ended = False
    over = _deadline(seconds)

    def stop(number: int, frame: FrameType | None) -> None:
        if ended or not over():
            return
        # A bare `except` may swallow this one. With a trace in place the next line raises too,
        # the line in the `except` among them.
        sys.settrace(_raise)
        while frame is not None and frame.f_code is not _by_signal.__code__:
            frame.f_trace = _raise
            frame = frame.f_back
        raise TimeLimitError

    signal_before, trace_before = signal.signal(signal.SIGALRM, stop), sys.gettrace()
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        stopped, result = next(_apart(function, arguments))
    finally:
        ended = True  # a signal may still be on its way
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(trace_before)
        signal.signal(signal.SIGALRM, signal_before)
    if stopped is not None:
        raise stopped
    return result


def _apart(
    function: Callable[..., T], arguments: Any
) -> Iterator[tuple[StopIteration | None, T | Any]]:
    """Yield what a call returns, or the StopIteration it raises, which no generator passes on.

    Where the trace raises inside an ``except``, Python goes on believing that the exception there
    is being handled, and makes it the context of every later one. A generator keeps what is being
    handled for itself, and takes it along when it ends.
    """
    try:
        yield None, function(*arguments)
    except StopIteration as error:
        yield error, None


def _raise(frame: FrameType, event: str, argument: Any) -> Any:
    """Raise at the next line; not at the exception itself, or the same `except` would get both."""
    if event == "line":
        raise TimeLimitError
    return None if event == "call" else _raise


def _in_a_thread(seconds: float, function: Callable[..., T], arguments: Any) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function(*arguments))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    over = _deadline(seconds)
    thread.start()
    thread.join(seconds)
    while thread.is_alive() and not over():
        thread.join(AGAIN)
    late = thread.is_alive()
    for _ in range(TRIES):
        if not thread.is_alive():
            break
        throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
        throw(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeLimitError))
        thread.join(AGAIN)
    if late:
        raise TimeLimitError
    if errors:
        raise errors[0]
    return results[0]
