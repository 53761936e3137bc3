"""Losses of closed walks of length 4 in undirected graphs, from common neighbours that are kept up to date.

Closed walks of length 4 at t number ``1 + 6 d + 8 triangles + sum over x of common(t, x)^2``, where ``common(t, t)`` is
the degree d. Without the edge ``{u, v}``, u and each neighbour of v have one common neighbour less, and so v and each
neighbour of u. Hence

    t next to u:         2 common(t, v) - 1, and 8 more if t is next to v too      (and the same with u and v swapped)
    u itself:            6 + 8 common(u, v) + 2 d_u - 1 + sum over x next to v of (2 common(u, x) - 1)

The pairs at distance two are numbered once. For every vertex x a square block of these numbers says for any two of its
neighbours which pair they are, so that all of ``common(t, v)`` above are one row of the block of u. An evaluation then
takes as many steps as u and v have neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.walks.losses import Around, Graph
from wis.kernels import compiled, kernel


class Wedges(NamedTuple):
    """Common neighbours of all pairs at distance two.

    Attributes
    ----------
    row
        int64 ``[n]``: where the block of vertex x begins.
    degree
        int64 ``[n]``: its number of rows, the degree of x at the start.
    place
        int32 ``[arcs]``: which row of the block of x is that of the other end of the arc.
    place_of_tail, place_of_head
        int32 ``[m]``: which row of the block of its head is that of the tail of a pair, and vice versa.
    block
        int32: the blocks, numbers of pairs.
    common
        int32: twice the common neighbours of a pair, plus 1 if the two are neighbours themselves.
    own
        int32 ``[m]``: the number of the two ends of an edge, -1 if they had no common neighbour at the start.
    """

    row: np.ndarray
    degree: np.ndarray
    place: np.ndarray
    place_of_tail: np.ndarray
    place_of_head: np.ndarray
    block: np.ndarray
    common: np.ndarray
    own: np.ndarray


def num_block_entries(degree: np.ndarray) -> int:
    """Size of all blocks: 4 bytes each, and at most 2 more for the pairs."""
    return int(np.square(degree.astype(np.int64)).sum())


def make_wedges(graph: Graph) -> Wedges:
    """Number the pairs at distance two and count their common neighbours. O(sum of squared degrees) time and memory.

    Parameters
    ----------
    graph
        An undirected graph from which nothing was removed yet.
    """
    m = len(graph.tail)
    degree = graph.stop - graph.start
    squares = degree * degree
    entries = int(squares.sum())
    wedges = Wedges(
        row=np.cumsum(squares) - squares,
        degree=degree,
        place=np.empty(len(graph.to), dtype=np.int32),
        place_of_tail=np.empty(m, dtype=np.int32),
        place_of_head=np.empty(m, dtype=np.int32),
        block=np.empty(entries, dtype=np.int32),
        common=np.empty((entries - int(degree.sum())) // 2, dtype=np.int32),
        own=np.full(m, -1, dtype=np.int32),
    )
    total = _number_pairs(graph.start, graph.stop, graph.to, graph.pair, graph.tail, wedges)
    # Room was taken for as many pairs as neighbours can form; mostly many of these are the same.
    return wedges._replace(common=wedges.common[:total].copy())


def no_wedges() -> Wedges:
    """Empty arrays, for the other kinds of losses."""
    long, short = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    return Wedges(long, long, short, short, short, short, short, short)


@compiled
def _number_pairs(
    start: np.ndarray, stop: np.ndarray, to: np.ndarray, pair: np.ndarray, tail: np.ndarray, wedges: Wedges
) -> int:
    """Fill the wedges; return how many pairs there are."""
    n = len(start)
    row, degree, place, place_of_tail, place_of_head, block, common, own = wedges
    for x in range(n):
        for at in range(start[x], stop[x]):
            place[at] = at - start[x]
            if tail[pair[at]] == x:
                place_of_head[pair[at]] = place[at]
            else:
                place_of_tail[pair[at]] = place[at]
    number_of = np.full(n, -1, dtype=np.int32)
    total = 0
    for a in range(n):
        first = total
        for at in range(start[a], stop[a]):
            x = to[at]
            i = place_of_tail[pair[at]] if a < x else place_of_head[pair[at]]
            for j in range(degree[x]):
                b = to[start[x] + j]
                # Every pair is numbered at the smaller of its vertices.
                if b <= a:
                    continue
                number = number_of[b]
                # A number below `first` was given with an earlier a: the array need not be cleared in between.
                if number < first:
                    number = total
                    number_of[b] = number
                    common[number] = 0
                    total += 1
                common[number] += 2
                block[row[x] + i * degree[x] + j] = number
                block[row[x] + j * degree[x] + i] = number
        for at in range(start[a], stop[a]):
            b = to[at]
            if b > a and number_of[b] >= first:
                # Neighbours that also are at distance two: the lowest bit says that they are neighbours.
                own[pair[at]] = number_of[b]
                common[number_of[b]] += 1
    return total


@kernel
def square_losses(graph: Graph, wedges: Wedges, e: int, value: np.ndarray, around: Around) -> None:
    """Fill ``around`` with the closed walks of length 4 that each vertex loses with pair e.

    ``ball`` has the two ends first; ``ahead`` has, in parallel, the pair that joins a vertex to them.
    """
    u, v = graph.tail[e], graph.head[e]
    ball, loss = around.ball, around.loss
    ball[0], ball[1] = u, v
    around.ahead[0], around.ahead[1] = -1, -1
    size = 2
    sum_u, sum_v, triangles = 0, 0, 0
    # All pairs of v with a neighbour of u stand in one row of the block of u, one after another.
    row = wedges.row[u] + wedges.place_of_head[e] * wedges.degree[u]
    for at in range(graph.start[u], graph.stop[u]):
        t = graph.to[at]
        if t == v:
            continue
        common = wedges.common[wedges.block[row + wedges.place[at]]]
        # 2 common(t, v) - 1, whatever the lowest bit.
        lost = (common | 1) - 2
        sum_u += lost
        # A neighbour of both ends closes a triangle.
        if common & 1:
            lost += 8
            triangles += 1
        loss[t] = lost
        ball[size] = t
        around.ahead[size] = graph.pair[at]
        size += 1
    row = wedges.row[v] + wedges.place_of_tail[e] * wedges.degree[v]
    for at in range(graph.start[v], graph.stop[v]):
        t = graph.to[at]
        if t == u:
            continue
        common = wedges.common[wedges.block[row + wedges.place[at]]]
        lost = (common | 1) - 2
        sum_v += lost
        if common & 1:
            loss[t] += lost
            continue
        loss[t] = lost
        ball[size] = t
        around.ahead[size] = graph.pair[at]
        size += 1
    around.size[0] = size
    degree_u = graph.stop[u] - graph.start[u]
    degree_v = graph.stop[v] - graph.start[v]
    # common(u, v) is the number of triangles; 6 - 1 = 5.
    loss[u] = value[u] if degree_u == 1 else 5 + 8 * triangles + 2 * degree_u + sum_v
    loss[v] = value[v] if degree_v == 1 else 5 + 8 * triangles + 2 * degree_v + sum_u


@kernel
def drop_wedges(graph: Graph, wedges: Wedges, e: int) -> None:
    """Bring the common neighbours up to date and remove pair e from the graph."""
    u, v = graph.tail[e], graph.head[e]
    # The two are no longer neighbours: the lowest bit goes.
    if wedges.own[e] >= 0:
        wedges.common[wedges.own[e]] -= 1
    _drop_side(graph, wedges, e, u, wedges.place_of_head[e])
    _drop_side(graph, wedges, e, v, wedges.place_of_tail[e])


@kernel
def _drop_side(graph: Graph, wedges: Wedges, e: int, x: int, place: int) -> None:
    """The other end, at this place in the block of x, no longer has x in common with the neighbours of x."""
    row = wedges.row[x] + place * wedges.degree[x]
    last = graph.stop[x] - 1
    found = last
    for at in range(graph.start[x], last + 1):
        if graph.pair[at] == e:
            found = at
        else:
            wedges.common[wedges.block[row + wedges.place[at]]] -= 2
    # Arcs move, their places in the block stay: these are the ones from the start.
    graph.to[found] = graph.to[last]
    graph.pair[found] = graph.pair[last]
    wedges.place[found] = wedges.place[last]
    graph.stop[x] = last
