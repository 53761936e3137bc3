"""What the methods that rank edges by their weights need."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList


def require_weights(edges: EdgeList, method: str) -> np.ndarray:
    """The weights of the pairs, float64 ``[m]``; ``ValueError`` with a way out if there are none."""
    if edges.weights is None and edges.num_pairs:
        raise ValueError(
            f"method {method!r} ranks edges by their weights, and this graph has none; pass a graph with edge weights "
            "(edge_weight of a PyG Data, weight of a NetworkX graph, entries of a sparse matrix, of a file the column "
            "that weight= or --weight names), or choose a method that needs none, as 'wis'"
        )
    return np.zeros(0) if edges.weights is None else edges.weights
