"""Where the triangles of an edge come from: a list that is kept, or a search of the arcs of both ends.

A list takes 36 bytes a triangle and is read at once; what is gone of it is dropped when it is read. A search takes
nothing but the arcs of the graph, 16 bytes a pair: two sorted arrays, intersected by merging them, or, where one is
much longer, by binary search in it. Arcs of removed edges are marked, and moved out when they become many.
"""

from __future__ import annotations

import numpy as np

from wis.engine.triangles.edge_table import COUNT, HEAD, LENGTH, TAIL
from wis.engine.triangles.state import APEX, AT_HEAD, AT_TAIL, BEGIN, DEAD, END_OF, PLACE_COLUMNS, START, State
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
    if not s.searched:
        _drop_removed(s, e)
    elif s.edge[e, COUNT] > 0:
        _search(s, e, s.key[e, START], np.int64(0))


@inlined
def find_triangles_or_low_apex(s: State, e: int, limit: int) -> np.int64:
    """As `find_triangles`, unless an apex has a value below the limit: then, without entries, one of the lowest seen.

    -1 if there is none. Most edges are looked at only to be told that they have fallen, and that takes less.
    """
    if s.searched:
        return _search(s, e, s.key[e, START], limit) if s.edge[e, COUNT] > 0 else np.int64(-1)
    low = _low_apex(s, e, limit)
    if low < 0:
        _drop_removed(s, e)
    return low


@inlined
def find_last_triangles(s: State, e: int) -> int:
    """As `find_triangles`, for an edge that goes: the place of entries that stay when others are looked at."""
    if not s.searched:
        _drop_removed(s, e)
        return s.key[e, START]
    # Entries of one search, and after them those of the edge that goes.
    begin = len(s.entries) // 2
    if s.edge[e, COUNT] > 0:
        _search(s, e, begin, np.int64(0))
    tail, head = s.place[s.edge[e, TAIL], BEGIN], s.place[s.edge[e, HEAD], BEGIN]
    for i in range(begin, begin + s.edge[e, COUNT]):
        s.entries[i, AT_TAIL] = s.arc_edge[tail + s.entries[i, AT_TAIL]]
        s.entries[i, AT_HEAD] = s.arc_edge[head + s.entries[i, AT_HEAD]]
    return begin


@inlined
def take_out(s: State, e: int) -> None:
    """Let an edge be in no triangle from here on."""
    if not s.searched:
        s.removed[np.uint32(e) >> np.uint32(3)] |= np.uint8(1 << (e & 7))
        return
    _drop_arc(s, s.edge[e, TAIL], s.edge[e, HEAD])
    _drop_arc(s, s.edge[e, HEAD], s.edge[e, TAIL])


@inlined
def _is_removed(s: State, e: int) -> bool:
    return s.removed[np.uint32(e) >> np.uint32(3)] >> (e & 7) & 1


@inlined
def _low_apex(s: State, e: int, limit: int) -> np.int64:
    """The lowest apex of an edge whose triangles are listed, if its value is below the limit; else -1."""
    low = np.int64(-1)
    begin = s.key[e, START]
    for i in range(begin, begin + s.edge[e, LENGTH]):
        x = s.value[s.entries[i, APEX]]
        # Few get here, so that entries of removed triangles need not be dropped first.
        if x < limit and not (_is_removed(s, s.entries[i, AT_TAIL]) or _is_removed(s, s.entries[i, AT_HEAD])):
            low, limit = np.int64(s.entries[i, APEX]), x
    return low


@inlined
def _drop_removed(s: State, e: int) -> None:
    """Drop the listed entries of removed triangles."""
    if s.edge[e, LENGTH] == s.edge[e, COUNT]:
        return
    begin = s.key[e, START]
    at = begin
    for i in range(begin, begin + s.edge[e, LENGTH]):
        if not (_is_removed(s, s.entries[i, AT_TAIL]) or _is_removed(s, s.entries[i, AT_HEAD])):
            s.entries[at, APEX] = s.entries[i, APEX]
            s.entries[at, AT_TAIL] = s.entries[i, AT_TAIL]
            s.entries[at, AT_HEAD] = s.entries[i, AT_HEAD]
            at += 1
    s.edge[e, LENGTH] = at - begin


@kernel
def _search(s: State, e: int, begin: int, limit: int) -> np.int64:
    """Write the entries of an edge that has triangles, from ``begin`` on, or up to an apex below the limit.

    Returns that apex, or -1.
    """
    u, v = s.edge[e, TAIL], s.edge[e, HEAD]
    at_u, at_v = AT_TAIL, AT_HEAD
    if s.place[u, END_OF] - s.place[u, BEGIN] > s.place[v, END_OF] - s.place[v, BEGIN]:
        u, v = v, u
        at_u, at_v = AT_HEAD, AT_TAIL
    # Unsigned, so that no test for negative indices is made.
    start_u, end_u = np.uint64(s.place[u, BEGIN]), np.uint64(s.place[u, END_OF])
    start_v, end_v = np.uint64(s.place[v, BEGIN]), np.uint64(s.place[v, END_OF])
    one = np.uint64(1)
    at = np.uint64(begin)
    end = at + np.uint64(s.edge[e, COUNT])
    i, j = start_u, start_v
    # All triangles are found before either array ends.
    if end_v - start_v < _MERGED * (end_u - start_u):
        # From both ends at once: a step waits for the numbers that the one before it led to, but not for the other's.
        p, q = end_u - one, end_v - one
        while at < end:
            a, b, c, d = s.arcs[i], s.arcs[j], s.arcs[p], s.arcs[q]
            if a == b and not a & 1:
                _enter(s, at, a >> 1, at_u, i - start_u, at_v, j - start_v)
                at += one
                if s.value[a >> 1] < limit:
                    return np.int64(a >> 1)
            # Both may come to the last triangle in the same step.
            if c == d and not c & 1 and (p != i or q != j):
                _enter(s, at, c >> 1, at_u, p - start_u, at_v, q - start_v)
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
                _enter(s, at, a >> 1, at_u, i - start_u, at_v, j - start_v)
                at += one
                if s.value[a >> 1] < limit:
                    return np.int64(a >> 1)
        i += one
    return np.int64(-1)


@inlined
def _enter(s: State, at: int, apex: int, at_u: int, from_u: int, at_v: int, from_v: int) -> None:
    s.entries[at, APEX] = apex
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


def make_arcs(edges: EdgeList) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fields ``place``, ``arcs`` and ``arc_edge`` of a state in which nothing is removed."""
    place = np.zeros((edges.num_nodes, PLACE_COLUMNS), dtype=np.int64)
    np.cumsum(edges.degrees()[:-1], out=place[1:, BEGIN])
    place[:, END_OF] = place[:, BEGIN]
    arcs = np.empty(2 * edges.num_pairs, dtype=np.uint32)
    arc_edge = np.empty(2 * edges.num_pairs, dtype=np.int32)
    _fill_arcs(*edges.pairs, place, arcs, arc_edge)
    return place, arcs, arc_edge


@compiled
def _fill_arcs(tail: np.ndarray, head: np.ndarray, place: np.ndarray, arcs: np.ndarray, arc_edge: np.ndarray) -> None:
    # Pairs are sorted: for each vertex its smaller neighbours are met in order, and then its larger ones.
    for e in range(len(tail)):
        at = place[head[e], END_OF]
        arcs[at] = 2 * tail[e]
        arc_edge[at] = e
        place[head[e], END_OF] = at + 1
    for e in range(len(tail)):
        at = place[tail[e], END_OF]
        arcs[at] = 2 * head[e]
        arc_edge[at] = e
        place[tail[e], END_OF] = at + 1
