"""Whole grids in Numba's CUDA simulator: all blocks at once, where the simulator's own run one after the other.

Every thread is a Python thread. A barrier lets no thread pass before all of its block, or of the grid, are there, and
raises if two of them stand at different barriers; shared and uninitialised memory holds numbers that nobody expects.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.cuda.simulator import kernel, kernelapi
from numba.np.numpy_support import as_dtype

# Seconds that a thread waits for the others before the test fails: they wait for something else, or are gone.
_PATIENCE = 120.0

_lock = threading.Lock()


class Meeting:
    """A barrier for a number of threads, which must all come from the same place."""

    def __init__(self, size: int) -> None:
        self._places: set[tuple[str, int]] = set()
        self._problem: set[tuple[str, int]] = set()
        self._barrier = threading.Barrier(size, self._compare, _PATIENCE)

    def wait(self) -> None:
        frame = sys._getframe(3)  # past the methods that lead here
        with _lock:
            self._places.add((frame.f_code.co_name, frame.f_lineno))
        self._barrier.wait()
        if self._problem:
            raise RuntimeError(f"threads wait at different barriers: {sorted(self._problem)}")

    def abort(self) -> None:
        self._barrier.abort()

    def _compare(self) -> None:
        if len(self._places) > 1:
            self._problem = self._places
        self._places = set()


class GridThread(threading.Thread):
    """One thread of a grid; ``syncthreads`` is what the simulator calls for a barrier."""

    def __init__(self, grid: Grid, block: int, thread: int, target: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.blockIdx = kernelapi.Dim3(block, 0, 0)
        self.threadIdx = kernelapi.Dim3(thread, 0, 0)
        self.thread_id = thread
        self._grid, self._work = grid, target

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # whatever it is, the test is to raise it
            self._grid.fail(error)

    def syncthreads(self) -> None:
        self._grid.blocks[self.blockIdx.x].wait()

    def sync_grid(self) -> None:
        self._grid.all.wait()


class Grid:
    """In place of the simulator's manager of a block, which is made once a block: the first one runs all of them."""

    def __init__(self, function: Callable[..., None], grid_dim: Any, block_dim: Any, debug: bool) -> None:
        self._function, self._num_blocks, self._num_threads = function, grid_dim[0], block_dim[0]
        self.blocks = [Meeting(self._num_threads) for _ in range(self._num_blocks)]
        self.all = Meeting(self._num_blocks * self._num_threads)
        self._error: BaseException | None = None

    def run(self, block: tuple[int, ...], *arguments: Any) -> None:
        if block[0] > 0:
            return
        threads = [
            GridThread(self, b, t, lambda: self._function(*arguments))
            for b in range(self._num_blocks)
            for t in range(self._num_threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def fail(self, error: BaseException) -> None:
        """Keep the first error, and let nobody wait any longer."""
        with _lock:
            self._error = self._error or error
        for meeting in (*self.blocks, self.all):
            meeting.abort()


def _shared_array(self: Any, shape: Any, dtype: Any, alignment: Any = None) -> np.ndarray:
    """One array for all threads of a block that ask for it at the same line."""
    frame = sys._getframe(1)
    where = (threading.current_thread().blockIdx.x, frame.f_code.co_filename, frame.f_lineno)
    with _lock:
        if where not in self._allocations:
            kind = as_dtype(dtype)
            self._allocations[where] = np.full(shape, np.iinfo(kind).max - 7, dtype=kind)
        return self._allocations[where]


def install(patch: Any) -> None:
    """Let the simulator run whole grids, for as long as the patch lasts."""
    patch.setattr(kernel, "BlockManager", Grid)
    patch.setattr(kernelapi.GridGroup, "sync", lambda self: threading.current_thread().sync_grid())
    patch.setattr(kernelapi.FakeCUDAShared, "array", _shared_array)
