"""Walk counts of a whole graph, exact."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from wis.checks import check_count
from wis.engine.rank import check_overflow
from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled


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
    start, head, _ = build_csr(edges)
    if edges.directed:
        back_start, back_head, _ = build_csr(edges, reverse=True)
        counts = _meet_in_the_middle(start, head, back_start, back_head, depth, True)
        counts[np.diff(back_start) == 0] = 0
        return counts
    degree = np.diff(start)
    if depth == 2:
        counts = 1 + degree
    elif depth == 3:
        counts = 1 + 3 * degree + 2 * _triangles(start, head)
    else:
        counts = _meet_in_the_middle(start, head, start, head, depth, False)
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
    depth = check_count("depth", depth)
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    if not isinstance(subset, Iterable):
        raise TypeError(f"subset must be a collection of vertex indices, got {subset!r}")
    inside = np.zeros(edges.num_nodes, dtype=bool)
    for vertex in subset:
        inside[_check_vertex("subset", vertex, edges.num_nodes)] = True
    if target is not None:
        target = _check_vertex("target", target, edges.num_nodes)
    walks = boundary(edges, inside).astype(np.int64)
    for _ in range(depth - 1):
        if int(walks.max(initial=0)) * (edges.num_nodes + 1) > np.iinfo(np.int64).max:
            walks = walks.astype(object)
        walks = _step(edges, walks)
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


def _check_vertex(name: str, vertex: object, num_nodes: int) -> int:
    index = check_count(name, vertex)
    if index >= num_nodes:
        raise ValueError(f"{name} has vertex {index}; vertices are numbered from 0 to {num_nodes - 1}")
    return index


def _step(edges: EdgeList, walks: np.ndarray) -> np.ndarray:
    """Walks one step longer that end at each vertex."""
    tail, head = edges.pairs
    longer = walks.copy()
    np.add.at(longer, head, walks[tail])
    if not edges.directed:
        np.add.at(longer, tail, walks[head])
    return longer


@compiled
def _saturated_walks(start: np.ndarray, head: np.ndarray, length: int, ceiling: int) -> np.ndarray:
    n = len(start) - 1
    walks = np.ones(n, dtype=np.int64)
    for _ in range(length):
        longer = walks.copy()
        for x in range(n):
            for at in range(start[x], start[x + 1]):
                more = walks[head[at]]
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
def _triangles(start: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Triangles at every vertex: each is found once, from its vertex of the highest rank by (degree, number)."""
    n = len(start) - 1
    count = np.zeros(n, dtype=np.int64)
    below_end = np.empty(n, dtype=np.int64)
    below = np.empty(len(head) // 2, dtype=np.int32)
    total = 0
    for x in range(n):
        degree = start[x + 1] - start[x]
        for at in range(start[x], start[x + 1]):
            y = head[at]
            other = start[y + 1] - start[y]
            if other > degree or (other == degree and y > x):
                below[total] = y
                total += 1
        below_end[x] = total
    marked = np.full(n, -1, dtype=np.int64)
    for x in range(n):
        first = below_end[x - 1] if x > 0 else 0
        for at in range(first, below_end[x]):
            marked[below[at]] = x
        for at in range(first, below_end[x]):
            y = below[at]
            for third in range(below_end[y - 1] if y > 0 else 0, below_end[y]):
                z = below[third]
                if marked[z] == x:
                    count[x] += 1
                    count[y] += 1
                    count[z] += 1
    return count


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
            if depth % 2 == 1:
                for at in range(start[x], start[x + 1]):
                    arrive += meeting[head[at]]
            total += out[x] * arrive
        counts[t] = total
        for i in range(size):
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
                if walks[y] == 0 and longer[y] == 0:
                    ball[size] = y
                    size += 1
                longer[y] += walks[x]
        for i in range(size):
            x = ball[i]
            walks[x] = longer[x]
            longer[x] = 0
    return size
