"""How kernels that allocate nothing are compiled, and who is told when that happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from numba import njit
from numba.core import event

from wis.interrupts import check_interrupt, hold_interrupts, release_interrupts

# Without this option Numba counts references to every array of a state up and down at every call of a small function,
# in atomic operations that take more time than the work.
kernel = njit(cache=True, nogil=True, _nrt=False)

# The same for small functions: passing the state would take longer than what they do.
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")


@contextlib.contextmanager
def watch_compilation(begins: Callable[[], None]) -> Iterator[None]:
    """While the block runs, call ``begins`` before each function that Numba compiles because its cache lacks it."""
    with event.install_listener("numba:compile", _Listener(begins)):
        yield


class _Listener(event.Listener):
    """Calls functions when something that Numba reports starts and ends."""

    def __init__(self, starts: Callable[[], None], ends: Callable[[], None] = lambda: None) -> None:
        self._starts, self._ends = starts, ends

    def on_start(self, event: event.Event) -> None:
        self._starts()

    def on_end(self, event: event.Event) -> None:
        self._ends()


# While the compiler is at work, LLVM calls back into Python, where Ctrl-C must not raise. Between two functions it may.
event.register("numba:compiler_lock", _Listener(hold_interrupts, release_interrupts))
event.register("numba:compile", _Listener(check_interrupt))
