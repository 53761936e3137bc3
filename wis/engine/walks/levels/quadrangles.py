"""Losses of closed walks of length 4 in undirected graphs, from common neighbours that are kept up to date.

Closed walks of length 4 at t number ``1 + 6 d + 8 triangles + sum over x of common(t, x)^2``, where ``common(t, t)`` is
the degree d. Without the edge ``{u, v}``, u and each neighbour of v have one common neighbour less, and so v and each
neighbour of u. Hence

    t next to u:         2 common(t, v) - 1, and 8 more if t is next to v too      (and the same with u and v swapped)
    u itself:            6 + 8 common(u, v) + 2 d_u - 1 + sum over x next to v of (2 common(u, x) - 1)

An evaluation takes as many steps as u and v have neighbours, and ends as soon as it finds a vertex that falls below the
current level. That vertex is the *witness* of the edge: as long as it is next to an end, its value bounds the level in
constant time.
"""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.near_arcs import drop_placed_arc, is_far, let_enter, look_at, note_places
from wis.engine.walks.levels.state import BASE, FREE, HORIZON, IS_WHOLE, SIZE, SPAN, State
from wis.engine.walks.levels.words import GONE, pack_changes, shorten
from wis.kernels import inlined, kernel

# Values of vertices that count are smaller; those of others are larger even after a loss.
_NO_VALUE = np.int64(1 << 62)


@kernel
def begin(s: State) -> None:
    """Let the words begin behind all values, and the lowest neighbour of an end be the witness of each edge."""
    s.counters[BASE] = _NO_VALUE
    note_places(s)
    # Borrowed: nothing else is using it yet.
    nearest = s.lowest
    for x in range(len(s.degree)):
        nearest[x] = -1
        lowest = np.int64(FREE)
        for at in range(s.start[x], s.stop[x]):
            if s.value[s.to[at]] < lowest:
                lowest = s.value[s.to[at]]
                nearest[x] = s.pair[at]
    for e in range(len(s.witness)):
        s.witness[e] = -1
        lowest = np.int64(FREE)
        for x in (s.tail[e], s.head[e]):
            w = nearest[x]
            if w < 0 or w == e:
                continue
            value = s.value[s.head[w] if s.tail[w] == x else s.tail[w]]
            if value < lowest:
                lowest = value
                s.witness[e] = w


@inlined
def _end_bound(s: State, u: int, v: int) -> np.int64:
    """The value of u without its edge to v, or more."""
    if s.value[u] == FREE:
        return np.int64(FREE)
    if s.degree[u] == 1:
        return np.int64(0)
    return s.value[u] - 4 - 2 * s.degree[u] - s.degree[v]


@inlined
def _witness_bound(s: State, e: int) -> np.int64:
    """The value without e of the vertex that had the smallest one when e was last looked at, or more."""
    w = s.witness[e]
    if w < 0 or s.heap.at[w] == GONE:
        return np.int64(FREE)
    u, v = s.tail[e], s.head[e]
    t, x = s.tail[w], s.head[w]
    place = s.wedges.place_of_tail[w]
    # The two edges meet in x, and t is the other end of the witness.
    if t in (u, v):
        t, x = x, t
        place = s.wedges.place_of_head[w]
    other = s.wedges.place_of_head[e] if x == u else s.wedges.place_of_tail[e]
    common = s.wedges.common[s.wedges.block[s.wedges.row[x] + other * s.wedges.degree[x] + place]]
    if s.value[t] == FREE:
        return np.int64(FREE)
    # Next to both ends, it loses at least one by way of the other end, and 8 with the triangle.
    return s.value[t] - ((common | 1) - 2) - 9 * (common & 1)


@inlined
def quick_bound(s: State, e: int) -> np.int64:
    """An upper bound of the level of an edge, in constant time."""
    u, v = s.tail[e], s.head[e]
    return min(_witness_bound(s, e), min(_end_bound(s, u, v), _end_bound(s, v, u)))


@inlined
def _note(s: State, t: int, lost: int, end: int, base: int) -> np.int64:
    """Count the vertex in the fields; return its value without the edge."""
    old = s.value[t]
    new = old - lost
    if new < end:
        s.fields[max(new - base, 0)] += 1
        if old < end:
            s.fields[max(old - base, 0)] -= 1
    return new


@kernel
def exact_words(s: State, e: int) -> np.int64:
    """The words of an edge and its level; or, without words, a bound of the level that is below the current one."""
    bound = quick_bound(s, e)
    floor = s.queue.level[0]
    s.counters[SIZE] = 0
    if bound < floor:
        return bound
    u, v = s.tail[e], s.head[e]
    base = s.counters[BASE]
    end = base + SPAN
    for i in range(SPAN):
        s.fields[i] = 0
    is_whole = not _ends_are_far(s, e, end)
    stop_u, stop_v = _stops(s, e, is_whole)
    sum_u, sum_v, triangles = np.int64(0), np.int64(0), 0
    level, witness = _NO_VALUE, -1
    # All pairs of v with a neighbour of u stand in one row of the block of u, one after another.
    row = s.wedges.row[u] + s.wedges.place_of_head[e] * s.wedges.degree[u]
    for at in range(s.start[u], stop_u):
        t = s.to[at]
        if t == v:
            continue
        common = s.wedges.common[s.wedges.block[row + s.wedges.place[at]]]
        # 2 common(t, v) - 1, whatever the lowest bit.
        lost = np.int64((common | 1) - 2)
        sum_u += lost
        # A neighbour of both ends closes a triangle, and loses by way of the other end too.
        if common & 1:
            s.loss[t] = lost + 8
            triangles += 1
            continue
        new = _note(s, t, lost, end, base)
        if new < level:
            level, witness = new, s.pair[at]
            if level < floor:
                s.witness[e] = witness
                return level
    row = s.wedges.row[v] + s.wedges.place_of_tail[e] * s.wedges.degree[v]
    for at in range(s.start[v], stop_v):
        t = s.to[at]
        if t == u:
            continue
        common = s.wedges.common[s.wedges.block[row + s.wedges.place[at]]]
        lost = np.int64((common | 1) - 2)
        sum_v += lost
        if common & 1:
            lost += s.loss[t]
        new = _note(s, t, lost, end, base)
        if new < level:
            level, witness = new, s.pair[at]
            if level < floor:
                s.witness[e] = witness
                return level
    s.witness[e] = witness
    if is_whole:
        lost_u, lost_v = _lost_by_ends(s, e, triangles, sum_u, sum_v)
        if s.value[u] != FREE:
            level = min(level, _note(s, u, lost_u, end, base))
        if s.value[v] != FREE:
            level = min(level, _note(s, v, lost_v, end, base))
    pack_changes(s)
    return level if level < _NO_VALUE else np.int64(FREE)


@kernel
def collect(s: State, e: int, far: bool) -> int:
    """Fill ``old`` and ``new`` with the values before and after of all that lose walks; return how many they are.

    Unless ``far``, those whose values stay above the horizon may be left out, as ``IS_WHOLE`` then says.
    """
    u, v = s.tail[e], s.head[e]
    is_whole = far or not _ends_are_far(s, e, s.counters[HORIZON])
    stop_u, stop_v = _stops(s, e, is_whole)
    sum_u, sum_v, triangles, affected = np.int64(0), np.int64(0), 0, 0
    row = s.wedges.row[u] + s.wedges.place_of_head[e] * s.wedges.degree[u]
    for at in range(s.start[u], stop_u):
        t = s.to[at]
        if t == v:
            continue
        common = s.wedges.common[s.wedges.block[row + s.wedges.place[at]]]
        lost = np.int64((common | 1) - 2)
        sum_u += lost
        if common & 1:
            s.loss[t] = lost + 8
            triangles += 1
        else:
            affected = _append(s, affected, t, lost)
    row = s.wedges.row[v] + s.wedges.place_of_tail[e] * s.wedges.degree[v]
    for at in range(s.start[v], stop_v):
        t = s.to[at]
        if t == u:
            continue
        common = s.wedges.common[s.wedges.block[row + s.wedges.place[at]]]
        lost = np.int64((common | 1) - 2)
        sum_v += lost
        if common & 1:
            lost += s.loss[t]
        affected = _append(s, affected, t, lost)
    if is_whole:
        lost_u, lost_v = _lost_by_ends(s, e, triangles, sum_u, sum_v)
        affected = _append(s, affected, u, lost_u)
        affected = _append(s, affected, v, lost_v)
    return affected


@inlined
def _ends_are_far(s: State, e: int, end: np.int64) -> bool:
    return is_far(s, s.tail[e], s.near.tail_loss[e], end) and is_far(s, s.head[e], s.near.head_loss[e], end)


@inlined
def _stops(s: State, e: int, is_whole: bool) -> tuple[int, int]:
    """Where to stop among the arcs of both ends; sets how many are looked at."""
    u, v = s.tail[e], s.head[e]
    s.counters[IS_WHOLE] = is_whole
    if is_whole:
        s.counters[SIZE] = s.degree[u] + s.degree[v]
        return s.stop[u], s.stop[v]
    s.counters[SIZE] = s.near.stop[u] - s.start[u] + s.near.stop[v] - s.start[v]
    return s.near.stop[u], s.near.stop[v]


@inlined
def _lost_by_ends(s: State, e: int, triangles: int, sum_u: np.int64, sum_v: np.int64) -> tuple[np.int64, np.int64]:
    """What the ends lose, by what their neighbours do; keeps it."""
    u, v = s.tail[e], s.head[e]
    lost_u = s.value[u] if s.degree[u] == 1 else 5 + 8 * triangles + 2 * s.degree[u] + sum_v
    lost_v = s.value[v] if s.degree[v] == 1 else 5 + 8 * triangles + 2 * s.degree[v] + sum_u
    s.near.tail_loss[e], s.near.head_loss[e] = lost_u, lost_v
    return lost_u, lost_v


@inlined
def _append(s: State, affected: int, x: int, lost: int) -> int:
    s.old[affected] = s.value[x]
    s.new[affected] = s.value[x] - lost
    return affected + (s.value[x] != FREE)


@kernel
def remove(s: State, e: int) -> int:
    """Take an edge out of the graph; return the vertices visited."""
    u, v = s.tail[e], s.head[e]
    old_u, old_v = s.value[u], s.value[v]
    cost = s.degree[u] + s.degree[v]
    s.heap.at[e] = GONE
    if s.wedges.own[e] >= 0:
        # The two are no longer neighbours: the lowest bit goes.
        s.wedges.common[s.wedges.own[e]] -= 1
    sum_u, triangles = _drop_side(s, e, u, s.wedges.place_of_head[e], old_v)
    sum_v, _ = _drop_side(s, e, v, s.wedges.place_of_tail[e], old_u)
    if old_u != FREE:
        s.value[u] -= old_u if s.degree[u] == 1 else 5 + 8 * triangles + 2 * s.degree[u] + sum_v
        look_at(s, u)
    if old_v != FREE:
        s.value[v] -= old_v if s.degree[v] == 1 else 5 + 8 * triangles + 2 * s.degree[v] + sum_u
        look_at(s, v)
    s.degree[u] -= 1
    s.degree[v] -= 1
    let_enter(s)
    return cost


@inlined
def _drop_side(s: State, e: int, x: int, place: int, old: int) -> tuple[np.int64, int]:
    """Without e, its other end, at this place in the block of x, no longer has x in common with the neighbours of x.

    Lowers the values of these, and returns the sum of what they lose and the number of triangles.

    The edges ``{x, t}`` may have become better, where t is not next to the other end: that end, with the value
    ``old``, loses no walks with them any more, and all that t has lost it would have lost with them too. All others
    that lose walks with both edges also lost some with the removed one alone, so that they make the key worse from a
    smaller number on.
    """
    total, triangles = np.int64(0), 0
    row = s.wedges.row[x] + place * s.wedges.degree[x]
    drop_placed_arc(s, x, e)
    for at in range(s.start[x], s.stop[x]):
        t = s.to[at]
        number = s.wedges.block[row + s.wedges.place[at]]
        common = s.wedges.common[number]
        s.wedges.common[number] = common - 2
        lost = np.int64((common | 1) - 2)
        total += lost
        before = s.value[t]
        triangles += common & 1
        if before != FREE:
            # Triangles are found from both ends.
            s.value[t] = before - lost - 4 * (common & 1)
            look_at(s, t)
        if common & 1 == 0:
            shorten(s, s.pair[at], min(old, before) - lost)
    return total, triangles
