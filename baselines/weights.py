"""What the methods that rank edges by their weights need."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList

# The exponent that the largest weight gets: sums of any number of such weights are finite.
_EXPONENT = 500


def require_weights(edges: EdgeList, method: str) -> np.ndarray:
    """The weights of the pairs, float64 ``[m]``; ``ValueError`` with a way out if there are none."""
    if edges.weights is None and edges.num_pairs:
        raise ValueError(
            f"method {method!r} ranks edges by their weights, and this graph has none; pass a graph with edge weights "
            "(edge_weight of a PyG Data, weight of a NetworkX graph, entries of a sparse matrix, of a file the column "
            "that weight= or --weight names), or choose a method that needs none, as 'wis'"
        )
    return np.zeros(0) if edges.weights is None else edges.weights


def summable(weights: np.ndarray) -> np.ndarray:
    """Weights in a unit in which neither their sums nor their inverses are too large for float64.

    For methods that do not depend on the unit. The new unit is a power of two, so that no digit changes; weights that
    have the right size stay as they are. One below ``2 ** -1522`` of the largest counts as so much.

    Parameters
    ----------
    weights
        float64 ``[m]``, positive.
    """
    shift = unit_shift(weights)
    return weights if shift is None else np.maximum(np.ldexp(weights, shift), np.finfo(np.float64).tiny)


def unit_shift(weights: np.ndarray) -> int | None:
    """The power of two that :func:`summable` multiplies weights by; None if it leaves them as they are."""
    if not len(weights) or (weights.max() < 2.0**_EXPONENT and weights.min() > 2.0**-_EXPONENT):
        return None
    return _EXPONENT - int(np.frexp(weights.max())[1])
