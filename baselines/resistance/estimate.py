"""Approximate effective resistances of all edges by random projections.

Spielman and Srivastava (2011), section 4, with two changes that spare most of the error. Let ``s`` be random signs on
the edges, ``B`` the signed incidence matrix, ``W`` the weights and ``x = L^+ B^T W^1/2 s``: then
``E (x_u - x_v)^2 = R_uv`` (Johnson and Lindenstrauss 1984). Averaging ``x`` over neighbours, ``y = D^-1 A x``, takes
away what is known already. With ``d`` the sums of the weights at the vertices:

    R_uv = 1/d_u + 1/d_v - 2 w_uv/(d_u d_v) + E (y_u - y_v)^2        for an edge {u, v} of a simple graph,

because ``D^-1 A L^+ A D^-1 = L^+ - D^-1 - D^-1 + D^-1 L D^-1`` on vectors that sum to zero. The first terms are most of
``R`` wherever degrees are not small, and only the last one carries the error of the projections, about ``sqrt(2/k)``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from wis.baselines.resistance.laplacian import Laplacian
from wis.baselines.resistance.projections import Projections
from wis.baselines.resistance.signs import WIDTH

from wis.progress import track

if TYPE_CHECKING:
    from wis.baselines.resistance.projections_torch import TorchProjections


def projected_resistances(
    pairs: np.ndarray,
    weights: np.ndarray | None = None,
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
    weights
        float64 ``[m]``, at least 1, or None where all are 1.
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
        float64 ``[m]``, in ``(0, 1 / weights]``.

    Notes
    -----
    O(k (n + m)) time an iteration of the solver, the number of which depends on the graph: under ten on power-law
    graphs, hundreds on grids without multigrid. Runs on Numba's number of threads; the result does not depend on it.
    """
    names, pairs = np.unique(pairs, return_inverse=True)
    pairs = pairs.reshape(2, -1)
    laplacian = Laplacian.from_pairs(len(names), pairs, weights)
    entropy = np.random.SeedSequence(seed).entropy
    problem: Projections | TorchProjections
    if device == "cuda":
        from wis.baselines.resistance.projections_torch import TorchProjections

        problem = TorchProjections(laplacian, pairs, tol, entropy, device, weights)
    else:
        problem = Projections(laplacian, pairs, tol, entropy, weights)
        problem.choose(solver)
    widths = [min(WIDTH, k - start) for start in range(0, k, WIDTH)]
    total = np.zeros(pairs.shape[1], dtype=np.float64)
    with (
        track(k, "effective resistances, projections", unit="systems", enabled=progress) as advance,
        ThreadPoolExecutor(problem.threads()) as pool,
    ):
        for squares, width in zip(pool.map(problem.squares, range(len(widths)), widths), widths, strict=True):
            total += squares
            advance(width)
    at_tail, at_head = 1.0 / laplacian.degree[pairs]
    both = at_tail * at_head if weights is None else weights * at_tail * at_head
    most = 1.0 if weights is None else 1.0 / weights
    return np.clip(at_tail + at_head - 2.0 * both + total / k, np.finfo(np.float64).tiny, most)
