"""Approximate effective resistances of all edges by random projections.

Spielman and Srivastava (2011), section 4, with two changes that spare most of the error. Let ``s`` be random signs on
the edges, ``B`` the signed incidence matrix and ``x = L^+ B^T s``: then ``E (x_u - x_v)^2 = R_uv`` (Johnson and
Lindenstrauss 1984). Averaging ``x`` over neighbours, ``y = D^-1 A x``, takes away what is known already:

    R_uv = 1/d_u + 1/d_v - 2/(d_u d_v) + E (y_u - y_v)^2        for an edge {u, v} of a simple graph,

because ``D^-1 A L^+ A D^-1 = L^+ - D^-1 - D^-1 + D^-1 L D^-1`` on vectors that sum to zero. The first terms are most of
``R`` wherever degrees are not small, and only the last one carries the error of the projections, about ``sqrt(2/k)``.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numba
import numpy as np
from numba import njit, uint32, uint64

from baselines.resistance.amg import VCycle
from baselines.resistance.cg import Preconditioner, solve_block
from baselines.resistance.laplacian import Laplacian
from wis.progress import track

_WIDTH = 32  # right-hand sides a block: the signs of an edge are the bits of one uint32
_MEMORY = 4 << 30  # bytes that blocks in flight may take
_SLOW = 60  # iterations after which conjugate gradients alone count as slow
_MOST = 20_000  # iterations after which a solve has failed
_FINEST_FLOAT32 = 1e-5  # below this tolerance blocks are float64

_log = logging.getLogger("wis")


def projected_resistances(
    num_nodes: int,
    pairs: np.ndarray,
    *,
    k: int = 256,
    tol: float = 1e-2,
    solver: str = "auto",
    seed: int | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Estimate the effective resistance of every edge from ``k`` random projections.

    Parameters
    ----------
    num_nodes
        Number of vertices ``n``.
    pairs
        int64 ``[2, m]``, each undirected pair once. Isolated vertices and any number of components are fine.
    k
        Number of projections: linear systems to solve.
    tol
        Factor by which the residual of each system is brought down.
    solver
        ``"cg"``: conjugate gradients, Jacobi-preconditioned. ``"amg"``: preconditioned by a multigrid cycle. ``"auto"``:
        the former, unless it converges slowly and pyamg is installed.
    seed
        Seed of the projections.
    progress
        Whether to show progress.

    Returns
    -------
    numpy.ndarray
        float64 ``[m]``, in ``(0, 1]``.

    Notes
    -----
    O(k (n + m)) time an iteration of the solver, the number of which depends on the graph: under ten on power-law
    graphs, hundreds on grids without multigrid. Runs on Numba's number of threads; the result does not depend on it.
    """
    names, pairs = np.unique(pairs, return_inverse=True)
    problem = _Projections(len(names), pairs.reshape(2, -1), tol, np.random.SeedSequence(seed))
    widths = [min(_WIDTH, k - start) for start in range(0, k, _WIDTH)]
    total = np.zeros(pairs.size // 2, dtype=np.float64)
    with track(k, "effective resistances, projections", unit="systems", enabled=progress) as advance:
        problem.choose(solver)
        for squares, width in zip(_in_order(problem.squares, widths, problem.threads()), widths, strict=True):
            total += squares
            advance(width)
    return np.clip(problem.known() + total / k, np.finfo(np.float64).tiny, 1.0)


class _Projections:
    """The graph, the solver and the seeds that all blocks share."""

    def __init__(self, num_nodes: int, pairs: np.ndarray, tol: float, seed: np.random.SeedSequence) -> None:
        self.pairs = pairs.astype(np.uint32)
        self.laplacian = Laplacian.from_pairs(num_nodes, pairs)
        self.tol = tol
        self.entropy = seed.entropy
        self.dtype = np.float32 if tol >= _FINEST_FLOAT32 else np.float64
        self.precondition: Preconditioner | None = None

    def known(self) -> np.ndarray:
        """The part of each resistance that needs no projection."""
        at_tail, at_head = 1.0 / self.laplacian.degree[self.pairs]
        return at_tail + at_head - 2.0 * at_tail * at_head

    def threads(self) -> int:
        block = 7 * self.laplacian.num_nodes * _WIDTH * np.dtype(self.dtype).itemsize
        return max(1, min(numba.get_num_threads(), _MEMORY // max(block, 1)))

    def choose(self, solver: str) -> None:
        """Set the preconditioner."""
        if solver == "cg":
            return
        if solver == "amg":
            self.precondition = VCycle(self.laplacian, self.dtype)
            return
        probe = self.right_hand_sides(0, 4)
        _, _, fast = solve_block(self.laplacian, probe, self.tol, _SLOW)
        if fast:
            return
        try:
            self.precondition = VCycle(self.laplacian, self.dtype)
        except ImportError:
            _log.info(
                "conjugate gradients converge slowly on this graph; pip install 'wis-graph[pyamg]' for a faster solver"
            )

    def right_hand_sides(self, block: int, width: int) -> np.ndarray:
        """``B^T s`` for the random signs of this block: ``[n, width]``."""
        bits = np.random.default_rng([self.entropy, block]).integers(
            0, 1 << 32, self.pairs.shape[1], dtype=np.uint32
        )
        rhs = np.zeros((self.laplacian.num_nodes, width), dtype=self.dtype)
        _scatter_signs(self.pairs, bits, rhs)
        return rhs

    def squares(self, block: int, width: int) -> np.ndarray:
        """For every edge, the sum of ``(y_u - y_v)^2`` over the columns of this block."""
        rhs = self.right_hand_sides(block, width)
        solution, iterations, solved = solve_block(self.laplacian, rhs, self.tol, _MOST, self.precondition)
        if not solved:
            raise ArithmeticError(
                f"a Laplacian system is not solved to tol={self.tol} after {iterations} iterations; "
                "raise tol, or use solver='exact'"
            )
        smoothed = rhs
        self.laplacian.average(solution, smoothed)
        return _squared_differences(self.pairs, smoothed)


def _in_order(
    work: Callable[[int, int], np.ndarray], widths: list[int], threads: int
) -> Iterator[np.ndarray]:
    """Results of ``work(block, width)`` in the order of the blocks, a few at a time in threads."""
    if threads == 1:
        yield from itertools.starmap(work, enumerate(widths))
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[np.ndarray]] = deque()
        try:
            for block, width in enumerate(widths):
                if len(running) == threads:
                    yield running.popleft().result()
                running.append(pool.submit(work, block, width))
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


@njit(cache=True, nogil=True)
def _scatter_signs(pairs: np.ndarray, bits: np.ndarray, out: np.ndarray) -> None:
    width = uint64(out.shape[1])
    signs = np.empty(width, out.dtype)
    for e in range(uint64(pairs.shape[1])):
        u, v, word = uint64(pairs[0, e]), uint64(pairs[1, e]), bits[e]
        for j in range(width):
            signs[j] = np.int32(1) - np.int32(2) * np.int32((word >> uint32(j)) & uint32(1))
        for j in range(width):
            out[u, j] += signs[j]
        for j in range(width):
            out[v, j] -= signs[j]


@njit(cache=True, nogil=True)
def _squared_differences(pairs: np.ndarray, block: np.ndarray) -> np.ndarray:
    width = uint64(block.shape[1])
    squares = np.empty(pairs.shape[1], np.float64)
    terms = np.empty(width, block.dtype)
    for e in range(uint64(pairs.shape[1])):
        u, v = uint64(pairs[0, e]), uint64(pairs[1, e])
        for j in range(width):
            gap = block[u, j] - block[v, j]
            terms[j] = gap * gap
        total = block.dtype.type(0)
        for j in range(width):
            total += terms[j]
        squares[e] = total
    return squares
