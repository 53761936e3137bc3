"""A Ctrl-C that gets lost on its way is found again."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wis.files import replace_file
from wis.interrupts import (
    check_interrupt,
    exit_code,
    hold_interrupts,
    release_interrupts,
    remember_interrupts,
    was_interrupted,
)
from wis.progress import track


def lose_interrupt() -> None:
    """Ctrl-C inside a function that C calls, which can raise nothing."""

    @ctypes.CFUNCTYPE(None)
    def called_from_c() -> None:
        signal.raise_signal(signal.SIGINT)

    called_from_c()


def test_an_interrupt_is_raised_as_always() -> None:
    with remember_interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not was_interrupted()


def test_a_lost_interrupt_is_remembered(capfd: pytest.CaptureFixture[str]) -> None:
    with remember_interrupts():
        check_interrupt()
        assert not was_interrupted()
        lose_interrupt()
        assert was_interrupted()
        with pytest.raises(KeyboardInterrupt):
            check_interrupt()
    check_interrupt()
    assert capfd.readouterr().err == ""


def advance_once() -> None:
    with track(2, "counting") as advance:
        advance(1)


def write(path: Path) -> None:
    with replace_file(path) as temporary:
        temporary.write_text("new")


def test_progress_and_files_look_for_it(tmp_path: Path) -> None:
    works: list[Callable[[], None]] = [advance_once, lambda: write(tmp_path / "a.txt")]
    for work in works:
        work()
        with remember_interrupts():
            lose_interrupt()
            with pytest.raises(KeyboardInterrupt):
                work()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_held_back_until_released() -> None:
    with remember_interrupts():
        hold_interrupts()
        hold_interrupts()
        signal.raise_signal(signal.SIGINT)
        release_interrupts()
        with pytest.raises(KeyboardInterrupt):
            release_interrupts()
    hold_interrupts()
    release_interrupts()


def test_held_back_while_numba_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba import njit
    from numba.core.codegen import CPUCodeLibrary

    import wis.kernels  # noqa: F401

    finalized = []

    def finalize(library: CPUCodeLibrary) -> None:
        signal.raise_signal(signal.SIGINT)
        finalized.append(library)
        original(library)

    original = CPUCodeLibrary._finalize_final_module
    monkeypatch.setattr(CPUCodeLibrary, "_finalize_final_module", finalize)
    double = njit(lambda x: 2 * x)
    with remember_interrupts(), pytest.raises(KeyboardInterrupt):
        double(1)
    assert finalized
    assert double(1) == 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
def test_held_back_while_numba_makes_arrays() -> None:
    from numba import njit

    @njit
    def work(count: int) -> tuple[np.ndarray, np.ndarray]:
        total = 0.0
        for i in range(count):
            total += np.sin(i)
        return np.full(2, total), np.full(3, total)

    work(1)
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with remember_interrupts():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            first, second = work(30_000_000)
            assert (len(first), len(second)) == (2, 3)
            with pytest.raises(KeyboardInterrupt):
                check_interrupt()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_compilation_looks_for_it() -> None:
    from numba import njit

    @njit
    def double(x: float) -> float:
        return 2 * x

    with remember_interrupts(), track(1, "compiling"):
        lose_interrupt()
        with pytest.raises(KeyboardInterrupt):
            double(1)
    assert double(1.5) == 3


def test_only_in_the_main_thread() -> None:
    raised: list[BaseException] = []

    def check() -> None:
        try:
            with remember_interrupts():
                check_interrupt()
        except BaseException as error:
            raised.append(error)

    with remember_interrupts():
        lose_interrupt()
        thread = threading.Thread(target=check)
        thread.start()
        thread.join()
    assert raised == []


def test_another_handler_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with remember_interrupts():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
            assert not was_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_the_work_as_ctrl_c_does(tmp_path: Path, kind: signal.Signals) -> None:
    def write() -> None:
        with replace_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            signal.raise_signal(kind)

    with remember_interrupts():
        with pytest.raises(KeyboardInterrupt):
            write()
        assert was_interrupted()
        assert exit_code() == 128 + kind
    assert signal.getsignal(kind) is signal.SIG_DFL
    assert list(tmp_path.iterdir()) == []


def test_a_forked_process_ends_by_a_signal_as_always() -> None:
    with remember_interrupts():
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with remember_interrupts():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
