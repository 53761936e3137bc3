"""Keys of edges for 2-WIS: what a removal does to the sorted tuple of values, compared as far as needed.

The key of an edge is the signed count per value of DESIGN 3.3: ascending values ``y``, each with a count ``q`` of how many
more (or, if negative, fewer) vertices have it after the removal. The better key has the smaller count at the smallest
``y`` where two keys differ. One pair ``(y, q)`` is packed into one int64, a *token*, so that the better one is larger:

    more of y:    larger y first, then fewer of them
    END:          no further change
    fewer of y:   smaller y first, then more of them
    UNKNOWN:      not looked at yet; as good as it gets, so that it bounds every key that begins the same

An edge stores the first ``WIDTH`` tokens. They come from the ``NEAR`` smallest values among its apexes (the third
vertices of its triangles), found in one pass and without sorting. Only where two keys agree in all of them is the list of
apexes sorted by value and its values kept (a *snapshot*), and the rest of the two keys compared on these.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

# Tokens stored for an edge.
WIDTH = 5

# Distinct apex values from which they are computed.
NEAR = 6

# Value 4 = 1 + 3 * 1: a vertex with a single neighbour, which falls to 0.
_LEAF = 4

_SHIFT = 24
_LOW = (1 << _SHIFT) - 1
END = 1 << 61
UNKNOWN = np.iinfo(np.int64).max
_FLIP = 1 << 62

# Kernels allocate nothing. Without this option Numba counts references to every array of the state up and down at every
# call of a small function, in atomic operations that take nearly all of the time.
kernel = njit(cache=True, nogil=True, _nrt=False)

# The same for small functions: passing the state would take longer than what they do.
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")


class State(NamedTuple):
    """Everything the kernels work on: ``n`` vertices, ``m`` edges, ``t`` triangles."""

    free: int  # the value of a vertex that does not count (no target); larger than all others
    value: np.ndarray  # int32 or int64 [n]: 1 + 3 * degree + 2 * triangles
    tail: np.ndarray  # int32 [m]: smaller endpoint
    head: np.ndarray  # int32 [m]: larger endpoint
    priority: np.ndarray  # int32 [m]: smaller wins a tie
    alive: np.ndarray  # bool [m]: not removed yet
    start: np.ndarray  # int64 [m + 1]: where the triangles of an edge begin
    entries: np.ndarray  # int32 [3 t, 3]: apex, edge from the tail to it, edge from the head to it
    length: np.ndarray  # int32 [m]: entries stored, those of removed triangles included
    count: np.ndarray  # int32 [m]: triangles there are
    witness: np.ndarray  # int32 [m]: an apex whose value bounds the key, -1 if an endpoint does
    tokens: np.ndarray  # int64 [m, WIDTH]: beginning of the key when it was last computed
    stamp: np.ndarray  # int32 [m]: the round in which that was
    ranked: np.ndarray  # bool [m]: whether there is a snapshot for the rest of it
    snapshot: np.ndarray  # like value, [3 t]: sorted apex values of an edge, where its entries are
    snapshot_head: np.ndarray  # int64 [m, 6]: its length, value before and after of both endpoints, the count then
    fresh: np.ndarray  # int64 [WIDTH]: tokens just computed
    run_value: np.ndarray  # int64 [largest count + NEAR]: distinct apex values, ascending
    run_count: np.ndarray  # int64, the same: how many apexes have them
    keys: np.ndarray  # int64 [largest count]: for sorting
    moved: np.ndarray  # int32 [largest count, 3]: for sorting
    level: np.ndarray  # int32 [m]: which bucket an edge is in, or IN_HEAP or GONE
    before: np.ndarray  # int32 [m]: previous edge of the bucket; or the position in the heap
    after: np.ndarray  # int32 [m]: next edge of the bucket, -1 for none
    first: np.ndarray  # int32 [levels]: first edge of each bucket, -1 for none
    heap: np.ndarray  # int32 [m]
    counters: np.ndarray  # int64 [4]: see triangle_queue
    shift: int  # a bucket is a value without this many of its low bits
    order: np.ndarray  # int64 [limit]: the result


@inlined
def fallen(s, vertex, count):
    """Value of an endpoint once its edge with ``count`` triangles is gone."""
    x = np.int64(s.value[vertex])
    if x == s.free:
        return x
    return np.int64(0) if x == _LEAF else x - 3 - 2 * np.int64(count)


@inlined
def upper_bound(s, e):
    """No smaller than the first value of the key, in constant time."""
    bound = min(fallen(s, s.tail[e], s.count[e]), fallen(s, s.head[e], s.count[e]))
    if s.witness[e] >= 0:
        x = np.int64(s.value[s.witness[e]])
        if x != s.free:
            bound = min(bound, x - 2)
    return bound


@inlined
def compact(s, e):
    """Drop the entries of removed triangles."""
    if s.length[e] == s.count[e]:
        return
    begin = s.start[e]
    at = begin
    for i in range(begin, begin + s.length[e]):
        if s.alive[s.entries[i, 1]] and s.alive[s.entries[i, 2]]:
            s.entries[at, 0] = s.entries[i, 0]
            s.entries[at, 1] = s.entries[i, 1]
            s.entries[at, 2] = s.entries[i, 2]
            at += 1
    s.length[e] = at - begin


@kernel
def evaluate(s, e):
    """First value of the key of ``e``, exact; sets the witness, and leaves what ``begin_key`` needs in the runs.

    Returns the value, the number of runs, and whether there are larger apex values than those of the runs.
    """
    compact(s, e)
    found, more, lowest = 0, False, -1
    limit = np.int64(s.free) - 1
    for i in range(s.start[e], s.start[e] + s.count[e]):
        apex = s.entries[i, 0]
        x = np.int64(s.value[apex])
        if x > limit:
            more |= x < s.free
            continue
        at = found
        while at > 0 and s.run_value[at - 1] > x:
            at -= 1
        if at > 0 and s.run_value[at - 1] == x:
            s.run_count[at - 1] += 1
            continue
        if at == 0:
            lowest = apex
        if found == NEAR:
            more = True
        else:
            found += 1
        for j in range(found - 1, at, -1):
            s.run_value[j] = s.run_value[j - 1]
            s.run_count[j] = s.run_count[j - 1]
        s.run_value[at] = x
        s.run_count[at] = 1
        if found == NEAR:
            limit = s.run_value[NEAR - 1]
    value = min(fallen(s, s.tail[e], s.count[e]), fallen(s, s.head[e], s.count[e]))
    s.witness[e] = -1
    if found > 0 and s.run_value[0] - 2 < value:
        value = s.run_value[0] - 2
        s.witness[e] = lowest
    return value, found, more


@kernel
def begin_key(s, e, found, more):
    """Compute the first tokens of the key of ``e`` from the runs, into ``fresh``."""
    x_tail, x_head = np.int64(s.value[s.tail[e]]), np.int64(s.value[s.head[e]])
    y_tail, y_head = fallen(s, s.tail[e], s.count[e]), fallen(s, s.head[e], s.count[e])
    # Counts are complete up to here: apexes beyond the last run fall to larger values.
    known = s.run_value[found - 1] - 2 if more else np.int64(s.free)
    fallers, leavers, width, last = 0, 0, 0, np.int64(-1)
    while width < WIDTH:
        y = np.int64(s.free)
        if fallers < found:
            y = s.run_value[fallers] - 2
        if leavers < found:
            y = min(y, s.run_value[leavers])
        for end in (x_tail, x_head, y_tail, y_head):
            if last < end < y:
                y = end
        if y == s.free or y > known:
            break
        q = np.int64(0)
        if fallers < found and s.run_value[fallers] - 2 == y:
            q += s.run_count[fallers]
            fallers += 1
        if leavers < found and s.run_value[leavers] == y:
            q -= s.run_count[leavers]
            leavers += 1
        q += np.int64(y_tail == y) + np.int64(y_head == y) - np.int64(x_tail == y) - np.int64(x_head == y)
        last = y
        if q != 0:
            s.fresh[width] = _token(y, q)
            width += 1
    for i in range(width, WIDTH):
        s.fresh[i] = UNKNOWN if more else END


@inlined
def _token(y, q):
    if q > 0:
        return (y << _SHIFT) | (_LOW - q)
    return _FLIP - ((y << _SHIFT) | (_LOW + q))


@inlined
def token_value(token):
    """The value ``y`` of a token; larger than all values for END and UNKNOWN."""
    if token < END:
        return token >> _SHIFT
    if token == END or token == UNKNOWN:
        return UNKNOWN
    return (_FLIP - token) >> _SHIFT


@kernel
def _sort(keys, count):
    """Shell sort: short lists, mostly sorted already."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            key = keys[i]
            at = i
            while at >= gap and keys[at - gap] > key:
                keys[at] = keys[at - gap]
                at -= gap
            keys[at] = key
        gap //= 3


@kernel
def take_snapshot(s, e):
    """Sort the apexes of ``e`` by value, keep the values, and compute all of its tokens."""
    compact(s, e)
    begin, count = s.start[e], s.count[e]
    for i in range(count):
        s.keys[i] = np.int64(s.value[s.entries[begin + i, 0]]) << 24 | i
        for j in range(3):
            s.moved[i, j] = s.entries[begin + i, j]
    _sort(s.keys, count)
    size, found = 0, 0
    for i in range(count):
        source = s.keys[i] & _LOW
        for j in range(3):
            s.entries[begin + i, j] = s.moved[source, j]
        x = s.keys[i] >> 24
        if x < s.free:
            s.snapshot[begin + size] = x
            size += 1
            if found == 0 or s.run_value[found - 1] != x:
                s.run_value[found] = x
                s.run_count[found] = 0
                found += 1
            s.run_count[found - 1] += 1
    s.snapshot_head[e, 0] = size
    for i, end in enumerate(_sorted_ends(s, e)):
        s.snapshot_head[e, i + 1] = end
    s.snapshot_head[e, 5] = count
    s.ranked[e] = True
    begin_key(s, e, found, False)
    for i in range(WIDTH):
        s.tokens[e, i] = s.fresh[i]


@kernel
def _sorted_ends(s, e):
    """Values before and after of both endpoints, the smaller one first."""
    u, v = s.tail[e], s.head[e]
    if s.value[u] > s.value[v]:
        u, v = v, u
    count = s.count[e]
    return np.int64(s.value[u]), fallen(s, u, count), np.int64(s.value[v]), fallen(s, v, count)


@kernel
def snapshot_holds(s, e):
    """Whether the snapshot of ``e`` still is what one taken now would be."""
    # As long as no triangle is lost, the entries stay in the order of the snapshot.
    if s.snapshot_head[e, 5] != s.count[e]:
        return False
    for i, end in enumerate(_sorted_ends(s, e)):
        if s.snapshot_head[e, i + 1] != end:
            return False
    begin = s.start[e]
    for i in range(s.snapshot_head[e, 0]):
        if s.value[s.entries[begin + i, 0]] != s.snapshot[begin + i]:
            return False
    return True


@kernel
def compare_snapshots(s, e, f):
    """1 if the key of ``e`` is better than that of ``f``, -1 if it is worse, 0 if they are equal."""
    e_at, f_at = s.start[e], s.start[f]
    e_end, f_end = e_at + s.snapshot_head[e, 0], f_at + s.snapshot_head[f, 0]
    while e_at < e_end and f_at < f_end and s.snapshot[e_at] == s.snapshot[f_at]:
        e_at += 1
        f_at += 1
    e_old, f_old, last = e_at, f_at, np.int64(-1)
    while True:
        y = np.int64(s.free)
        if e_at < e_end:
            y = min(y, np.int64(s.snapshot[e_at]) - 2)
        if f_at < f_end:
            y = min(y, np.int64(s.snapshot[f_at]) - 2)
        if e_old < e_end:
            y = min(y, np.int64(s.snapshot[e_old]))
        if f_old < f_end:
            y = min(y, np.int64(s.snapshot[f_old]))
        for i in range(1, 5):
            for g in (e, f):
                if last < s.snapshot_head[g, i] < y:
                    y = s.snapshot_head[g, i]
        if y == s.free:
            return 0
        q = 0
        while e_at < e_end and s.snapshot[e_at] - 2 == y:
            q += 1
            e_at += 1
        while f_at < f_end and s.snapshot[f_at] - 2 == y:
            q -= 1
            f_at += 1
        while e_old < e_end and s.snapshot[e_old] == y:
            q -= 1
            e_old += 1
        while f_old < f_end and s.snapshot[f_old] == y:
            q += 1
            f_old += 1
        for i in range(1, 5):
            sign = 1 if i % 2 == 0 else -1
            q += sign * (np.int64(s.snapshot_head[e, i] == y) - np.int64(s.snapshot_head[f, i] == y))
        if q != 0:
            return 1 if q < 0 else -1
        last = y
