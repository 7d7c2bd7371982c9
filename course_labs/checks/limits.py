"""A time limit for a call, in a notebook's main thread or in any other thread."""

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
AGAIN = 0.005  # seconds after which the exception is raised again in code that caught it
TRIES = 50
PATIENCE = 4  # most wall time of a call, in multiples of its limit, on a busy machine


class TimeLimitError(BaseException):
    """The time is over. Not an Exception, so that ``except Exception`` does not catch it."""


def within(seconds: float, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function, and interrupt it when its time is over.

    In the main thread a signal interrupts, which ends a ``sleep`` too. Elsewhere, and on systems
    without that signal, the call runs in a thread of its own, in which the exception is raised
    asynchronously; a thread that blocks outside Python or catches every exception is abandoned.

    Parameters
    ----------
    seconds
        Limit of the wall time. While the process has had less processor time than that, because
        the machine is busy, the call goes on for at most `PATIENCE` times the limit.
    function, arguments
        What to call.

    Raises
    ------
    TimeLimitError
        When the time is over. What the function raises is raised too.

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
    """Return a function that says whether the time of a call that starts now is over."""
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
        # A bare `except` may catch this exception. The trace function raises it again at the next
        # line, also at one inside that `except`.
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
    """Yield the result of a call, or its StopIteration, which a generator cannot raise.

    When the trace function raises inside an ``except``, Python keeps the exception there as the
    one being handled, and makes it the context of every later one. A generator has an exception
    state of its own, which is discarded when it ends.
    """
    try:
        yield None, function(*arguments)
    except StopIteration as error:
        yield error, None


def _raise(frame: FrameType, event: str, argument: Any) -> Any:
    """Raise at the next line; at the exception event, the same `except` would catch both."""
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
