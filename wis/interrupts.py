"""Ctrl-C that is not lost, and SIGTERM and SIGHUP, which end the work as Ctrl-C does.

Python raises ``KeyboardInterrupt`` wherever it happens to be. Where that is a function called from C, as llvmlite does
for every function that Numba compiles, the exception is dropped and the work goes on, or LLVM is left in a state that
crashes the process when it ends; and a package that is imported may catch whatever happens. So the command line
remembers the signal, compilation holds it back until it comes to a safe place, and long jobs look whether there was
one. SIGTERM and SIGHUP would end the process on the spot and leave its temporary files behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

# What each signal does where no program has its own way with it. Windows has no SIGHUP.
_DEFAULTS: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
if hasattr(signal, "SIGHUP"):
    _DEFAULTS[signal.SIGHUP] = signal.SIG_DFL

_asked = 0  # the number of the last signal
_held = 0


@contextlib.contextmanager
def remember_interrupts() -> Iterator[None]:
    """While the block runs, :func:`was_interrupted` and :func:`check_interrupt` know of every Ctrl-C.

    ``KeyboardInterrupt`` is raised all the same, unless :func:`hold_interrupts` holds it back; SIGTERM and SIGHUP raise
    it too. Nothing changes outside the main thread, or where a program has its own way with a signal.
    """
    global _asked
    ours = [kind for kind, default in _DEFAULTS.items() if signal.getsignal(kind) is default]
    if not _in_main_thread() or not ours:
        yield
        return
    handler = _handler(os.getpid())
    for kind in ours:
        signal.signal(kind, handler)
    report, sys.unraisablehook = sys.unraisablehook, _report_others
    try:
        yield
    finally:
        for kind in ours:
            signal.signal(kind, _DEFAULTS[kind])
        sys.unraisablehook = report
        _asked = 0


def was_interrupted() -> bool:
    """Whether there was a Ctrl-C since :func:`remember_interrupts`."""
    return bool(_asked)


def exit_code() -> int:
    """The code to end the process with after an interrupt: 128 and the number of its signal, 130 for Ctrl-C."""
    return 128 + (_asked or signal.SIGINT)


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


def _handler(owner: int) -> Callable[[int, FrameType | None], None]:
    """What remembers a signal, in the process that asked for it; a process forked from it ends as by default."""

    def remember(number: int, frame: FrameType | None) -> None:
        global _asked
        if number != signal.SIGINT and os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        _asked = number
        if not (_held or _numba_is_boxing(frame)):
            raise KeyboardInterrupt

    return remember


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
