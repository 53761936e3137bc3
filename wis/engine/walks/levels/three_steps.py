"""Graph prediction at depth 3, undirected: the walk index of t is the number of walks of length 3 from t.

With ``r`` the walks of length 2 from every vertex (``sums``), removing ``{u, v}`` lowers that of u by ``2 + d_v``, that
of v by ``2 + d_u``, and that of every other neighbour of either by 1 for each of them. The walk index of t is the sum
of r over t and its neighbours, so it loses what these lose, and an end also the r of the other one. All that is found
in one pass over the neighbours of the neighbours of the ends.

Words of an edge (``state``) are computed by this pass. But before that, they are estimated by the rows of the
neighbours of the ends (``value_rows``): a vertex that loses k walks by k paths over these has k numbers in the key, of
which the largest is counted k times in place of all. This is no worse than the true key, so that the pass is only made
where the estimate does not suffice.

The vertex with the smallest value within two steps of an end bounds the level of all edges of that end, as long as the
path to it is there.
"""

from __future__ import annotations

import numpy as np

from wis.engine.walks.levels.state import BASE, FREE, FULL, SIZE, SPAN, State, drop_arc
from wis.engine.walks.levels.value_rows import begin_rows, leave_row, lower_value
from wis.engine.walks.levels.word_heap import FIELDS, WORDS
from wis.engine.walks.levels.words import GONE, first_number, pack_changes, shorten
from wis.kernels import inlined, kernel

# Rows that are summed up at most, so that the counts fit into 16 bits.
_MOST_ROWS = 700

# Every other field of a word; and those bits of them that are only set in counts above 127.
_LANES = np.uint64(0x00FF00FF00FF00FF)
_LARGE = np.uint64(0xFF80FF80FF80FF80)


@kernel
def begin(s: State) -> None:
    """Find the vertex with the smallest value within two steps of each. O(n + m) time."""
    begin_rows(s)
    nobody = len(s.degree)
    # Borrowed: nothing else is using them yet.
    nearest, by = s.old, s.new
    for x in range(nobody):
        nearest[x], by[x] = nobody, -1
        for at in range(s.start[x], s.stop[x]):
            if s.value[s.to[at]] < s.value[nearest[x]]:
                nearest[x], by[x] = s.to[at], s.pair[at]
    for x in range(nobody):
        # First within one step for all, then from there: two passes over the arcs, where paths would be many more.
        s.lowest[x] = x
        s.path[x, 0] = s.path[x, 1] = -1
        for at in range(s.start[x], s.stop[x]):
            y = s.to[at]
            if s.value[y] < s.value[s.lowest[x]]:
                _set_lowest(s, x, y, s.pair[at], -1)
            if s.value[nearest[y]] < s.value[s.lowest[x]]:
                _set_lowest(s, x, nearest[y], s.pair[at], by[y])


@inlined
def _set_lowest(s: State, x: int, lowest: int, first: int, second: int) -> None:
    s.lowest[x] = lowest
    s.path[x, 0] = first
    s.path[x, 1] = second


@kernel
def _find_lowest(s: State, x: int) -> None:
    """Find the vertex with the smallest value within two steps of x, and the path to it."""
    s.lowest[x] = x
    s.path[x, 0] = s.path[x, 1] = -1
    for at in range(s.start[x], s.stop[x]):
        y = s.to[at]
        if s.value[y] < s.value[s.lowest[x]]:
            _set_lowest(s, x, y, s.pair[at], -1)
        # Paths back to x itself do no harm.
        for after in range(s.start[y], s.stop[y]):
            if s.value[s.to[after]] < s.value[s.lowest[x]]:
                _set_lowest(s, x, s.to[after], s.pair[at], s.pair[after])


@inlined
def _is_there(s: State, e: int) -> bool:
    return e < 0 or s.heap.at[e] != GONE


@inlined
def _end_bound(s: State, u: int, v: int) -> np.int64:
    """The value of u without its edge to v, or more."""
    if s.value[u] == FREE:
        return np.int64(FREE)
    if s.degree[u] == 1:
        return np.int64(0)
    # Common neighbours of the ends would lower it further.
    return s.value[u] - 1 - s.degree[u] - s.degree[v] - s.sums[v]


@kernel
def quick_bound(s: State, e: int) -> np.int64:
    """An upper bound of the level of an edge, in constant time."""
    u, v = s.tail[e], s.head[e]
    bound = min(_end_bound(s, u, v), _end_bound(s, v, u))
    for x in (u, v):
        # As long as the path is there, the vertex loses a walk over each edge of x.
        lowest = s.value[s.lowest[x]]
        if lowest < FREE and _is_there(s, s.path[x, 0]) and _is_there(s, s.path[x, 1]):
            bound = min(bound, lowest - 1)
    return bound


@kernel
def likely_words(s: State, e: int) -> np.int64:
    """Words of an edge that are no worse than the exact ones, by the rows of the neighbours of its ends.

    Returns an upper bound of its level; the words are set if that is not below the current one.
    """
    bound = quick_bound(s, e)
    if bound < s.queue.level[0]:
        return bound
    for j in range(WORDS):
        s.lanes[0, j] = s.lanes[1, j] = np.uint64(0)
    rows = 0
    for x in (s.tail[e], s.head[e]):
        for at in range(s.start[x], s.stop[x]):
            y = np.uint32(s.to[at])
            # Words with less in them are no worse than the true ones.
            if not s.is_small[y] or rows == _MOST_ROWS:
                continue
            # A vertex within two steps is below the base: its value is a bound already.
            if s.below[y] > 0:
                _find_lowest(s, x)
                return s.value[s.lowest[x]] - 1
            rows += 1
            for j in range(WORDS):
                word = s.row[y, j]
                # Odd and even fields apart, so that sums of many rows have sixteen bits.
                s.lanes[0, j] += word & _LANES
                s.lanes[1, j] += (word >> np.uint64(8)) & _LANES
    _join_lanes(s)
    return min(bound, first_number(s, s.words))


@inlined
def _join_lanes(s: State) -> None:
    """Words from the sums of their odd and even fields."""
    full = np.bool_(False)
    for j in range(WORDS):
        at = ((s.counters[BASE] >> 3) + j) & 7
        low, high = s.lanes[0, at], s.lanes[1, at]
        # All counts below 128: the two halves fit together as they are.
        if (low | high) & _LARGE == 0 and not full:
            s.words[j] = low | (high << np.uint64(8))
            continue
        word = np.uint64(0)
        for i in range(FIELDS):
            lanes = high if i & 1 == 0 else low
            count = min((lanes >> np.uint64(16 * (3 - (i >> 1)))) & np.uint64(0xFFFF), np.uint64(FULL))
            if not full:
                word += count * s.unit[i]
                full = count == FULL
        s.words[j] = word


@kernel
def _spread(s: State, e: int) -> None:
    """Find the vertices that lose walks with an edge, and how many."""
    u, v = s.tail[e], s.head[e]
    s.ball[0], s.ball[1] = u, v
    # One walk more by each other neighbour comes in with `_spread_from`.
    s.loss[u] = 2 + s.degree[v] + s.sums[v]
    s.loss[v] = 2 + s.degree[u] + s.sums[u]
    size = _spread_from(s, u, v, 2)
    s.counters[SIZE] = _spread_from(s, v, u, size)
    for x in (u, v):
        if s.degree[x] == 1 and s.value[x] != FREE:
            s.loss[x] = s.value[x]


@inlined
def _spread_from(s: State, u: int, v: int, size: int) -> int:
    # A neighbour of u loses what u loses of walks of length 2, and one by its own step to u; its neighbours lose this
    # one too.
    by_neighbour = 3 + s.degree[v]
    for at in range(s.start[u], s.stop[u]):
        # Unsigned, so that no test for negative indices is made; and no branch that nobody can foresee.
        x = np.uint32(s.to[at])
        if x == v:
            continue
        s.ball[size] = x
        size += s.loss[x] == 0
        s.loss[x] += by_neighbour
        for after in range(s.start[x], s.stop[x]):
            t = np.uint32(s.to[after])
            s.ball[size] = t
            size += s.loss[t] == 0
            s.loss[t] += 1
    return size


@inlined
def _clear(s: State) -> None:
    # All zero between uses; only what was written is cleared.
    for i in range(s.counters[SIZE]):
        s.loss[s.ball[i]] = 0


@kernel
def exact_words(s: State, e: int) -> np.int64:
    """The words of an edge and its level."""
    floor = s.queue.level[0]
    _spread(s, e)
    level, lowest = _count(s)
    # The quick bound did not know of this vertex: look for it, for this edge and for others of its ends.
    if lowest <= floor:
        _find_lowest(s, s.tail[e])
        _find_lowest(s, s.head[e])
    return level


@kernel
def _count(s: State) -> tuple[np.int64, np.int64]:
    """Words from the losses, which are cleared; returns the level and the smallest value before."""
    base = s.counters[BASE]
    for i in range(SPAN):
        s.fields[i] = 0
    level, lowest = np.int64(FREE), np.int64(FREE)
    for i in range(s.counters[SIZE]):
        x = np.uint32(s.ball[i])
        old = s.value[x]
        new = old - s.loss[x]
        s.loss[x] = 0
        if old == FREE:
            continue
        level, lowest = min(level, new), min(lowest, old)
        # Only changes of counts here: intervals are long, and sums follow in one pass.
        if base <= new < base + SPAN:
            s.fields[new - base] += 1
            if old < base + SPAN:
                s.fields[old - base] -= 1
    pack_changes(s)
    return level, lowest


@kernel
def collect(s: State, e: int, far: bool) -> int:
    """Fill ``old`` and ``new`` with the values before and after of all that lose walks; return how many they are.

    All are collected, ``far`` or not.
    """
    _spread(s, e)
    affected = 0
    for i in range(s.counters[SIZE]):
        x = s.ball[i]
        if s.value[x] != FREE:
            s.old[affected] = s.value[x]
            s.new[affected] = s.value[x] - s.loss[x]
            affected += 1
    _clear(s)
    return affected


@kernel
def remove(s: State, e: int) -> int:
    """Take an edge out of the graph; return the vertices visited."""
    u, v = s.tail[e], s.head[e]
    old_u, old_v = s.value[u], s.value[v]
    lost_u, lost_v = _lowest_neighbour(s, u, v) - 1, _lowest_neighbour(s, v, u) - 1
    # Losses are those of the graph with the edge: before any arc goes.
    _spread(s, e)
    s.sums[u] -= 2 + s.degree[v]
    s.sums[v] -= 2 + s.degree[u]
    drop_arc(s, u, e)
    drop_arc(s, v, e)
    s.heap.at[e] = GONE
    for x in (u, v):
        s.degree[x] -= 1
        for at in range(s.start[x], s.stop[x]):
            s.sums[s.to[at]] -= 1
    # The ends leave the rows of each other with their old values: before any value falls.
    leave_row(s, u, old_v)
    leave_row(s, v, old_u)
    for i in range(s.counters[SIZE]):
        x = s.ball[i]
        loss = s.loss[x]
        s.loss[x] = 0
        if s.value[x] != FREE:
            lower_value(s, x, s.value[x] - loss)
    _refresh(s, u, min(lost_v, s.value[v]), old_v)
    _refresh(s, v, min(lost_u, s.value[u]), old_u)
    return s.counters[SIZE]


@inlined
def _lowest_neighbour(s: State, x: int, other: int) -> np.int64:
    lowest = np.int64(FREE)
    for at in range(s.start[x], s.stop[x]):
        if s.to[at] != other:
            lowest = min(lowest, s.value[s.to[at]])
    return lowest


@kernel
def _refresh(s: State, u: int, lost: int, old: int) -> None:
    """Shorten the words of the edges on the side of u that may have become better.

    Let ``f = {u, x}`` be removed, e another edge, and t a vertex that lost walks with both. If e-walks of t that do not
    use f are left, and it had f-walks that do not use e, the smallest number that t has in ``M(e)`` falls. All vertices
    within two steps of u but by way of e are such, for edges e at u; and u, y and their other neighbours for edges
    ``{y, z}`` with y next to u. So the key got worse, but where one of these came first:

    * x or a neighbour of it, not below ``lost``, has no e-walk any more;
    * for ``e = {y, z}``: x, with ``old - 1``, has none;
    * for e at u: a vertex behind e had no f-walk but over e, so that its highest number is gone; this matters only if
      it is the lowest of all within two steps of u;
    * for ``e = {y, z}``: z likewise.
    """
    end = s.counters[BASE] + SPAN
    _find_lowest(s, u)
    lowest = s.value[s.lowest[u]]
    around = s.value[u]
    for at in range(s.start[u], s.stop[u]):
        y = s.to[at]
        around = min(around, s.value[y])
        z_value, z_at = np.int64(FREE), -1
        for after in range(s.start[y], s.stop[y]):
            if s.to[after] != u and s.value[s.to[after]] < z_value:
                z_value, z_at = s.value[s.to[after]], after
        if z_value < min(end, min(s.value[u], s.value[y])):
            shorten(s, s.pair[z_at], z_value)
    if s.path[u, 0] >= 0:
        shorten(s, s.path[u, 0], lowest)
    if lost < min(end, lowest):
        for at in range(s.start[u], s.stop[u]):
            shorten(s, s.pair[at], lost)
    if old - 1 < min(end, around):
        for at in range(s.start[u], s.stop[u]):
            y = s.to[at]
            for after in range(s.start[y], s.stop[y]):
                shorten(s, s.pair[after], old - 1)
