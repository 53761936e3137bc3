"""Walk counts of a whole graph, exact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.engine.triangles.listing import count_triangles, walk_indices
from wis.graphs.csr import build_csr
from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled

# Walk counts stay at or below half of what int64 holds, so that sums of two fit as well.
_COUNT_LIMIT = 1 << 62


def closed_walks(edges: EdgeList, depth: int) -> np.ndarray:
    """The walk index ``WI_{L-1,t}({t})`` of every vertex: its closed walks of length ``depth``.

    Parameters
    ----------
    edges
        The pairs of the graph.
    depth
        Depth ``L >= 2``.

    Returns
    -------
    np.ndarray
        int64 ``[n]``: ``(A^L)_tt`` with self-loops in ``A``, and 0 where ``t`` has no neighbour (directed: no in-edge).

    Raises
    ------
    OverflowError
        If a count could pass 2**62.

    Notes
    -----
    Undirected depth 2 is ``1 + d``, depth 3 is ``1 + 3 d + 2 t`` with ``t`` triangles. Beyond that a walk is two halves
    that meet: O(sum over t of the edges within distance ``L/2`` of t) time, O(n) memory.
    """
    depth = check_count("depth", depth, at_least=2)
    check_overflow(edges, depth)
    if depth == 3 and not edges.directed:
        return walk_indices(edges.num_nodes, *edges.pairs, count_triangles(edges))
    start, head, _ = build_csr(edges)
    if edges.directed:
        back_start, back_head, _ = build_csr(edges, reverse=True)
        counts = _meet_in_the_middle(start, head, back_start, back_head, depth, True)
        counts[np.diff(back_start) == 0] = 0
        return counts
    degree = np.diff(start)
    counts = 1 + degree if depth == 2 else _meet_in_the_middle(start, head, start, head, depth, False)
    counts[degree == 0] = 0
    return counts


def walk_index(edges: EdgeList, subset: Iterable[int], depth: int, target: int | None = None) -> int:
    """The walk index of a subset, by its definition.

    Parameters
    ----------
    edges
        The pairs of the graph.
    subset
        The vertices of ``I``; repeats count once.
    depth
        Depth ``L >= 1``: walks have length ``L - 1``.
    target
        Count the walks that end at this vertex; None: all of them.

    Returns
    -------
    int
        Number of walks of length ``L - 1``, self-loops allowed, from the boundary of ``I``. Exact, of any size.

    Notes
    -----
    Definition 2 of Razin, Verbin, Cohen (NeurIPS 2023). O(L m) time.
    """
    depth = check_count("depth", depth, at_least=1)
    inside = members("subset", subset, edges.num_nodes)
    if target is not None:
        target = check_vertex("target", target, edges.num_nodes)
    walks = boundary(edges, inside).astype(np.int64)
    for _ in range(depth - 1):
        if int(walks.max(initial=0)) * (edges.num_nodes + 1) > np.iinfo(np.int64).max:
            # Numbers of Python, which grow as they must.
            walks = walks.astype(object)
        walks = sum_over_neighbours(edges, walks)
    return int(walks.astype(object).sum() if target is None else walks[target])


def boundary(edges: EdgeList, inside: np.ndarray) -> np.ndarray:
    """The boundary of a subset, bool ``[n]``: both ends of every crossing edge; if directed, only where it ends."""
    tail, head = edges.pairs
    crossing = inside[tail] != inside[head]
    at_boundary = np.zeros(edges.num_nodes, dtype=bool)
    at_boundary[head[crossing]] = True
    if not edges.directed:
        at_boundary[tail[crossing]] = True
    return at_boundary


def check_overflow(edges: EdgeList, depth: int, objective: str = "vertex") -> None:
    """Raise ``OverflowError`` if a walk count of this graph could pass 2**62.

    The bound is the largest number of walks of length ``depth - 1`` (``depth`` for graph prediction) from any vertex:
    a closed walk of length ``depth`` is one of them and a last step back. O(m * depth) time; O(1) where the bound is
    obviously kept.
    """
    length = depth if objective == "graph" else depth - 1
    m = edges.num_pairs
    if (min(edges.num_nodes, m + 1)) ** length <= _COUNT_LIMIT:
        return
    # Far from the limit, rounding does not matter; close to it, or above, the exact numbers are worth a copy.
    if isinstance(edges, DeviceEdgeList) and edges.most_walks(length) < _COUNT_LIMIT / 2:
        return
    walks = saturated_walks(edges, length, _COUNT_LIMIT)
    vertex = int(np.argmax(walks))
    if walks[vertex] > _COUNT_LIMIT:
        degree = int(np.count_nonzero(edges.pairs == vertex))
        raise OverflowError(
            f"depth={depth} is too large for this graph: from vertex {vertex}, of degree {degree}, there are more than "
            f"2**62 walks of length {length}, which exact 64-bit counts cannot hold; use a smaller depth"
        )


def saturated_walks(edges: EdgeList, length: int, ceiling: int) -> np.ndarray:
    """Number of walks of a length from every vertex, int64 ``[n]``; ``ceiling + 1`` wherever it is larger than that.

    O(length * m) time.
    """
    start, head, _ = build_csr(edges)
    return _saturated_walks(start, head, length, ceiling)


def walks_by_length(edges: EdgeList, length: int) -> np.ndarray:
    """Number of walks of every length up to ``length`` from every vertex: int64 ``[n, length + 1]``."""
    start, head, _ = build_csr(edges)
    walks = np.ones((edges.num_nodes, length + 1), dtype=np.int64)
    _fill_walks(start, head, walks)
    return walks


def members(name: str, vertices: Any, num_nodes: int) -> np.ndarray:
    """Bool ``[n]``: which vertices an argument lists; errors name it."""
    if isinstance(vertices, str) or not isinstance(vertices, Iterable):
        raise TypeError(f"{name} must be a collection of vertex indices, got {vertices!r}")
    inside = np.zeros(num_nodes, dtype=np.bool_)
    for vertex in vertices:
        inside[check_vertex(name, vertex, num_nodes)] = True
    return inside


def check_vertex(name: str, vertex: object, num_nodes: int) -> int:
    """Return the index of a vertex as an int, or raise an error that names the argument."""
    index = check_count(name, vertex)
    if index >= num_nodes:
        raise ValueError(f"{name} has vertex {index}; the graph has {num_nodes} vertices, numbered from 0")
    return index


def sum_over_neighbours(edges: EdgeList, values: np.ndarray) -> np.ndarray:
    """For every vertex, the sum over itself and its (in-)neighbours: an array like ``values`` ``[n, ...]``.

    Of walks that end at each vertex, those that are one step longer. O(m) time.
    """
    tail, head = edges.pairs
    total = values.copy()
    np.add.at(total, head, values[tail])
    if not edges.directed:
        np.add.at(total, tail, values[head])
    return total


@compiled
def _saturated_walks(start: np.ndarray, head: np.ndarray, length: int, ceiling: int) -> np.ndarray:
    n = len(start) - 1
    walks = np.ones(n, dtype=np.int64)
    for _ in range(length):
        longer = walks.copy()
        for x in range(n):
            for at in range(start[x], start[x + 1]):
                more = walks[head[at]]
                # Compared before the sum is made, which could overflow.
                longer[x] = longer[x] + more if longer[x] <= ceiling - more else ceiling + 1
        walks = longer
    return walks


@compiled
def _fill_walks(start: np.ndarray, head: np.ndarray, walks: np.ndarray) -> None:
    for j in range(1, walks.shape[1]):
        for x in range(len(start) - 1):
            total = walks[x, j - 1]
            for at in range(start[x], start[x + 1]):
                total += walks[head[at], j - 1]
            walks[x, j] = total


@compiled
def _meet_in_the_middle(
    start: np.ndarray, head: np.ndarray, back_start: np.ndarray, back_head: np.ndarray, depth: int, directed: bool
) -> np.ndarray:
    """Closed walks of every vertex: walks of half the length out, one step if the length is odd, and half back."""
    n = len(start) - 1
    out = np.zeros(n, dtype=np.int64)
    back = np.zeros(n, dtype=np.int64)
    ball = np.empty(n, dtype=np.int64)
    back_ball = np.empty(n, dtype=np.int64)
    next_out = np.zeros(n, dtype=np.int64)
    counts = np.zeros(n, dtype=np.int64)
    for t in range(n):
        size = _spread(start, head, t, depth // 2, out, next_out, ball)
        if directed:
            back_size = _spread(back_start, back_head, t, depth // 2, back, next_out, back_ball)
        meeting = back if directed else out
        total = 0
        for i in range(size):
            x = ball[i]
            arrive = meeting[x]
            # The step in the middle, also from x to itself.
            if depth % 2 == 1:
                for at in range(start[x], start[x + 1]):
                    arrive += meeting[head[at]]
            total += out[x] * arrive
        counts[t] = total
        for i in range(size):
            # Only what was written is made zero again: the ball may be much smaller than the graph.
            out[ball[i]] = 0
        if directed:
            for i in range(back_size):
                back[back_ball[i]] = 0
    return counts


@compiled
def _spread(
    start: np.ndarray,
    head: np.ndarray,
    source: int,
    length: int,
    walks: np.ndarray,
    longer: np.ndarray,
    ball: np.ndarray,
) -> int:
    """Fill ``walks`` with the walks of a length from the source; return how many vertices of ``ball`` they reach."""
    walks[source] = 1
    ball[0] = source
    size = 1
    for _ in range(length):
        inner = size
        for i in range(inner):
            x = ball[i]
            longer[x] += walks[x]
            for at in range(start[x], start[x + 1]):
                y = head[at]
                # Reached for the first time: all counts are positive.
                if walks[y] == 0 and longer[y] == 0:
                    ball[size] = y
                    size += 1
                longer[y] += walks[x]
        for i in range(size):
            x = ball[i]
            walks[x] = longer[x]
            longer[x] = 0
    return size
