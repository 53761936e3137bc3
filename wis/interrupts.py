"""Ctrl-C that is not lost.

Python raises ``KeyboardInterrupt`` wherever it happens to be. Where that is a function called from C, as llvmlite does
after every function that Numba compiles, or a package that catches everything while it is imported, the exception is
dropped, and the work goes on. So the command line remembers the signal, and long jobs look whether there was one.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

_asked = False


@contextlib.contextmanager
def remember_interrupts() -> Iterator[None]:
    """While the block runs, :func:`was_interrupted` and :func:`check_interrupt` know of every Ctrl-C.

    ``KeyboardInterrupt`` is raised all the same. Nothing changes outside the main thread, or where a program has its
    own way with the signal.
    """
    global _asked
    own = threading.current_thread() is threading.main_thread()
    if not own or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _remember)
    report, sys.unraisablehook = sys.unraisablehook, _report_others
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = report
        _asked = False


def was_interrupted() -> bool:
    """Whether there was a Ctrl-C since :func:`remember_interrupts`."""
    return _asked


def check_interrupt() -> None:
    """Raise ``KeyboardInterrupt`` again if there was one; in the main thread only."""
    if _asked and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def _remember(_signal: int, _frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt


def _report_others(lost: sys.UnraisableHookArgs) -> None:
    """Report an exception that was dropped, unless it is a Ctrl-C: that one is remembered."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
