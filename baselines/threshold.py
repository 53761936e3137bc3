"""Threshold: the heaviest edges stay."""

from __future__ import annotations

import numpy as np
from wis.baselines.weights import require_weights

from wis.graphs.edge_list import EdgeList
from wis.registry import method


@method(
    source="global threshold on the weights; the baseline of Serrano, Boguñá and Vespignani (2009)", reads_weights=True
)
def rank(edges: EdgeList) -> np.ndarray:
    """Remove light edges before heavy ones.

    Parameters
    ----------
    edges
        The pairs of a graph with weights; directed or not.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first; equal weights in canonical order.
        O(m log m) time.

    Raises
    ------
    ValueError
        If the graph has no weights.
    """
    return np.argsort(require_weights(edges, "threshold"), kind="stable")
