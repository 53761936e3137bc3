"""The disparity filter: an edge stays if it carries more of a vertex's weight than chance would give it."""

from __future__ import annotations

import numpy as np
from wis.baselines.weights import require_weights, summable

from wis.graphs.edge_list import EdgeList
from wis.registry import method


@method(
    source="Serrano, Boguñá and Vespignani, Extracting the multiscale backbone of complex weighted networks (PNAS "
    "2009), equation 2",
    reads_weights=True,
)
def rank(edges: EdgeList) -> np.ndarray:
    """Remove first the edges whose weight chance explains best, at either end.

    If the ``k`` edges of a vertex divided its weight at random (uniformly on the simplex), the share of one would be
    ``x`` or more with probability ``(1 - x) ** (k - 1)`` (equation 2 of the paper). The p-value of an edge is the
    smaller one of its two ends, so that an edge stays which matters to either. An end of degree 1 says nothing: its
    p-value is 1. The backbone at level ``alpha`` of the paper is the edges with p-values below ``alpha``, which are
    removed last.

    Parameters
    ----------
    edges
        The pairs of a graph with weights. Directed: among the edges out of the source, and those into the target.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. Of equal p-values the lighter edge goes
        first, then canonical order decides. O(m log m) time.

    Raises
    ------
    ValueError
        If the graph has no weights.
    """
    weights = require_weights(edges, "disparity")
    return np.lexsort((weights, -_log_p_values(edges, summable(weights)).min(axis=0)))


def _log_p_values(edges: EdgeList, weights: np.ndarray) -> np.ndarray:
    """Logarithms of the p-values at both ends, which may be too small for numbers: float64 ``[2, m]``."""
    # The ends of undirected pairs share their vertices; sources and targets of directed ones are two sets.
    ends = edges.pairs + edges.num_nodes * np.array([[0], [int(edges.directed)]])
    degree = np.bincount(ends.ravel())[ends] if edges.num_pairs else ends
    total = np.bincount(ends.ravel(), np.tile(weights, 2))[ends] if edges.num_pairs else ends
    # An edge with more than half of the weight of an end, of which there is one at most, would cancel the others in a
    # difference: these are added up.
    heavy = 2 * np.tile(weights, (2, 1)) > total
    others = np.bincount(ends.ravel(), np.where(heavy, 0.0, weights).ravel())[ends] if edges.num_pairs else ends
    with np.errstate(divide="ignore", invalid="ignore"):
        log_rest = np.where(heavy, np.log(others / total), np.log1p(-weights / total))
        return np.where(degree > 1, (degree - 1) * log_rest, 0.0)
