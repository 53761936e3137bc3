"""Spanning forests, and what it takes to keep a sparse graph connected."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList


def spanning_forest(edges: EdgeList, order: np.ndarray) -> np.ndarray:
    """Spanning forest that Kruskal's algorithm finds going through some pairs in their order.

    Parameters
    ----------
    edges
        The pairs of a graph; the direction of ordered pairs does not matter.
    order
        int64 ``[k]``: positions of the pairs to choose from, first ones preferred.

    Returns
    -------
    numpy.ndarray
        bool ``[k]``: which entries of ``order`` are in the forest. O(k log k) time.
    """
    import scipy.sparse as sp

    in_forest = np.zeros(len(order), dtype=bool)
    tail, head = edges.pairs[:, order]
    # SciPy takes a weight of 0 for no edge, so positions count from 1; float64 holds them exactly.
    position = np.arange(1, len(order) + 1, dtype=np.float64)
    graph = sp.coo_array((position, (tail, head)), shape=(edges.num_nodes,) * 2).tocsr()
    if graph.nnz:
        in_forest[sp.csgraph.minimum_spanning_tree(graph).data.astype(np.int64) - 1] = True
    return in_forest


def heaviest_first(edges: EdgeList, order: np.ndarray) -> np.ndarray:
    """Positions of pairs sorted by falling weight; those of equal weight, or all without weights, stay as they are."""
    if edges.weights is None:
        return order
    return order[np.argsort(-edges.weights[order], kind="stable")]


def forest_last(edges: EdgeList, ranking: np.ndarray) -> np.ndarray:
    """Move a spanning forest to the end of a removal order, so that components stay whole as long as they can.

    Of all spanning forests it is the one whose edges the order removes last. Within the forest and without, the order
    stays as it is.

    Parameters
    ----------
    edges
        The pairs of a graph; the direction of ordered pairs does not matter.
    ranking
        int64 permutation of ``range(m)``, first removed first.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(m)``. O(m log m) time.
    """
    in_forest = spanning_forest(edges, ranking[::-1])[::-1]
    return np.concatenate([ranking[~in_forest], ranking[in_forest]])
