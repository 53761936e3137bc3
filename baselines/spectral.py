"""Spectral sparsification: edges of large weight times effective resistance matter most to the Laplacian.

Spielman and Srivastava, *Graph Sparsification by Effective Resistances* (SIAM J. Comput. 2011, arXiv:0803.0929).
Two laws draw edges with probabilities proportional to ``w R``, weight times resistance (the resistance itself, where
all weights are 1): without replacement (an order, as in the WIS paper), and with replacement and reweighted (the
textbook's, whose Laplacian approximates that of the graph).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from wis.baselines.draws import draw_order, draw_weighted
from wis.baselines.resistance import effective_resistances
from wis.baselines.resistance.solve import check_options
from wis.baselines.weights import summable

from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import method


@method(
    source="Spielman and Srivastava (2011, arXiv:0803.0929); law of Razin et al. (2023, arXiv:2211.16494)",
    seeded=True,
    reads_weights=True,
    check=check_options,
    devices=("cpu", "cuda"),
)
def rank(
    edges: EdgeList,
    *,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    solver: str = "auto",
    k: int = 256,
    tol: float = 1e-2,
) -> np.ndarray:
    """Keep edges of large effective resistance: random draws without replacement.

    Edges are drawn one after the other, each with probability proportional to its weight times its resistance among
    those left. The edges drawn first are the ones to keep, so the order of removal is that of the draws, reversed.

    Parameters
    ----------
    edges
        An undirected graph.
    seed
        Seed of the draws and the projections; None makes fresh ones.
    device, progress, solver, k, tol
        As for :func:`wis.baselines.resistance.effective_resistances`.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first.

    Raises
    ------
    ValueError
        If the graph is directed or an option is out of range.
    """
    require_undirected(edges, "spectral")
    rates, random = _rates(edges, seed, solver=solver, k=k, tol=tol, device=device, progress=progress)
    return draw_order(rates, random)


@method(
    source="Spielman and Srivastava (2011, arXiv:0803.0929), algorithm Sparsify",
    seeded=True,
    reads_weights=True,
    check=check_options,
    devices=("cpu", "cuda"),
)
def reweighted(
    edges: EdgeList,
    num_keep: int,
    *,
    seed: int | None = None,
    device: str = "auto",
    progress: bool = False,
    solver: str = "auto",
    k: int = 256,
    tol: float = 1e-2,
) -> tuple[np.ndarray, np.ndarray]:
    """Spectral sparsification with weights that estimate the graph's Laplacian without bias.

    Each draw takes an edge with probability proportional to its weight times its resistance, until ``num_keep``
    distinct edges have been seen. The paper fixes the number of draws instead, so that its budget varies (Theorem 1);
    to an exact budget belong other factors, see :func:`wis.baselines.draws.draw_weighted`.

    Parameters
    ----------
    edges
        An undirected graph.
    num_keep
        Number of pairs to keep.
    seed
        Seed of the draws and the projections; None makes fresh ones.
    device, progress, solver, k, tol
        As for :func:`wis.baselines.resistance.effective_resistances`.

    Returns
    -------
    tuple
        bool ``[m]``, the pairs kept, and float64 ``[m]``, what multiplies their weights, 0 for the others; on average
        1.

    Raises
    ------
    ValueError
        If the graph is directed or an option is out of range.
    """
    require_undirected(edges, "spectral-reweighted")
    rates, random = _rates(edges, seed, solver=solver, k=k, tol=tol, device=device, progress=progress)
    return draw_weighted(rates, num_keep, random)


def _rates(edges: EdgeList, seed: int | None, **options: Any) -> tuple[np.ndarray, np.random.Generator]:
    """Weights times resistances, and the source of the draws, whose seed is not that of the projections."""
    draws, projections = np.random.SeedSequence(seed).generate_state(2, np.uint64).tolist()
    if edges.weights is None:
        return effective_resistances(edges, seed=projections, **options), np.random.default_rng(draws)
    weights = summable(edges.weights)
    weighted = EdgeList(edges.num_nodes, edges.pairs, weights=weights)
    return weights * effective_resistances(weighted, seed=projections, **options), np.random.default_rng(draws)
