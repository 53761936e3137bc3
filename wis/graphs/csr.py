"""Adjacency arrays for the kernels."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled


def build_csr(edges: EdgeList, *, reverse: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arcs of a graph, grouped by the vertex where they begin.

    Parameters
    ----------
    edges
        The pairs. An undirected pair gives two arcs, a directed one its own (or its reverse).
    reverse
        Group by the target of the pairs instead; makes no difference for undirected graphs.

    Returns
    -------
    tuple
        ``start`` int64 ``[n + 1]``, ``head`` int32 ``[arcs]`` and ``pair`` int32 ``[arcs]``: the arcs of ``x`` are
        those from ``start[x]`` to ``start[x + 1]``; ``head`` is sorted among them. O(n + m) time.
    """
    tail, head = edges.pairs[::-1] if reverse and edges.directed else edges.pairs
    check_size(edges.num_nodes, edges.num_pairs)
    both = not edges.directed
    start = np.zeros(edges.num_nodes + 2, dtype=np.int64)
    heads, pairs = np.empty((2, (1 + both) * edges.num_pairs), dtype=np.int32)
    _group(tail, head, both, start, heads, pairs)
    return start[:-1], heads, pairs


def check_size(num_nodes: int, num_pairs: int) -> None:
    """Raise ``OverflowError`` if the numbers of vertices or pairs do not fit into int32."""
    if max(num_nodes, num_pairs) >= 1 << 31:
        raise OverflowError(f"at most 2**31 - 1 vertices and pairs fit, got {num_nodes} and {num_pairs}")


@compiled
def _group(
    tail: np.ndarray, head: np.ndarray, both: bool, start: np.ndarray, heads: np.ndarray, pairs: np.ndarray
) -> None:
    m = len(tail)
    for e in range(m):
        start[tail[e] + 2] += 1
        if both:
            start[head[e] + 2] += 1
    for x in range(len(start) - 2):
        start[x + 2] += start[x + 1]
    if both:
        # Smaller neighbours first: pairs are sorted, so the arcs of every vertex come out sorted.
        for e in range(m):
            _put(start, heads, pairs, head[e], tail[e], e)
    for e in range(m):
        _put(start, heads, pairs, tail[e], head[e], e)


@compiled
def _put(start: np.ndarray, heads: np.ndarray, pairs: np.ndarray, x: int, y: int, e: int) -> None:
    at = start[x + 1]
    heads[at] = y
    pairs[at] = e
    start[x + 1] = at + 1
