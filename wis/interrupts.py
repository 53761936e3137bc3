"""Ctrl-C that is not lost.

Python raises ``KeyboardInterrupt`` wherever it happens to be. Where that is a function called from C, as llvmlite does
for every function that Numba compiles, the exception is dropped and the work goes on, or LLVM is left in a state that
crashes the process when it ends; and a package that is imported may catch whatever happens. So the command line
remembers the signal, compilation holds it back until it comes to a safe place, and long jobs look whether there was
one.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

_asked = False
_held = 0


@contextlib.contextmanager
def remember_interrupts() -> Iterator[None]:
    """While the block runs, :func:`was_interrupted` and :func:`check_interrupt` know of every Ctrl-C.

    ``KeyboardInterrupt`` is raised all the same, unless :func:`hold_interrupts` holds it back. Nothing changes outside
    the main thread, or where a program has its own way with the signal.
    """
    global _asked
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
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
    """Raise ``KeyboardInterrupt`` if there was a Ctrl-C; in the main thread only."""
    if _asked and _in_main_thread():
        raise KeyboardInterrupt


def hold_interrupts() -> None:
    """From here on Ctrl-C is only remembered, if this is the main thread. Calls may be nested."""
    global _held
    _held += _in_main_thread()


def release_interrupts() -> None:
    """The end of :func:`hold_interrupts`. Raises ``KeyboardInterrupt`` if there was a Ctrl-C."""
    global _held
    _held -= _in_main_thread()
    if not _held:
        check_interrupt()


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """:func:`hold_interrupts` for a block."""
    hold_interrupts()
    try:
        yield
    finally:
        release_interrupts()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _remember(_signal: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    if not (_held or _numba_is_boxing(frame)):
        raise KeyboardInterrupt


def _numba_is_boxing(frame: FrameType | None) -> bool:
    """Whether a compiled function is making objects of what it returns.

    Where these are several arrays, Numba goes on after an exception, and crashes.
    """
    while frame is not None:
        if frame.f_code.co_name == "_numba_unpickle":
            return True
        frame = frame.f_back
    return False


def _report_others(lost: sys.UnraisableHookArgs) -> None:
    """Report an exception that was dropped, unless it is a Ctrl-C: that one is remembered."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
