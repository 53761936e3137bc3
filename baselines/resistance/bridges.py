"""Bridges, and the 2-edge-connected parts that are left without them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from wis.kernels import compiled


def find_bridges(num_nodes: int, pairs: np.ndarray) -> np.ndarray:
    """Find the edges whose removal disconnects their endpoints.

    Parameters
    ----------
    num_nodes
        Number of vertices ``n``.
    pairs
        int64 ``[2, m]``, each undirected pair once.

    Returns
    -------
    numpy.ndarray
        bool ``[m]``. O(n + m) time: Tarjan, *A note on finding the bridges of a graph* (1974), without recursion.
    """
    indptr, neighbour, edge = adjacency(num_nodes, pairs)
    return _bridges(indptr, neighbour, edge)


def adjacency(num_nodes: int, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compressed rows of an undirected graph: ``indptr [n + 1]``, ``neighbour [2m]`` and ``edge [2m]``, all int64.

    Rows are sorted, by neighbour and by edge alike, if the pairs are in canonical order.
    """
    num_pairs = pairs.shape[1]
    rows = np.concatenate([pairs[1], pairs[0]])
    order = np.argsort(rows, kind="stable")
    indptr = np.zeros(num_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=num_nodes), out=indptr[1:])
    neighbour = np.concatenate([pairs[0], pairs[1]])[order]
    edge = order % max(num_pairs, 1)
    return indptr, neighbour, edge


def connected_parts(num_nodes: int, pairs: np.ndarray) -> tuple[int, np.ndarray]:
    """Number of connected components, and the component of every vertex (int32 ``[n]``)."""
    graph = sp.coo_array((np.ones(pairs.shape[1], dtype=np.int8), (pairs[0], pairs[1])), (num_nodes, num_nodes))
    return sp.csgraph.connected_components(graph, directed=False)


@compiled
def _bridges(indptr: np.ndarray, neighbour: np.ndarray, edge: np.ndarray) -> np.ndarray:
    num_nodes = len(indptr) - 1
    bridge = np.zeros(len(edge) // 2, dtype=np.bool_)
    entered = np.full(num_nodes, -1, dtype=np.int64)  # time of the first visit
    low = np.empty(num_nodes, dtype=np.int64)  # earliest vertex reachable by at most one back edge
    parent_edge = np.full(num_nodes, -1, dtype=np.int64)
    cursor = indptr[:-1].copy()
    stack = np.empty(num_nodes, dtype=np.int64)
    clock = 0
    for root in range(num_nodes):
        if entered[root] >= 0:
            continue
        stack[0] = root
        depth = 1
        entered[root] = low[root] = clock
        clock += 1
        while depth > 0:
            u = stack[depth - 1]
            if cursor[u] < indptr[u + 1]:
                v, e = neighbour[cursor[u]], edge[cursor[u]]
                cursor[u] += 1
                if e == parent_edge[u]:
                    continue
                if entered[v] >= 0:
                    low[u] = min(low[u], entered[v])
                    continue
                parent_edge[v] = e
                entered[v] = low[v] = clock
                clock += 1
                stack[depth] = v
                depth += 1
                continue
            depth -= 1
            if depth > 0:
                above = stack[depth - 1]
                low[above] = min(low[above], low[u])
                bridge[parent_edge[u]] = low[u] > entered[above]
    return bridge
