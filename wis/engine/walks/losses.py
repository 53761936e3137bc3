"""What the removal of one edge costs each vertex: exact, from the edges around it only.

A walk that uses the edge ``{u, v}`` is split where it crosses it for the first time, so that it needs walks in the
graph without the edge up to there, and in the whole graph after it. With ``A`` the adjacency matrix, self-loops
included, and ``A_e`` the same without the edge, closed walks of length L at t lose (docs/engine.md, section 3)

    sum over k of (A_e^k)_tu (A^(L-1-k))_vt + (A_e^k)_tv (A^(L-1-k))_ut        (directed: the first product only),

and for walks to anywhere the second factor is the number of walks of length L-1-k from v (or u).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.keys import UNHARMFUL
from wis.graphs.csr import build_csr
from wis.graphs.edge_list import EdgeList
from wis.kernels import kernel

# What is lost: closed walks; walks to anywhere.
CLOSED, REACH = range(2)


class Graph(NamedTuple):
    """The graph that is left, as arrays; ``m`` pairs.

    Attributes
    ----------
    directed
        bool ``[1]``.
    tail, head
        int32 ``[m]``: the ends of the pairs.
    start, stop, to, pair
        Arcs out of vertex x: positions ``start[x]`` to ``stop[x]`` of ``to`` (the other end) and ``pair``.
    back_start, back_stop, back_to, back_pair
        Arcs into x; the same arrays if undirected.
    """

    directed: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    to: np.ndarray
    pair: np.ndarray
    back_start: np.ndarray
    back_stop: np.ndarray
    back_to: np.ndarray
    back_pair: np.ndarray


class Around(NamedTuple):
    """The vertices around one edge, and scratch space that is all zero between uses.

    Attributes
    ----------
    size
        int64 ``[1]``: number of vertices found.
    ball
        int32 ``[n]``: the vertices, nearest first.
    ring_end
        int64: how many of them are within each distance.
    distance
        int16 ``[n]``: distance to the edge plus 1; 0 outside.
    walks
        int64 ``[L, n, 2]``: walks of each length from every vertex to u, and to v (directed: from v).
    loss
        int64 ``[n]``: the result.
    avoiding
        int64 ``[L, 2]``: walks that avoid the edge, of one vertex at a time.
    ahead, is_ahead
        int32 and bool ``[n]``: vertices that are reached from v.
    """

    size: np.ndarray
    ball: np.ndarray
    ring_end: np.ndarray
    distance: np.ndarray
    walks: np.ndarray
    loss: np.ndarray
    avoiding: np.ndarray
    ahead: np.ndarray
    is_ahead: np.ndarray


def make_graph(edges: EdgeList) -> Graph:
    """Arrays of a graph from which arcs can be dropped."""
    start, to, pair = build_csr(edges)
    out = (start[:-1], start[1:].copy(), to, pair)
    back = out
    if edges.directed:
        back_start, back_to, back_pair = build_csr(edges, reverse=True)
        back = (back_start[:-1], back_start[1:].copy(), back_to, back_pair)
    tail, head = edges.pairs.astype(np.int32)
    return Graph(np.array([edges.directed]), tail, head, *out, *back)


def make_around(num_nodes: int, depth: int) -> Around:
    """Scratch space."""
    return Around(
        size=np.zeros(1, dtype=np.int64),
        ball=np.empty(num_nodes, dtype=np.int32),
        ring_end=np.empty(depth + 1, dtype=np.int64),
        distance=np.zeros(num_nodes, dtype=np.int16),
        walks=np.zeros((depth, num_nodes, 2), dtype=np.int64),
        loss=np.zeros(num_nodes, dtype=np.int64),
        avoiding=np.zeros((depth, 2), dtype=np.int64),
        ahead=np.empty(num_nodes, dtype=np.int32),
        is_ahead=np.zeros(num_nodes, dtype=np.bool_),
    )


@kernel
def drop_arcs(graph: Graph, e: int) -> None:
    """Remove a pair from the graph. O(degree) time."""
    u, v = graph.tail[e], graph.head[e]
    _drop_arc(graph.start, graph.stop, graph.to, graph.pair, u, e)
    _drop_arc(graph.back_start, graph.back_stop, graph.back_to, graph.back_pair, v, e)


@kernel
def _drop_arc(start: np.ndarray, stop: np.ndarray, to: np.ndarray, pair: np.ndarray, x: int, e: int) -> None:
    last = stop[x] - 1
    for at in range(start[x], stop[x]):
        if pair[at] == e:
            # From here on, the arcs of a vertex are in no order.
            to[at], to[last] = to[last], to[at]
            pair[at], pair[last] = pair[last], pair[at]
            break
    stop[x] = last


@kernel
def in_degree(graph: Graph, x: int) -> int:
    """Edges into x that are left; its degree if undirected."""
    return graph.back_stop[x] - graph.back_start[x]


@kernel
def clear(around: Around) -> None:
    """Make the scratch space zero again."""
    # Only what was written: the arrays are as large as the graph.
    for i in range(around.size[0]):
        x = around.ball[i]
        around.distance[x] = 0
        around.loss[x] = 0
        for k in range(around.walks.shape[0]):
            around.walks[k, x, 0] = 0
            around.walks[k, x, 1] = 0
    around.size[0] = 0


@kernel
def closed_losses(graph: Graph, e: int, value: np.ndarray, around: Around) -> None:
    """Fill ``around`` with the closed walks that each vertex loses with pair e."""
    if graph.directed[0]:
        _directed_closed_losses(graph, e, around)
    else:
        _undirected_closed_losses(graph, e, around)
    # A vertex without (in-)neighbours has walk index 0.
    u, v = graph.tail[e], graph.head[e]
    if in_degree(graph, v) == 1:
        around.loss[v] = value[v]
    if not graph.directed[0] and in_degree(graph, u) == 1:
        around.loss[u] = value[u]


@kernel
def _undirected_closed_losses(graph: Graph, e: int, around: Around) -> None:
    u, v = graph.tail[e], graph.head[e]
    walks = around.walks
    steps = walks.shape[0] - 1
    radius = steps // 2
    _find_ball(graph, u, v, radius, around)
    # An undirected walk to u is one from u: two kinds are enough for all factors.
    walks[0, u, 0] = 1
    walks[0, v, 1] = 1
    # To be on a closed walk, a vertex at distance d needs d steps there and d back: only d <= k <= steps - d counts.
    for k in range(1, steps + 1):
        for i in range(around.ring_end[min(k, steps - k)]):
            x = around.ball[i]
            to_u, to_v = walks[k - 1, x, 0], walks[k - 1, x, 1]
            for at in range(graph.start[x], graph.stop[x]):
                y = graph.to[at]
                to_u += walks[k - 1, y, 0]
                to_v += walks[k - 1, y, 1]
            walks[k, x, 0] = to_u
            walks[k, x, 1] = to_v
    for i in range(around.size[0]):
        t = around.ball[i]
        nearest = around.distance[t] - 1
        around.loss[t] = _sum_first_passages(walks, around.avoiding, t, u, v, nearest)


@kernel
def _sum_first_passages(walks: np.ndarray, avoiding: np.ndarray, t: int, u: int, v: int, nearest: int) -> int:
    """Closed walks at t over the edge, by how many steps k they take up to their first crossing."""
    steps = walks.shape[0] - 1
    total = 0
    # Fewer steps do not reach the edge, and more leave too few to come back.
    for k in range(nearest, steps - nearest + 1):
        to_u, to_v = walks[k, t, 0], walks[k, t, 1]
        # Not all walks to u avoid the edge: take off those that crossed it first at step j + 1, and walked on to u from
        # the other side.
        for j in range(nearest, k):
            to_u -= avoiding[j, 0] * walks[k - 1 - j, u, 1] + avoiding[j, 1] * walks[k - 1 - j, u, 0]
            to_v -= avoiding[j, 1] * walks[k - 1 - j, u, 1] + avoiding[j, 0] * walks[k - 1 - j, v, 1]
        avoiding[k, 0] = to_u
        avoiding[k, 1] = to_v
        total += to_u * walks[steps - k, t, 1] + to_v * walks[steps - k, t, 0]
    return total


@kernel
def _directed_closed_losses(graph: Graph, e: int, around: Around) -> None:
    """Vertices on a closed walk are within half its length of u (backwards) or of v (forwards)."""
    u, v = graph.tail[e], graph.head[e]
    walks = around.walks
    steps = walks.shape[0] - 1
    _find_ball(graph, u, u, steps // 2, around)
    size = around.size[0]
    for i in range(find_ahead(graph, v, steps // 2, around)):
        x = around.ahead[i]
        if around.distance[x] == 0:
            # Found, but at no distance that is asked for.
            around.distance[x] = steps + 2
            around.ball[size] = x
            size += 1
    around.size[0] = size
    walks[0, u, 0] = 1
    walks[0, v, 1] = 1
    for k in range(1, steps + 1):
        for i in range(size):
            x = around.ball[i]
            to_u, from_v = walks[k - 1, x, 0], walks[k - 1, x, 1]
            for at in range(graph.start[x], graph.stop[x]):
                to_u += walks[k - 1, graph.to[at], 0]
            for at in range(graph.back_start[x], graph.back_stop[x]):
                from_v += walks[k - 1, graph.back_to[at], 1]
            walks[k, x, 0] = to_u
            walks[k, x, 1] = from_v
    avoiding = around.avoiding
    for i in range(size):
        t = around.ball[i]
        total = 0
        for k in range(steps + 1):
            to_u = walks[k, t, 0]
            for j in range(k):
                to_u -= avoiding[j, 0] * walks[k - 1 - j, v, 0]
            avoiding[k, 0] = to_u
            total += to_u * walks[steps - k, t, 1]
        around.loss[t] = total


@kernel
def _find_ball(graph: Graph, u: int, v: int, radius: int, around: Around) -> None:
    """Vertices from which u or v is at most ``radius`` steps away, ring by ring."""
    around.ball[0] = u
    around.distance[u] = 1
    size = 1
    # Directed balls begin at u alone.
    if v != u:
        around.ball[1] = v
        around.distance[v] = 1
        size = 2
    around.ring_end[0] = size
    first = 0
    for ring in range(1, radius + 1):
        last = size
        for i in range(first, last):
            x = around.ball[i]
            for at in range(graph.back_start[x], graph.back_stop[x]):
                y = graph.back_to[at]
                # Zero means not found; `clear` makes it so again.
                if around.distance[y] == 0:
                    around.distance[y] = ring + 1
                    around.ball[size] = y
                    size += 1
        first = last
        around.ring_end[ring] = size
    around.size[0] = size


@kernel
def find_ahead(graph: Graph, v: int, radius: int, around: Around) -> int:
    """Fill ``around.ahead`` with the vertices at most ``radius`` steps from v; return how many there are."""
    around.ahead[0] = v
    around.is_ahead[v] = True
    size = 1
    first = 0
    for _ in range(radius):
        last = size
        for i in range(first, last):
            x = around.ahead[i]
            for at in range(graph.start[x], graph.stop[x]):
                y = graph.to[at]
                if not around.is_ahead[y]:
                    around.is_ahead[y] = True
                    around.ahead[size] = y
                    size += 1
        first = last
    # Taken back at once: these marks serve other sets as well.
    for i in range(size):
        around.is_ahead[around.ahead[i]] = False
    return size


@kernel
def reach_losses(graph: Graph, e: int, reach: np.ndarray, around: Around) -> None:
    """Fill ``around`` with the walks to anywhere that each vertex loses with pair e.

    ``reach[x, j]`` is the number of walks of length j from x, up to j = L.
    """
    u, v = graph.tail[e], graph.head[e]
    directed = graph.directed[0]
    length = around.walks.shape[0]
    _find_ball(graph, u, u if directed else v, length - 1, around)
    walks = around.walks
    walks[0, u, 0] = 1
    if not directed:
        walks[0, v, 1] = 1
    for k in range(1, length):
        # Vertices further away have no walk of this length to pass on; and none is passed on over the edge itself.
        for i in range(around.ring_end[k - 1]):
            x = around.ball[i]
            to_u, to_v = walks[k - 1, x, 0], walks[k - 1, x, 1]
            walks[k, x, 0] += to_u
            walks[k, x, 1] += to_v
            for at in range(graph.back_start[x], graph.back_stop[x]):
                if graph.back_pair[at] != e:
                    y = graph.back_to[at]
                    walks[k, y, 0] += to_u
                    walks[k, y, 1] += to_v
    for i in range(around.size[0]):
        t = around.ball[i]
        loss = reach_loss(graph, e, reach, around, t, length)
        isolated = in_degree(graph, t) == 0
        cut_off = in_degree(graph, t) == 1 and (t == v or (t == u and not directed))
        # Without (in-)neighbours, t is not in its own boundary: walks that stay at t in their first step do not count.
        if isolated or cut_off:
            loss -= reach_loss(graph, e, reach, around, t, length - 1)
        if cut_off:
            loss += reach[t, length - 1]
        around.loss[t] = loss
    # v loses its last edge into it without being on a walk to u: what it loses are the walks that stay in their first
    # step.
    if directed and around.distance[v] == 0 and in_degree(graph, v) == 1:
        around.ball[around.size[0]] = v
        around.size[0] += 1
        around.distance[v] = length + 1
        around.loss[v] = reach[v, length - 1]


@kernel
def reach_loss(graph: Graph, e: int, reach: np.ndarray, around: Around, t: int, length: int) -> int:
    """Walks of a length from t that use pair e, given the walks of ``reach_losses``."""
    u, v = graph.tail[e], graph.head[e]
    total = 0
    for k in range(length):
        total += around.walks[k, t, 0] * reach[v, length - 1 - k] + around.walks[k, t, 1] * reach[u, length - 1 - k]
    return total


@kernel
def collect_values(
    around: Around, value: np.ndarray, is_target: np.ndarray, old: np.ndarray, new: np.ndarray
) -> tuple[int, int, int]:
    """Fill ``old`` and ``new`` with the values, before and after, of the targets that lose walks.

    Returns how many there are, the smallest new one, and where in the ball the first vertex with it is (-1: none).
    """
    affected = 0
    first = UNHARMFUL
    nearest = -1
    for i in range(around.size[0]):
        t = around.ball[i]
        loss = around.loss[t]
        # Losses are kept for all vertices, as the removal lowers the values of all.
        if loss > 0 and is_target[t]:
            old[affected] = value[t]
            new[affected] = value[t] - loss
            if new[affected] < first:
                first = new[affected]
                nearest = i
            affected += 1
    return affected, first, nearest
