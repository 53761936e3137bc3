"""Effective resistances of all edges: what is known without solving anything, then the solver that fits the graph."""

from __future__ import annotations

import numpy as np
from wis.baselines.resistance.bridges import find_bridges
from wis.baselines.resistance.estimate import projected_resistances
from wis.baselines.resistance.exact import exact_resistances

from wis.checks import check_choice, check_count, check_number
from wis.graphs.edge_list import EdgeList
from wis.machine import require_cuda

SOLVERS = ("auto", "exact", "cg", "amg")

# Up to either, a factorisation takes a few seconds at most, however dense its factor becomes.
_EXACT_VERTICES = 3_000
_EXACT_EDGES = 20_000


def effective_resistances(
    edges: EdgeList,
    *,
    solver: str = "auto",
    k: int = 256,
    tol: float = 1e-2,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
) -> np.ndarray:
    """Effective resistance of every edge, each edge a resistor whose conductance is its weight, 1 without weights.

    Weight times resistance is the probability that a random spanning forest contains the edge, if forests are drawn in
    proportion to the product of their weights. It is found within each connected component; for a bridge it is 1,
    whatever the solver.

    Parameters
    ----------
    edges
        An undirected graph.
    solver
        ``"exact"``: sparse factorisation. ``"cg"`` and ``"amg"``: random projections, solved by conjugate gradients
        with a Jacobi or a multigrid preconditioner (the latter needs pyamg). ``"auto"``: exact where, without bridges,
        there are at most 20,000 edges or at most 3,000 vertices; else projections, with multigrid if conjugate
        gradients converge slowly, the graph has no hubs that make it dense, and pyamg is installed.
    k
        Number of random projections. The relative error falls as ``1 / sqrt(k)``.
    tol
        Relative error of each projection, as the root mean square of its differences across edges, weighted as they
        are; estimated while solving, in the same way for both solvers. The sum of weight times resistance loses about
        ``tol ** 2`` of itself by it. With the default, nearly all are within 1% of what an exact solver makes of the
        same projections.
    seed
        Seed of the projections; the exact solver does not use it.
    device
        ``"cuda"`` solves projections on the GPU, by conjugate gradients with the Jacobi preconditioner. ``"auto"`` is
        the CPU.
    progress
        Whether to show progress.

    Returns
    -------
    numpy.ndarray
        float64 ``[m]`` in the order of ``edges.pairs``, in ``(0, 1 / weight]``.

    Raises
    ------
    ValueError
        If the graph is directed or an option is out of range.
    TypeError
        If ``k`` is not an integer or ``tol`` not a number.
    ImportError
        If ``solver="amg"`` and pyamg is not installed.
    RuntimeError
        If ``device="cuda"`` and there is none.
    ArithmeticError
        If weights differ so much that rounding errors drown what joins some parts of the graph.

    Notes
    -----
    Digits are lost as weights differ: of the 15 or so of the exact solver as many as the largest weight has more than
    the smallest.
    """
    if edges.directed:
        raise ValueError("effective resistances are defined for undirected graphs only; pass directed=False")
    check_options(solver, k, tol, device)
    weights = np.ones(edges.num_pairs) if edges.weights is None else edges.weights
    resistance = 1.0 / weights
    rest = ~find_bridges(edges)
    if not rest.any():
        return resistance
    pairs, unit = edges.pairs[:, rest], weights[rest].min()  # in units of the smallest, weights are at least 1
    with np.errstate(over="ignore"):  # the solvers refuse infinite ones
        scaled = weights[rest] / unit
    relative = None if (scaled == 1).all() else scaled
    if device != "cuda" and (solver == "exact" or (solver == "auto" and _is_small(pairs))):
        found = exact_resistances(edges.num_nodes, pairs, relative, progress=progress)
    else:
        found = projected_resistances(
            pairs, relative, k=k, tol=tol, solver=solver, seed=seed, device=device, progress=progress
        )
    resistance[rest] = found / unit
    return resistance


def check_options(solver: str, k: int, tol: float, device: str = "auto") -> None:
    """Check the options of :func:`effective_resistances`; the errors are those it names."""
    check_choice("solver", solver, SOLVERS)
    if device == "cuda" and solver in ("exact", "amg"):
        raise ValueError(f"solver={solver!r} runs on the CPU only; with device='cuda' the solvers are 'auto' and 'cg'")
    check_count("k", k, at_least=1)
    if not 1e-12 <= check_number("tol", tol) < 1:
        raise ValueError(f"tol must be at least 1e-12 and below 1, got {tol}")
    if device == "cuda":
        require_cuda()


def _is_small(pairs: np.ndarray) -> bool:
    return pairs.shape[1] <= _EXACT_EDGES or len(np.unique(pairs)) <= _EXACT_VERTICES
