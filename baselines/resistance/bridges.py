"""Bridges: edges on no cycle. Current has no other way, so the resistance of one is that of itself."""

from __future__ import annotations

import numpy as np

from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled


def find_bridges(edges: EdgeList) -> np.ndarray:
    """Find the edges whose removal disconnects their endpoints.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.

    Returns
    -------
    numpy.ndarray
        bool ``[m]``. O(n + m) time: Tarjan, *A note on finding the bridges of a graph* (1974), without recursion.
    """
    return _bridges(*build_csr(edges))


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
