"""Spanning forest first: connectivity is the last thing to go."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from wis.checks import check_count
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.registry import method


@method(source="Nagamochi and Ibaraki, sparse certificates (Algorithmica 1992), with random forests", seeded=True)
def rank(edges: EdgeList, *, seed: int | None = None, forests: int = 1) -> np.ndarray:
    """Random edges first, those of a random spanning forest last.

    Down to ``n - c`` edges the sparse graph has the ``c`` connected components of the graph. With ``forests`` above 1
    the second forest spans what the first leaves, and so on: ``k`` of them keep every cut of up to ``k`` edges whole.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the forests and of the order within and outside them; None makes fresh ones.
    forests
        Number of edge-disjoint spanning forests to keep longest, at least 1; the first found goes last.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(forests * m log m) time.

    Raises
    ------
    ValueError
        If ``forests`` is below 1, or the graph is directed.
    TypeError
        If ``forests`` is no integer.
    """
    require_undirected(edges, "spanning-forest")
    check_count("forests", forests, at_least=1)
    order = np.random.default_rng(seed).permutation(edges.num_pairs)
    kept: list[np.ndarray] = []
    for _ in range(forests):
        in_forest = spanning_forest(edges, order)
        kept.insert(0, order[in_forest])
        order = order[~in_forest]
    return np.concatenate([order, *kept])


def spanning_forest(edges: EdgeList, order: np.ndarray) -> np.ndarray:
    """Spanning forest that Kruskal's algorithm finds going through some pairs in their order.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    order
        int64 ``[k]``: positions of the pairs to choose from, first ones preferred.

    Returns
    -------
    numpy.ndarray
        bool ``[k]``: which entries of ``order`` are in the forest. O(k log k) time.
    """
    in_forest = np.zeros(len(order), dtype=bool)
    # SciPy takes a weight of 0 for no edge, so positions count from 1; float64 holds them exactly.
    position = np.arange(1, len(order) + 1, dtype=np.float64)
    graph = sp.coo_array((position, edges.pairs[:, order]), shape=(edges.num_nodes,) * 2).tocsr()
    if graph.nnz:
        in_forest[sp.csgraph.minimum_spanning_tree(graph).data.astype(np.int64) - 1] = True
    return in_forest
