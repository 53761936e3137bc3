"""K-Neighbor: every vertex keeps a few of its edges, whatever its degree."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import method


@method(
    source="Sadhanala, Wang and Tibshirani, Graph sparsification approaches for Laplacian smoothing (2016)", seeded=True
)
def k_neighbor(edges: EdgeList, *, seed: int | None = None) -> np.ndarray:
    """Every vertex keeps ``k`` random edges of its own; an edge stays if either end keeps it.

    For one ``k`` this is the paper's sparsifier. Here ``k`` falls from the largest degree to 0, with every vertex
    dropping its edges in one random order, which makes the sparse graphs nested: an edge has the rank that it has at
    the end where it stays longer, and edges of equal rank are removed in random order.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the random orders; None makes fresh ones.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(m log m) time.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    require_undirected(edges, "k-neighbor")
    rng = np.random.default_rng(seed)
    ends = edges.pairs.ravel()
    by_end = np.lexsort((rng.random(len(ends)), ends))
    start = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=edges.num_nodes))])
    rank = np.empty(len(ends), dtype=np.int64)
    rank[by_end] = np.arange(len(ends)) - start[ends[by_end]]
    stays = np.minimum(*rank.reshape(2, -1))
    return np.lexsort((rng.random(edges.num_pairs), -stays))
