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
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from wis.baselines.resistance.amg import TooDenseError, VCycle
from wis.baselines.resistance.cg import Preconditioner, solve_block
from wis.baselines.resistance.laplacian import Laplacian

from wis.kernels import compiled
from wis.progress import track

if TYPE_CHECKING:
    from wis.baselines.resistance.projections_torch import TorchProjections

_WIDTH = 32  # right-hand sides a block
_CHUNK = 1 << 15  # edges whose signs are drawn at a time: they stay in the cache
_MEMORY = 4 << 30  # bytes that blocks in flight may take
# Iterations after which conjugate gradients alone count as slow. A multigrid cycle takes as long as one or two, and
# four or five cycles do what the others need far more for.
_SLOW = 20
_MOST_WORK = 500  # beyond that, multigrid takes longer to set up than it saves
MOST_ITERATIONS = 20_000  # iterations after which a solve has failed
FINEST_FLOAT32 = 1e-5  # below this tolerance blocks are float64

_log = logging.getLogger("wis")


def projected_resistances(
    pairs: np.ndarray,
    *,
    k: int = 256,
    tol: float = 1e-2,
    solver: str = "auto",
    seed: int | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> np.ndarray:
    """Estimate the effective resistance of every edge from ``k`` random projections.

    Parameters
    ----------
    pairs
        int64 ``[2, m]``, each undirected pair once. Any number of components.
    k
        Number of projections: linear systems to solve.
    tol
        Relative error of each solution: see :func:`wis.baselines.resistance.effective_resistances`.
    solver
        ``"cg"``: conjugate gradients, Jacobi-preconditioned. ``"amg"``: preconditioned by a multigrid cycle.
        ``"auto"``: the former, unless it converges slowly, pyamg is installed, and the graph has no hubs that would
        make the latter slow.
    seed
        Seed of the projections.
    device
        ``"cuda"`` for the GPU, through torch; anything else is the CPU. Both use the same random signs.
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
    pairs = pairs.reshape(2, -1)
    laplacian = Laplacian.from_pairs(len(names), pairs)
    entropy = np.random.SeedSequence(seed).entropy
    problem: Projections | TorchProjections
    if device == "cuda":
        from wis.baselines.resistance.projections_torch import TorchProjections

        problem = TorchProjections(laplacian, pairs, tol, entropy, device)
    else:
        problem = Projections(laplacian, pairs, tol, entropy)
        problem.choose(solver)
    widths = [min(_WIDTH, k - start) for start in range(0, k, _WIDTH)]
    total = np.zeros(pairs.shape[1], dtype=np.float64)
    with track(k, "effective resistances, projections", unit="systems", enabled=progress) as advance:
        for squares, width in zip(_in_order(problem.squares, widths, problem.threads()), widths, strict=True):
            total += squares
            advance(width)
    at_tail, at_head = 1.0 / laplacian.degree[pairs]
    known = at_tail + at_head - 2.0 * at_tail * at_head
    return np.clip(known + total / k, np.finfo(np.float64).tiny, 1.0)


def random_bits(entropy: Any, block: int, num_pairs: int, width: int) -> Iterator[tuple[int, np.ndarray]]:
    """The signs of one block, a chunk of edges at a time: its first edge and uint8 ``[chunk, width]`` of 0 and 1."""
    random = np.random.default_rng([entropy, block])
    for start in range(0, num_pairs, _CHUNK):
        words = random.integers(0, 256, (min(_CHUNK, num_pairs - start), -(-width // 8)), dtype=np.uint8)
        yield start, np.unpackbits(words, axis=1, count=width)


def unsolved(tol: float, iterations: int) -> ArithmeticError:
    """The error to raise if a system is not solved."""
    return ArithmeticError(
        f"a Laplacian system is not solved to tol={tol} after {iterations} iterations; raise tol, or use solver='exact'"
    )


class Projections:
    """The graph, the solver and the seed that all blocks share.

    Parameters
    ----------
    laplacian, pairs
        The graph.
    tol
        Tolerance of the solver; blocks are float32 unless it is finer than they can reach.
    entropy
        Seed of the signs.
    """

    def __init__(self, laplacian: Laplacian, pairs: np.ndarray, tol: float, entropy: Any) -> None:
        self.laplacian = laplacian
        self.pairs = pairs.astype(np.uint32)
        self.tol = tol
        self.entropy = entropy
        self.dtype = np.float32 if tol >= FINEST_FLOAT32 else np.float64
        self.precondition: Preconditioner | None = None
        self._memory = threading.local()

    def threads(self) -> int:
        """How many blocks to solve at once: as many as Numba has threads, within a bound on memory."""
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
            self.precondition = VCycle(self.laplacian, self.dtype, _MOST_WORK)
        except TooDenseError:
            _log.info("conjugate gradients converge slowly on this graph, and multigrid does not suit it")
        except ImportError:
            _log.info(
                "conjugate gradients converge slowly on this graph; pip install 'wis-graph[pyamg]' for a faster solver"
            )

    def right_hand_sides(self, block: int, width: int, out: np.ndarray | None = None) -> np.ndarray:
        """``B^T s`` for the random signs of this block: ``[n, width]``, in ``out`` if that is given."""
        rhs = np.empty((self.laplacian.num_nodes, width), dtype=self.dtype) if out is None else out
        rhs[:] = 0
        for start, bits in random_bits(self.entropy, block, self.pairs.shape[1], width):
            _scatter_signs(self.pairs[:, start : start + len(bits)], bits, rhs)
        return rhs

    def squares(self, block: int, width: int) -> np.ndarray:
        """For every edge, the sum of ``(y_u - y_v)^2`` over the columns of this block."""
        work = self._work(width)
        rhs = self.right_hand_sides(block, width, out=work[4])
        solution, iterations, solved = solve_block(
            self.laplacian, rhs, self.tol, MOST_ITERATIONS, self.precondition, work[:4]
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


def _in_order(work: Callable[[int, int], np.ndarray], widths: list[int], threads: int) -> Iterator[np.ndarray]:
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


@compiled
def _scatter_signs(pairs: np.ndarray, bits: np.ndarray, out: np.ndarray) -> None:
    """Add the sign of each edge, 1 for bit 0 and -1 for bit 1, to its first endpoint; subtract it from its second."""
    width = np.uint64(out.shape[1])
    number = out.dtype.type
    signs = np.empty(width, out.dtype)
    for e in range(np.uint64(pairs.shape[1])):
        u, v = np.uint64(pairs[0, e]), np.uint64(pairs[1, e])
        for j in range(width):
            signs[j] = number(1) - number(2) * number(bits[e, j])
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
