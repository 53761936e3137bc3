"""Blocks of random projections on the CPU: their right-hand sides, the solver that suits the graph, what they add."""

from __future__ import annotations

import logging
import threading
from typing import Any

import numba
import numpy as np
from wis.baselines.resistance.amg import TooDenseError, VCycle
from wis.baselines.resistance.cg import (
    MOST_ITERATIONS,
    Preconditioner,
    fits_float32,
    least_eigenvalue,
    solve_block,
    unsolved,
)
from wis.baselines.resistance.laplacian import Laplacian
from wis.baselines.resistance.signs import WIDTH, random_bits

from wis.kernels import compiled

_MEMORY = 4 << 30  # bytes that blocks in flight may take
# Iterations after which conjugate gradients alone count as slow. A multigrid cycle takes as long as one or two, and
# four or five cycles do what the others need far more for.
_SLOW = 20
_MOST_WORK = 500  # beyond that, multigrid takes longer to set up than it saves

_log = logging.getLogger("wis")


class Projections:
    """The graph, the solver and the seed that all blocks share.

    Parameters
    ----------
    laplacian, pairs, weights
        The graph; ``weights`` is None where all are 1.
    tol
        Tolerance of the solver; blocks are float32 unless it, or the contrast of the weights, is beyond them.
    entropy
        Seed of the signs.
    """

    def __init__(
        self, laplacian: Laplacian, pairs: np.ndarray, tol: float, entropy: Any, weights: np.ndarray | None = None
    ) -> None:
        self.laplacian = laplacian
        self.pairs = pairs.astype(np.uint32)
        self.roots = None if weights is None else np.sqrt(weights)
        self.tol = tol
        self.entropy = entropy
        self.least = least_eigenvalue(laplacian)
        self.dtype = np.float32 if fits_float32(tol, weights, self.least) else np.float64
        self.precondition: Preconditioner | None = None
        self._memory = threading.local()

    def threads(self) -> int:
        """How many blocks to solve at once: as many as Numba has threads, within a bound on memory."""
        block = 7 * self.laplacian.num_nodes * WIDTH * np.dtype(self.dtype).itemsize
        return max(1, min(numba.get_num_threads(), _MEMORY // max(block, 1)))

    def choose(self, solver: str) -> None:
        """Set the preconditioner."""
        if solver == "cg":
            return
        if solver == "amg":
            self.precondition = VCycle(self.laplacian, self.dtype)
            return
        probe = self.right_hand_sides(0, 4)
        _, _, fast = solve_block(self.laplacian, probe, self.tol, _SLOW, least=self.least)
        if fast:
            return
        try:
            self.precondition = VCycle(self.laplacian, self.dtype, _MOST_WORK)
        except TooDenseError:
            _log.info("conjugate gradients converge slowly on this graph, and multigrid does not suit it")
        except ImportError:
            _log.info(
                "conjugate gradients converge slowly on this graph; pip install 'wis-graph[pyamg]' for a faster solver"
            )

    def right_hand_sides(self, block: int, width: int, out: np.ndarray | None = None) -> np.ndarray:
        """``B^T W^1/2 s`` for the random signs of this block: ``[n, width]``, in ``out`` if that is given."""
        rhs = np.empty((self.laplacian.num_nodes, width), dtype=self.dtype) if out is None else out
        rhs[:] = 0
        for start, bits in random_bits(self.entropy, block, self.pairs.shape[1], width):
            chunk = slice(start, start + len(bits))
            _scatter_signs(self.pairs[:, chunk], bits, None if self.roots is None else self.roots[chunk], rhs)
        return rhs

    def squares(self, block: int, width: int) -> np.ndarray:
        """For every edge, the sum of ``(y_u - y_v)^2`` over the columns of this block."""
        work = self._work(width)
        rhs = self.right_hand_sides(block, width, out=work[4])
        solution, iterations, solved = solve_block(
            self.laplacian, rhs, self.tol, MOST_ITERATIONS, self.precondition, work[:4], self.least
        )
        if not solved:
            raise unsolved(self.tol, iterations)
        smoothed = rhs
        self.laplacian.average(solution, smoothed)
        return _squared_differences(self.pairs, smoothed)

    def _work(self, width: int) -> np.ndarray:
        """Memory for five blocks, kept from one call to the next in the same thread."""
        work: np.ndarray | None = getattr(self._memory, "work", None)
        if work is None or work.shape[2] != width:
            work = np.empty((5, self.laplacian.num_nodes, width), dtype=self.dtype)
            self._memory.work = work
        return work


@compiled
def _scatter_signs(pairs: np.ndarray, bits: np.ndarray, roots: np.ndarray | None, out: np.ndarray) -> None:
    """Add the sign of each edge, 1 for bit 0 and -1 for bit 1, to its first endpoint; subtract it from its second.

    With ``roots`` of the weights, a sign is multiplied by that of its edge.
    """
    width = np.uint64(out.shape[1])
    number = out.dtype.type
    signs = np.empty(width, out.dtype)
    for e in range(np.uint64(pairs.shape[1])):
        u, v = np.uint64(pairs[0, e]), np.uint64(pairs[1, e])
        for j in range(width):
            signs[j] = number(1) - number(2) * number(bits[e, j])
        if roots is not None:
            for j in range(width):
                signs[j] *= number(roots[e])
        for j in range(width):
            out[u, j] += signs[j]
        for j in range(width):
            out[v, j] -= signs[j]


# The sum over a row may be taken in any order, which is what lets it be vectorised.
@compiled(fastmath={"reassoc", "contract"})
def _squared_differences(pairs: np.ndarray, block: np.ndarray) -> np.ndarray:
    width = np.uint64(block.shape[1])
    squares = np.empty(pairs.shape[1], np.float64)
    for e in range(np.uint64(pairs.shape[1])):
        u, v = np.uint64(pairs[0, e]), np.uint64(pairs[1, e])
        total = block.dtype.type(0)
        for j in range(width):
            gap = block[u, j] - block[v, j]
            total += gap * gap
        squares[e] = total
    return squares
