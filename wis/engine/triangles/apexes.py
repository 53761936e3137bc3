"""Where the triangles of an edge come from: a list that is kept, or a search of the arcs of both ends.

Either way a triangle at an edge is told by two numbers: which arc of the tail leads to its third vertex, and which one
of the head. They are small, so that a list takes 12 bytes a triangle, 4 at each of its edges (or 24, where a vertex
has more neighbours than 16 bits count). Vertex, edges and whether these are still there are read from the arcs, which
stand together for a vertex. What is gone of a list is dropped when it is read. A search takes nothing but the arcs: two
sorted arrays, intersected by merging them, or, where one is much longer, by binary search in it. Arcs of removed edges
are marked; where triangles are searched for, and no list counts on their places, they are moved out when they are many.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wis.engine.triangles.edge_table import COUNT, HEAD, LENGTH, TAIL
from wis.engine.triangles.state import (
    APEX,
    AT_HEAD,
    AT_TAIL,
    BEGIN,
    DEAD,
    END_OF,
    ENTRY_COLUMNS,
    HEAD_EDGE,
    PLACE_COLUMNS,
    START,
    TAIL_EDGE,
    State,
    entry_type,
)
from wis.graphs.edge_list import EdgeList
from wis.kernels import compiled, inlined, kernel

# The longer array is searched where it has so many times as many arcs, else both are merged.
_MERGED = 6

# Arcs are moved together once so many are of removed edges, and this share of all.
_FEW = 8
_DEAD_SHARE = 4


@inlined
def find_triangles(s: State, e: int) -> None:
    """Have the entries of an edge, from its start on, be those of its triangles."""
    if s.edge[e, COUNT] == 0:
        return
    if s.searched:
        _search(s, e, np.int64(0))
    else:
        _drop_removed(s, e)


@inlined
def find_triangles_or_low_apex(s: State, e: int, limit: int) -> np.int64:
    """As `find_triangles`, unless an apex has a value below the limit: then, without entries, one of the lowest seen.

    -1 if there is none. Most edges are looked at only to be told that they have fallen, and that takes less.
    """
    # What an edge without triangles has in place of a list is no list.
    if s.edge[e, COUNT] == 0:
        return np.int64(-1)
    if s.searched:
        return _search(s, e, limit)
    low = _low_apex(s, e, limit)
    if low < 0:
        _drop_removed(s, e)
    return low


@inlined
def apex_of(s: State, row: int, entry: int) -> np.uint32:
    """The third vertex of a triangle at an edge; ``row`` is where the arcs of the edge's tail begin."""
    return s.arcs[row + s.entries[entry, AT_TAIL]] >> np.uint32(1)


@kernel
def take_out(s: State, e: int) -> None:
    """Put the triangles of an edge into ``going``, and let it be in none from here on."""
    u, v = s.edge[e, TAIL], s.edge[e, HEAD]
    find_triangles(s, e)
    begin, row_u, row_v = s.key[e, START], s.place[u, BEGIN], s.place[v, BEGIN]
    for i in range(s.edge[e, COUNT]):
        s.going[i, APEX] = apex_of(s, row_u, begin + i)
        s.going[i, TAIL_EDGE] = s.arc_edge[row_u + s.entries[begin + i, AT_TAIL]]
        s.going[i, HEAD_EDGE] = s.arc_edge[row_v + s.entries[begin + i, AT_HEAD]]
    # An edge without triangles is in no list, but lengthens a search.
    if s.searched or s.edge[e, COUNT] > 0:
        _drop_arc(s, u, v)
        _drop_arc(s, v, u)


@inlined
def _is_removed(s: State, row_u: int, row_v: int, entry: int) -> bool:
    """Whether a listed triangle has lost an edge; the rows are where the arcs of tail and head begin."""
    return (s.arcs[row_u + s.entries[entry, AT_TAIL]] | s.arcs[row_v + s.entries[entry, AT_HEAD]]) & 1


@inlined
def _low_apex(s: State, e: int, limit: int) -> np.int64:
    """The lowest apex of an edge whose triangles are listed, if its value is below the limit; else -1."""
    low = np.int64(-1)
    begin, row_u, row_v = s.key[e, START], s.place[s.edge[e, TAIL], BEGIN], s.place[s.edge[e, HEAD], BEGIN]
    for i in range(begin, begin + s.edge[e, LENGTH]):
        apex = apex_of(s, row_u, i)
        x = s.value[apex]
        # Few get here, so that entries of removed triangles need not be dropped first.
        if x < limit and not _is_removed(s, row_u, row_v, i):
            low, limit = np.int64(apex), x
    return low


@inlined
def _drop_removed(s: State, e: int) -> None:
    """Drop the listed entries of removed triangles."""
    if s.edge[e, LENGTH] == s.edge[e, COUNT]:
        return
    begin, row_u, row_v = s.key[e, START], s.place[s.edge[e, TAIL], BEGIN], s.place[s.edge[e, HEAD], BEGIN]
    at = begin
    for i in range(begin, begin + s.edge[e, LENGTH]):
        if not _is_removed(s, row_u, row_v, i):
            s.entries[at, AT_TAIL] = s.entries[i, AT_TAIL]
            s.entries[at, AT_HEAD] = s.entries[i, AT_HEAD]
            at += 1
    s.edge[e, LENGTH] = at - begin


@kernel
def _search(s: State, e: int, limit: int) -> np.int64:
    """Write the entries of an edge that has triangles, or up to an apex below the limit, which is returned; else -1."""
    u, v = s.edge[e, TAIL], s.edge[e, HEAD]
    at_u, at_v = AT_TAIL, AT_HEAD
    if s.place[u, END_OF] - s.place[u, BEGIN] > s.place[v, END_OF] - s.place[v, BEGIN]:
        u, v = v, u
        at_u, at_v = AT_HEAD, AT_TAIL
    # Unsigned, so that no test for negative indices is made.
    start_u, end_u = np.uint64(s.place[u, BEGIN]), np.uint64(s.place[u, END_OF])
    start_v, end_v = np.uint64(s.place[v, BEGIN]), np.uint64(s.place[v, END_OF])
    one = np.uint64(1)
    at = np.uint64(s.key[e, START])
    end = at + np.uint64(s.edge[e, COUNT])
    i, j = start_u, start_v
    # All triangles are found before either array ends.
    if end_v - start_v < _MERGED * (end_u - start_u):
        # From both ends at once: a step waits for the numbers that the one before it led to, but not for the other's.
        p, q = end_u - one, end_v - one
        while at < end:
            a, b, c, d = s.arcs[i], s.arcs[j], s.arcs[p], s.arcs[q]
            if a == b and not a & 1:
                _enter(s, at, at_u, i - start_u, at_v, j - start_v)
                at += one
                if s.value[a >> 1] < limit:
                    return np.int64(a >> 1)
            # Both may come to the last triangle in the same step.
            if c == d and not c & 1 and (p != i or q != j):
                _enter(s, at, at_u, p - start_u, at_v, q - start_v)
                at += one
                if s.value[c >> 1] < limit:
                    return np.int64(c >> 1)
            i += np.uint64(a <= b)
            j += np.uint64(b <= a)
            p -= np.uint64(c >= d)
            q -= np.uint64(d >= c)
        return np.int64(-1)
    while at < end:
        a = s.arcs[i]
        if not a & 1:
            j = _lower_bound(s.arcs, j, end_v, a)
            if s.arcs[j] == a:
                _enter(s, at, at_u, i - start_u, at_v, j - start_v)
                at += one
                if s.value[a >> 1] < limit:
                    return np.int64(a >> 1)
        i += one
    return np.int64(-1)


@inlined
def _enter(s: State, at: int, at_u: int, from_u: int, at_v: int, from_v: int) -> None:
    s.entries[at, at_u] = from_u
    s.entries[at, at_v] = from_v


@inlined
def _lower_bound(arcs: np.ndarray, low: np.uint64, high: np.uint64, arc: np.uint32) -> np.uint64:
    """The first place from ``low`` on with no smaller arc; ``high`` if there is none."""
    length = high - low
    while length > 0:
        half = length >> np.uint64(1)
        # No branch: which way it goes cannot be foreseen.
        smaller = np.uint64(arcs[low + half] < arc)
        low += smaller * (half + np.uint64(1))
        length = half - smaller * (half + half + np.uint64(1) - length)
    return low


@kernel
def _drop_arc(s: State, u: int, v: int) -> None:
    """Mark the arc from one vertex to another as removed."""
    begin, end = np.uint64(s.place[u, BEGIN]), np.uint64(s.place[u, END_OF])
    s.arcs[_lower_bound(s.arcs, begin, end, np.uint32(v) << np.uint32(1))] |= np.uint32(1)
    # Lists count on the places of arcs.
    if not s.searched:
        return
    s.place[u, DEAD] += 1
    dead = s.place[u, DEAD]
    if dead < _FEW or dead * _DEAD_SHARE < end - begin:
        return
    at = begin
    for i in range(begin, end):
        if not s.arcs[i] & 1:
            s.arcs[at] = s.arcs[i]
            s.arc_edge[at] = s.arc_edge[i]
            at += np.uint64(1)
    s.place[u, END_OF] = at
    s.place[u, DEAD] = 0


class Arcs(NamedTuple):
    """The arcs of a graph of which nothing is removed.

    Attributes
    ----------
    place, arcs, arc_edge
        Fields of a state.
    numbers
        Of `entry_type`, ``[m, ENTRY_COLUMNS]``: which arc of its tail every edge is, and which one of its head, from 0.
    """

    place: np.ndarray
    arcs: np.ndarray
    arc_edge: np.ndarray
    numbers: np.ndarray


def make_arcs(edges: EdgeList) -> Arcs:
    """The arcs of a graph. O(m) time; 16 bytes a pair and 24 a vertex, and 4 or 8 a pair for the numbers."""
    degrees = edges.degrees()
    place = np.zeros((edges.num_nodes, PLACE_COLUMNS), dtype=np.int64)
    np.cumsum(degrees[:-1], out=place[1:, BEGIN])
    place[:, END_OF] = place[:, BEGIN]
    arcs = np.empty(2 * edges.num_pairs, dtype=np.uint32)
    arc_edge = np.empty(2 * edges.num_pairs, dtype=np.int32)
    numbers = np.empty((edges.num_pairs, ENTRY_COLUMNS), dtype=entry_type(int(degrees.max(initial=0))))
    # Pairs are sorted: for each vertex its smaller neighbours are met in order, and then its larger ones.
    _fill_arcs(edges.pairs[1], edges.pairs[0], place, arcs, arc_edge, numbers[:, AT_HEAD])
    _fill_arcs(edges.pairs[0], edges.pairs[1], place, arcs, arc_edge, numbers[:, AT_TAIL])
    return Arcs(place, arcs, arc_edge, numbers)


@compiled
def _fill_arcs(
    origin: np.ndarray,
    to: np.ndarray,
    place: np.ndarray,
    arcs: np.ndarray,
    arc_edge: np.ndarray,
    number: np.ndarray,
) -> None:
    for e in range(len(origin)):
        at = place[origin[e], END_OF]
        arcs[at] = 2 * to[e]
        arc_edge[at] = e
        number[e] = at - place[origin[e], BEGIN]
        place[origin[e], END_OF] = at + 1
