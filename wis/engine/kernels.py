"""How kernels that allocate nothing are compiled, and who is told when that happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from numba import njit
from numba.core import event

# Without this option Numba counts references to every array of a state up and down at every call of a small function,
# in atomic operations that take more time than the work.
kernel = njit(cache=True, nogil=True, _nrt=False)

# The same for small functions: passing the state would take longer than what they do.
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")


@contextlib.contextmanager
def watch_compilation(begins: Callable[[], None]) -> Iterator[None]:
    """While the block runs, call ``begins`` before each function that Numba compiles because its cache lacks it."""
    with event.install_listener("numba:compile", _Watch(begins)):
        yield


class _Watch(event.Listener):
    def __init__(self, begins: Callable[[], None]) -> None:
        self._begins = begins

    def on_start(self, event: event.Event) -> None:
        self._begins()

    def on_end(self, event: event.Event) -> None:
        pass
