"""Exact effective resistances from a sparse factorisation and its selected inverse.

With one vertex a component taken out (grounded), the Laplacian ``A`` is positive definite, and the resistance of
``{u, v}`` is ``Z_uu + Z_vv - 2 Z_uv`` for ``Z = A^-1``. Entries of ``Z`` are asked for at edges only, and those follow
from the factor ``A = L D L^T`` within its own sparsity (Takahashi, Fagan and Chen 1973): no right-hand side is solved.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from wis.baselines.resistance.selected_inverse import selected_inverse

from wis.progress import track

# Of the sum of weights times resistances: single ones are off by less.
_MOST_ERROR = 1e-3


def exact_resistances(
    num_nodes: int, pairs: np.ndarray, weights: np.ndarray | None = None, *, progress: bool = False
) -> np.ndarray:
    """Effective resistance of every edge, by factorisation.

    Parameters
    ----------
    num_nodes
        Number of vertices ``n``.
    pairs
        int64 ``[2, m]``, each undirected pair once. Any number of components.
    weights
        float64 ``[m]``, or None where all are 1.
    progress
        Whether to show progress.

    Returns
    -------
    numpy.ndarray
        float64 ``[m]``, in ``(0, 1 / weights]``.

    Raises
    ------
    ArithmeticError
        If rounding errors drown them, as they do where the largest weight is 10**13 times the smallest or more.

    Notes
    -----
    Time and memory are those of a sparse Cholesky factorisation with a minimum-degree ordering: near linear on trees,
    small on nearly planar graphs, up to ``O(n^3)`` and ``O(n^2)`` on expanders.
    """
    weights = np.ones(pairs.shape[1]) if weights is None else weights
    resistance = np.empty(pairs.shape[1], dtype=np.float64)
    part = _components(num_nodes, pairs)[pairs[0]]
    # The largest component on its own: the last columns of its factor are then the dense ones.
    largest = part == np.argmax(np.bincount(part)) if len(part) else np.zeros(0, dtype=bool)
    with track(num_nodes, "effective resistances, exact", unit="vertices", enabled=progress) as advance:
        for chosen in (largest, ~largest):
            if chosen.any():
                resistance[chosen] = _resistances(pairs[:, chosen], weights[chosen], advance)
    resistance = np.clip(resistance, np.finfo(np.float64).tiny, 1.0 / weights)
    # Foster (1949): weights times resistances sum to the number of vertices minus that of components.
    rank = len(np.unique(pairs)) - len(np.unique(part))
    if not abs(weights @ resistance - rank) <= _MOST_ERROR + 1e-9 * rank:
        raise _drowned(weights)
    return resistance


def _drowned(weights: np.ndarray) -> ArithmeticError:
    with np.errstate(over="ignore"):
        contrast = weights.max() / weights.min()
    return ArithmeticError(
        f"effective resistances are lost in rounding errors: the largest weight is {contrast:.0e} times the smallest, "
        "and parts of the graph are joined by small ones only; raise the smallest weights, or use "
        "a method that solves nothing, as 'dspar'"
    )


def _resistances(pairs: np.ndarray, weights: np.ndarray, advance: Callable[[int], None]) -> np.ndarray:
    """Resistances of a graph without isolated vertices, whatever its vertices are called."""
    names, pairs = np.unique(pairs, return_inverse=True)
    pairs = pairs.reshape(2, -1)
    row = _matrix_rows(len(names), pairs, weights)
    lower, pivots, place = _factorise(row, pairs, weights)
    low, high = np.sort(np.where(row >= 0, place[row], -1)[pairs], axis=0)
    inside = low >= 0
    diagonal, entries = selected_inverse(lower, pivots, low[inside], high[inside], advance)
    resistance = diagonal[high]
    resistance[inside] += diagonal[low[inside]] - 2.0 * entries
    return resistance


def _matrix_rows(num_nodes: int, pairs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The matrix row of every vertex: -1 for the grounded one of each component, its vertex of highest degree."""
    part = _components(num_nodes, pairs)
    degree = np.bincount(pairs.ravel(), np.tile(weights, 2), num_nodes)
    by_part = np.lexsort((degree, part))
    last_of_part = np.append(part[by_part][1:] != part[by_part][:-1], True)
    free = np.ones(num_nodes, dtype=bool)
    free[by_part[last_of_part]] = False
    return np.where(free, np.cumsum(free) - 1, -1)


def _components(num_nodes: int, pairs: np.ndarray) -> np.ndarray:
    """The connected component of every vertex: int32 ``[n]``."""
    graph = sp.coo_array((np.ones(pairs.shape[1], dtype=np.int8), tuple(pairs)), (num_nodes, num_nodes))
    return sp.csgraph.connected_components(graph, directed=False)[1]


def _factorise(row: np.ndarray, pairs: np.ndarray, weights: np.ndarray) -> tuple[sp.csc_array, np.ndarray, np.ndarray]:
    """Factorise the grounded Laplacian: strictly lower ``L``, diagonal ``D``, and where each row went."""
    size = int(row.max()) + 1
    degree = np.bincount(pairs.ravel(), np.tile(weights, 2), len(row))
    tail, head = row[pairs]
    inside = (tail >= 0) & (head >= 0)
    half = sp.coo_array((-weights[inside], (tail[inside], head[inside])), shape=(size, size))
    matrix = sp.csc_array(half + half.T + sp.diags_array(degree[row >= 0]))
    # The matrix is diagonally dominant, so pivots can stay on the diagonal and both factors share one sparsity.
    options = {"SymmetricMode": True, "Equil": False}
    try:
        factor = spla.splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    except RuntimeError as error:  # a pivot is 0
        raise _drowned(weights) from error
    if not np.array_equal(factor.perm_r, factor.perm_c):
        raise _drowned(weights)
    pivots = factor.U.diagonal()
    if not (pivots > 0).all():
        raise _drowned(weights)
    lower = sp.csc_array(sp.tril(factor.L, -1))
    lower.sort_indices()
    return lower, pivots, factor.perm_c
